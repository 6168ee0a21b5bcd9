// SPDX-License-Identifier: Apache-2.0
// Our HTTP/1.1 server. http_server.cc is the only file that includes cpprestsdk's listener.
//
// A handler gets one request with its whole body and a Responder, which it calls exactly once, at
// any time, from any thread: a long-poll keeps its Responder and costs no thread while it waits. A
// Responder destroyed uncalled answers 500. Handlers run on the process's shared pool and must not
// take long: what does is registered with HandleAside.
//
// A GET that has a body is refused (400, and the connection is closed).
//
// Limits: body bytes per route (413) and of all open requests together (503; either way the rest of
// the body is read and thrown away, so that memory stays bounded), the time that a body may take
// (408, and the connection is closed), open requests per server (503) and those of them that wait
// aside (503), what a client sends in one request and all of them send together, headers and chunks
// included, before anybody sees it (the connection is closed; so it is behind the answer to a body
// that is chunked or broken and to a header above 64 KiB), bytes of answers that wait for their
// clients (503) and the time that they wait (the connection is closed), connections per server
// (those that are idle for longest are closed; fewer where the process may not have so many
// descriptors) and their idle time. An exception in a handler becomes a 500 and a log line. Idle
// keep-alive connections are kept longer than the 90 s of Go's client, which never replays a POST
// on a connection that was just closed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/connections.h"

namespace pmem {

// A body has this much spare capacity, so that a parser which wants padding need not copy it.
inline constexpr int64_t kBodyPaddingBytes = 64;

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

// RFC 9457 problem+json. A 503 says that it may be tried again in a second.
HttpResponse ProblemResponse(int status, std::string_view title, std::string_view detail);

HttpResponse PlainTextResponse(std::string body);

using Responder = std::function<void(HttpResponse)>;
using HttpHandler = std::function<void(HttpRequest, Responder)>;

// One answered request, for metrics and access logs.
struct HttpExchange {
  // The path as it was registered; empty when none matched. Bounded in number.
  std::string_view route;
  int status = 0;
  absl::Duration duration;  // From the end of the header to the answer.
};

struct HttpServerOptions {
  static constexpr int kOpenRequestsDefaultMax = 4096;
  int open_requests_max = kOpenRequestsDefaultMax;
  // Bodies are held, from their first bytes until their answers are sent, as long as they take no
  // more memory than so many of the largest that a route accepts. Small ones have half of one more.
  static constexpr int kLargestBodiesDefaultMax = 2;
  int largest_bodies_max = kLargestBodiesDefaultMax;
  // From a header to the last byte of its body, and a second for each 8 MiB.
  absl::Duration body_patience = absl::Seconds(10);
  // Answers, until their last byte is handed to the kernel, beside as much as the bodies may take.
  static constexpr int64_t kAnswerBytesDefaultMax = int64_t{64} * 1024 * 1024;
  int64_t answer_bytes_max = kAnswerBytesDefaultMax;
  // A client that takes next to nothing of its answer for so long loses its connection.
  absl::Duration send_patience = absl::Seconds(10);
  // A connection that is over one of these is closed at the next look, which does not wait for its
  // time when descriptors become few.
  static constexpr int kConnectionsDefaultMax = 2 * kOpenRequestsDefaultMax;
  ConnectionLimits connections = {.count_max = kConnectionsDefaultMax,
                                  .idle_max = absl::Minutes(10)};
  absl::Duration connections_look_period = absl::Seconds(5);
  // Called on the answering thread for every answer; cheap and thread-safe. May be empty.
  std::function<void(const HttpExchange&)> observer;
};

// Thread-safe after Start.
class HttpServer {
 public:
  static constexpr int64_t kBodyBytesDefaultMax = int64_t{1024} * 1024;
  static constexpr absl::Duration kDrainDefault = absl::Seconds(2);

  explicit HttpServer(HttpServerOptions options = {});
  ~HttpServer();  // Stops.

  // Before Start. `path` is exact ("/livez") or ends in "/" and then matches everything below it.
  // The longest match wins. An unknown path answers 404, a known one with another method 405 with
  // Allow.
  void Handle(std::string method, std::string path, HttpHandler handler,
              int64_t body_bytes_max = kBodyBytesDefaultMax);

  // The same for what is answered also when too many requests are open. For /livez: who holds them
  // open does not end the program.
  void HandleProbe(std::string method, std::string path, HttpHandler handler);

  // The same for a handler that takes milliseconds, or thousands of them: such ones run one after
  // the other on one thread of the server's own, so that they keep nothing else waiting. 503 when
  // more than kAsideQueuedMax wait.
  static constexpr size_t kAsideQueuedMax = 64;
  void HandleAside(std::string method, std::string path, HttpHandler handler);

  // Listens on "HOST:PORT" ("127.0.0.1:0", "0.0.0.0:9090"), HOST being IPv4 or a name. Returns the
  // port, also for port 0. Errors: InvalidArgument for the address, also one of IPv6;
  // FailedPrecondition when it is in use.
  absl::StatusOr<int> Start(std::string_view listen);
  // "HOST:PORT" with the chosen port, once Start was good.
  const std::string& address() const;

  // New requests get 503; open ones get `drain` to be answered, then their connections are closed.
  // When it returns no handler runs, and a Responder that is called later does nothing. Not from a
  // handler. Idempotent.
  void Stop(absl::Duration drain = kDrainDefault);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Sets the size of the process's one pool (cpprestsdk's, client and server), at least 2. Once,
// first thing in main, before any server or client exists; later calls change nothing.
void StartIoThreads(int threads);

}  // namespace pmem
