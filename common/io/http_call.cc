// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_call.h"

#include <pplx/threadpool.h>

#include <exception>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/io/http_buffer.h"

namespace pmem {
namespace {

namespace http = web::http;
namespace streams = concurrency::streams;

// cpprestsdk reads a chunk's length as an int and passes it on unsigned: "-1" becomes one that no
// memory holds, and what is thrown then ends the process.
constexpr size_t kPieceBytesMax = std::numeric_limits<int>::max();

// Where cpprestsdk writes a response body: hands each piece to a function, whose task holds back
// the next read from the socket until it completes. There is nothing to read from it.
class Sink final : public PlainBuffer {
 public:
  using OnBytes = std::function<pplx::task<size_t>(const uint8_t*, size_t)>;
  explicit Sink(OnBytes on_bytes)
      : PlainBuffer(std::ios_base::out), on_bytes_(std::move(on_bytes)) {}

 protected:
  pplx::task<int_type> _putc(uint8_t c) override {
    return on_bytes_(&c, 1).then([c](size_t) { return static_cast<int_type>(c); });
  }
  pplx::task<size_t> _putn(const uint8_t* ptr, size_t count) override {
    if (count > kPieceBytesMax) return RefuseBytes("a chunk has a length below zero");
    return on_bytes_(ptr, count);
  }

 private:
  const OnBytes on_bytes_;
};

ClientResponse HeadOf(const http::http_response& response) {
  ClientResponse head{.status = response.status_code()};
  for (const auto& [name, value] : response.headers()) {
    head.headers[absl::AsciiStrToLower(name)] = value;
  }
  return head;
}

}  // namespace

pplx::task<size_t> RefuseBytes(const std::string& why) {
  return pplx::task_from_exception<size_t>(http::http_exception(why));
}

void ActiveCalls::Add(const std::shared_ptr<Call>& call) {
  MutexLock lock(&mu_);
  calls_.insert(call);
}

void ActiveCalls::Remove(const std::shared_ptr<Call>& call) {
  MutexLock lock(&mu_);
  calls_.erase(call);
  changed_.SignalAll();
}

void ActiveCalls::CancelAll() {
  std::set<std::shared_ptr<Call>> calls;
  {
    MutexLock lock(&mu_);
    calls = calls_;
  }
  for (const auto& call : calls) {
    call->Cancel(absl::CancelledError(absl::StrCat(call->what(), ": the client goes away")));
  }
  MutexLock lock(&mu_);
  while (!calls_.empty()) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
}

void Call::Start(http::client::http_client& client, http::http_request request,
                 absl::Duration deadline, Events events) {
  events_ = std::move(events);
  active_->Add(shared_from_this());
  StartTimer(deadline);
  const auto sink = std::make_shared<Sink>(
      [self = shared_from_this()](const uint8_t* ptr, size_t n) { return self->OnBytes(ptr, n); });
  try {
    request.set_response_stream(streams::streambuf<uint8_t>(sink).create_ostream());
    client.request(request, source_.get_token())
        .then([self = shared_from_this()](const pplx::task<http::http_response>& t) {
          self->OnHead(t);
        });
  } catch (...) {
    End(Failure());
  }
}

void Call::Cancel(absl::Status why) {
  const auto self = shared_from_this();
  End(std::move(why));
  source_.cancel();
}

void Call::StartTimer(absl::Duration deadline) {
  if (deadline == absl::InfiniteDuration()) return;
  timer_.emplace(crossplat::threadpool::shared_instance().service(),
                 absl::ToChronoNanoseconds(deadline));
  timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    self->Cancel(
        absl::DeadlineExceededError(absl::StrCat(self->what_, ": not done within the deadline")));
  });
}

pplx::task<size_t> Call::OnBytes(const uint8_t* ptr, size_t count) {
  if (is_ended_) return RefuseBytes("nobody reads this answer any more");
  return events_.on_bytes(ptr, count);
}

void Call::OnHead(const pplx::task<http::http_response>& task) {
  try {
    const http::http_response response = task.get();
    if (!is_ended_) events_.on_head(HeadOf(response));
    response.content_ready().then(
        [self = shared_from_this()](const pplx::task<http::http_response>& t) {
          self->OnContent(t);
        });
  } catch (...) {
    End(Failure());
  }
}

void Call::OnContent(const pplx::task<http::http_response>& task) {
  try {
    task.get();
    End(absl::OkStatus());
  } catch (...) {
    End(Failure());
  }
}

absl::Status Call::Failure() const {
  try {
    throw;
  } catch (const http::http_exception& e) {
    if (e.error_code() == std::errc::timed_out) {
      return absl::DeadlineExceededError(absl::StrCat(what_, ": no byte within the read timeout"));
    }
    const std::string why = tls_->Explain(e.error_code().value());
    return absl::UnavailableError(
        absl::StrCat(what_, ": ", e.what(), why.empty() ? "" : ": ", why));
  } catch (const std::exception& e) {
    return absl::UnavailableError(absl::StrCat(what_, ": ", e.what()));
  } catch (...) {
    return absl::UnavailableError(absl::StrCat(what_, ": unknown failure"));
  }
}

void Call::End(absl::Status status) {
  if (is_ended_.exchange(true)) return;
  if (timer_) timer_->cancel();
  events_.on_end(std::move(status));
  active_->Remove(shared_from_this());
}

}  // namespace pmem
