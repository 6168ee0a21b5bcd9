// SPDX-License-Identifier: Apache-2.0
// Our HTTP/1.1 client. http_call.h, which is a part of it, is the only file that includes that of
// cpprestsdk. No exception leaves it, no task goes unobserved.
//
// Thread-safe. Errors: Unavailable (connect, reset, TLS), DeadlineExceeded (silence longer than the
// read timeout, or the deadline), ResourceExhausted (body above the limit), InvalidArgument (URL).
// An HTTP status is an answer, not an error. What has a body is sent once; what has none is sent
// again when it finds that the server has ended a connection that was kept.
//
// What cpprestsdk buffers of an answer that is not streamed is bounded too (receive_limits.h): one
// whose header or chunk is longer than its limit allows ends in Unavailable.
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
#include "common/io/stop_flag.h"

namespace pmem {

struct ClientResponse {
  int status = 0;
  std::string body;
  std::map<std::string, std::string> headers;  // Lower-case names.
};

struct ClientRequest {
  std::string method = "GET";
  std::string path_and_query;
  std::string body;
  std::string content_type;                            // Sent when a body is.
  std::map<std::string, std::string> headers;          // E.g. Authorization, If-None-Match.
  int64_t body_bytes_max = int64_t{64} * 1024 * 1024;  // Of the answer.
  // From the call to the end of the answer; beside the silence that the read timeout watches.
  absl::Duration deadline = absl::InfiniteDuration();
};

struct ClientTls {
  std::string ca_pem;           // Empty: the system's.
  std::string certificate_pem;  // With key: a client certificate.
  std::string key_pem;
  std::string server_name;  // Empty: the URL's host.
  bool insecure = false;    // Verifies nothing; only when a kubeconfig says so.
};

// A stream is read so far ahead of who reads its blocks.
inline constexpr size_t kStreamAheadBytesMax = size_t{256} * 1024;

// Pieces that come within this time are one block, unless they are so many bytes: a burst of
// thousands of events comes in as many pieces, and to wake a thread costs more than to read one.
inline constexpr absl::Duration kStreamGatherTime = absl::Milliseconds(1);
inline constexpr size_t kStreamGatherBytes = size_t{64} * 1024;

class HttpClient {
 public:
  // base_url: "http://10.0.0.1:9090" or "https://host:6443[/prefix]". `read_timeout`: the longest
  // silence (cpprestsdk's timeout is per read); on a watch it is the half-open detector.
  static absl::StatusOr<std::unique_ptr<HttpClient>> Make(std::string_view base_url,
                                                          const ClientTls& tls,
                                                          absl::Duration read_timeout);
  // Cancels what is open (`done` gets Cancelled) and returns when every `done` has returned. Not
  // from a `done`, not while Send or Stream runs.
  virtual ~HttpClient() = default;

  // Blocks the calling thread; never call it on the I/O pool.
  virtual absl::StatusOr<ClientResponse> Send(const ClientRequest& request) = 0;

  // `done` is called exactly once: on the I/O pool, or on this thread for a request that cannot be
  // sent at all, or on the destructor's.
  using Done = std::function<void(absl::StatusOr<ClientResponse>)>;
  virtual void SendAsync(const ClientRequest& request, Done done) = 0;

  // An answer that is read as it comes, in blocks that are cut anywhere. Blocks the calling thread
  // until the stream ends (OK), fails, `on_block` returns an error (returned as it is) or `stop`
  // is set (Cancelled, at once). An answer other than 200 comes back as ClientResponse in *refusal
  // with its body, and status OK.
  //
  // The socket is not read further than kStreamAheadBytesMax and one piece (a chunk as the server
  // sent it) ahead of `on_block`: memory does not grow with a slow reader, but one that takes
  // longer than the read timeout for what was read ahead loses its stream.
  using OnBlock = std::function<absl::Status(std::string_view block)>;
  virtual absl::Status Stream(const ClientRequest& request, const OnBlock& on_block,
                              const StopFlag& stop, ClientResponse* refusal) = 0;
};

}  // namespace pmem
