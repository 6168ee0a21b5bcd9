// SPDX-License-Identifier: Apache-2.0
// Our HTTP/1.1 server. http_server.cc is the only file that includes cpprestsdk's listener.
//
// A handler gets one request with its whole body and a Responder, which it calls exactly once, at
// any time, from any thread: a long-poll keeps its Responder and costs no thread while it waits. A
// Responder destroyed uncalled answers 500. Handlers run on the process's shared pool and must not
// block for long.
//
// Limits: kRequestBodyBytesMax per route (413, the rest of the body is read and thrown away, so
// that memory stays bounded), see http_server.cc. An exception in a handler becomes a 500 and a log
// line. Idle keep-alive connections are kept longer than the 90 s of Go's client, which never
// replays a POST on a connection that was just closed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pmem {

struct HttpRequest {
  std::string method;                        // "GET"
  std::string path;                          // Percent-decoded, without the query: "/v1/capacity"
  std::map<std::string, std::string> query;  // Percent-decoded; the last one wins.
  std::string if_none_match;                 // Header of that name, or empty.
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;  // Beside Content-Type and Content-Length.
};

// RFC 9457 problem+json.
HttpResponse ProblemResponse(int status, std::string_view title, std::string_view detail);

using Responder = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(HttpRequest, Responder)>;

class HttpServer {
 public:
  static constexpr int64_t kBodyBytesDefaultMax = 1024 * 1024;

  HttpServer();
  ~HttpServer();  // Stops.

  // Before Start. `path` is exact ("/livez") or ends in "/" and then matches everything below it.
  // The longest match wins. An unknown path answers 404, a known one with another method 405 with
  // Allow.
  void Handle(std::string method, std::string path, HttpHandler handler,
              int64_t body_bytes_max = kBodyBytesDefaultMax);

  // Listens on "HOST:PORT" ("127.0.0.1:0", "[::1]:0", "0.0.0.0:9090"). Returns the port, also for
  // port 0. Errors: InvalidArgument for the address, FailedPrecondition when it is in use.
  absl::StatusOr<int> Start(std::string_view listen);

  // Stops accepting; open requests get `drain` to be answered. Idempotent.
  void Stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Sets the size of the process's one pool (cpprestsdk's, client and server). Once, first thing in
// main, before any server or client exists.
void StartIoThreads(int threads);

}  // namespace pmem
