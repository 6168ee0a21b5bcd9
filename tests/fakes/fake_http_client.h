// SPDX-License-Identifier: Apache-2.0
// An HttpClient without a network: the test says what each request gets, and waits for requests
// instead of for time.
//
// Send answers from `OnSend`. Stream plays the scripts of `AddStream` in order; with none left it
// stays silent until one is added or it is stopped. SendAsync keeps its request until the test
// answers it. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/io/http_client.h"
#include "common/io/mutex.h"
#include "tests/support/wait_until.h"

namespace pmem {

struct FakeStream {
  ClientResponse refusal;  // Status other than 0: this and nothing else.
  std::vector<std::string> lines;
  absl::Status end = absl::OkStatus();
  bool is_cut = false;      // No line end after the last one.
  bool stays_open = false;  // After its lines: silent until stopped, or until CloseStream().
};

// What the test and the client under test share; outlives the FakeHttpClients made from it.
class FakeHttpServer {
 public:
  using Handler = std::function<absl::StatusOr<ClientResponse>(const ClientRequest&)>;

  void OnSend(Handler handler) {
    MutexLock lock(&mu_);
    handler_ = std::move(handler);
  }

  void AddStream(FakeStream stream) {
    MutexLock lock(&mu_);
    streams_.push_back(std::move(stream));
    changed_.SignalAll();
  }

  // Ends the open stream, normally or with an error.
  void CloseStream(absl::Status end = absl::OkStatus()) {
    MutexLock lock(&mu_);
    closed_with_.push_back(std::move(end));
    changed_.SignalAll();
  }

  // Requests so far, of all three kinds. Waits (at most half a minute) until there are `count`.
  std::vector<ClientRequest> WaitForRequests(size_t count) {
    MutexLock lock(&mu_);
    WaitUntil("so many requests came", &mu_, &changed_,
              [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return requests_.size() >= count; });
    return requests_;
  }

  // Answers the oldest SendAsync request that waits whose path begins with `path`, on the calling
  // thread; waits for it to come. False: none came.
  bool Answer(absl::StatusOr<ClientResponse> response, std::string_view path = {}) {
    HttpClient::Done done = TakePending(path);
    if (!done) return false;
    done(std::move(response));
    return true;
  }

  size_t pending() {
    MutexLock lock(&mu_);
    return pending_.size();
  }

  // Clients that have not ended.
  int clients() {
    MutexLock lock(&mu_);
    return clients_;
  }

 private:
  friend class FakeHttpClient;
  struct Pending {
    ClientRequest request;
    HttpClient::Done done;
  };

  HttpClient::Done TakePending(std::string_view path) {
    MutexLock lock(&mu_);
    auto found = pending_.end();
    WaitUntil("a request to answer came", &mu_, &changed_,
              [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                for (found = pending_.begin(); found != pending_.end(); ++found) {
                  if (found->request.path_and_query.compare(0, path.size(), path) == 0) break;
                }
                return found != pending_.end();
              });
    if (found == pending_.end()) return nullptr;
    HttpClient::Done done = std::move(found->done);
    pending_.erase(found);
    return done;
  }

  void NoteLocked(const ClientRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    requests_.push_back(request);
    changed_.SignalAll();
  }

  Mutex mu_;
  CondVar changed_;
  Handler handler_ ABSL_GUARDED_BY(mu_);
  std::deque<FakeStream> streams_ ABSL_GUARDED_BY(mu_);
  std::deque<absl::Status> closed_with_ ABSL_GUARDED_BY(mu_);
  std::vector<ClientRequest> requests_ ABSL_GUARDED_BY(mu_);
  std::deque<Pending> pending_ ABSL_GUARDED_BY(mu_);
  int clients_ ABSL_GUARDED_BY(mu_) = 0;
};

class FakeHttpClient final : public HttpClient {
 public:
  explicit FakeHttpClient(FakeHttpServer* server) : server_(server) {
    MutexLock lock(&server_->mu_);
    ++server_->clients_;
  }
  ~FakeHttpClient() override {
    MutexLock lock(&server_->mu_);
    --server_->clients_;
  }
  FakeHttpClient(const FakeHttpClient&) = delete;
  FakeHttpClient& operator=(const FakeHttpClient&) = delete;

  absl::StatusOr<ClientResponse> Send(const ClientRequest& request) override {
    FakeHttpServer::Handler handler;
    {
      MutexLock lock(&server_->mu_);
      server_->NoteLocked(request);
      handler = server_->handler_;
    }
    if (!handler) return absl::UnavailableError("nobody listens");
    return handler(request);
  }

  void SendAsync(const ClientRequest& request, Done done) override {
    MutexLock lock(&server_->mu_);
    server_->pending_.push_back({request, std::move(done)});
    server_->NoteLocked(request);
  }

  absl::Status Stream(const ClientRequest& request, const OnBlock& on_block, const StopFlag& stop,
                      ClientResponse* refusal) override {
    FakeStream stream;
    {
      MutexLock lock(&server_->mu_);
      server_->NoteLocked(request);
      while (server_->streams_.empty()) {
        if (stop.is_set()) return absl::CancelledError("stopped");
        server_->changed_.WaitWithTimeout(&server_->mu_, absl::Milliseconds(2));
      }
      stream = std::move(server_->streams_.front());
      server_->streams_.pop_front();
    }
    if (stream.refusal.status != 0) {
      *refusal = stream.refusal;
      return absl::OkStatus();
    }
    for (size_t i = 0; i < stream.lines.size(); ++i) {
      const bool is_whole = !stream.is_cut || i + 1 < stream.lines.size();
      absl::Status status = on_block(stream.lines[i] + (is_whole ? "\n" : ""));
      if (!status.ok()) return status;
    }
    return stream.stays_open ? StayOpen(stop) : stream.end;
  }

 private:
  absl::Status StayOpen(const StopFlag& stop) {
    MutexLock lock(&server_->mu_);
    while (server_->closed_with_.empty()) {
      if (stop.is_set()) return absl::CancelledError("stopped");
      server_->changed_.WaitWithTimeout(&server_->mu_, absl::Milliseconds(2));
    }
    absl::Status end = std::move(server_->closed_with_.front());
    server_->closed_with_.pop_front();
    return end;
  }

  FakeHttpServer* const server_;
};

}  // namespace pmem
