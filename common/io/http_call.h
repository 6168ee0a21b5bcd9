// SPDX-License-Identifier: Apache-2.0
// One request of http_client.cc on its way through cpprestsdk; nobody else includes this.
#pragma once

#include <cpprest/http_client.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/io/http_client.h"
#include "common/io/mutex.h"
#include "common/io/tls_failure.h"

namespace pmem {

class Call;

// The calls under way; outlives the client when a late event of cpprestsdk holds on to it.
// Thread-safe.
class ActiveCalls {
 public:
  void Add(const std::shared_ptr<Call>& call) ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(const std::shared_ptr<Call>& call) ABSL_LOCKS_EXCLUDED(mu_);
  // Returns when every call has told its end.
  void CancelAll() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Mutex mu_;
  CondVar changed_;
  std::set<std::shared_ptr<Call>> calls_ ABSL_GUARDED_BY(mu_);
};

// Its end is told once, whoever brings it about: cpprestsdk, the deadline or a cancellation.
// Thread-safe.
class Call : public std::enable_shared_from_this<Call> {
 public:
  // Called on the pool (on_end also on the thread that cancels), one at a time but for on_end.
  struct Events {
    std::function<void(ClientResponse head)> on_head;
    // The socket is not read on before the task is done; one that fails ends the call. May come
    // before on_head.
    std::function<pplx::task<size_t>(const uint8_t*, size_t)> on_bytes;
    std::function<void(absl::Status)> on_end;
  };

  // `what` is put in front of every error; `tls` explains those of TLS.
  Call(std::string what, std::shared_ptr<ActiveCalls> active, std::shared_ptr<const TlsFailure> tls)
      : what_(std::move(what)), active_(std::move(active)), tls_(std::move(tls)) {}

  void Start(web::http::client::http_client& client, web::http::http_request request,
             absl::Duration deadline, Events events);

  // Ends with `why` and closes the connection. Nothing when the call has ended.
  void Cancel(absl::Status why);

  const std::string& what() const { return what_; }

 private:
  void StartTimer(absl::Duration deadline);
  pplx::task<size_t> OnBytes(const uint8_t* ptr, size_t count);
  void OnHead(const pplx::task<web::http::http_response>& task);
  void OnContent(const pplx::task<web::http::http_response>& task);
  // The status of the exception that is being handled.
  absl::Status Failure() const;
  void End(absl::Status status);

  const std::string what_;
  const std::shared_ptr<ActiveCalls> active_;
  const std::shared_ptr<const TlsFailure> tls_;
  Events events_;
  std::atomic<bool> is_ended_{false};
  pplx::cancellation_token_source source_;
  std::optional<boost::asio::steady_timer> timer_;
};

// A failed task for Events::on_bytes.
pplx::task<size_t> RefuseBytes(const std::string& why);

}  // namespace pmem
