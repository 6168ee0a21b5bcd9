// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_body.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/io/clock.h"
#include "common/io/heap.h"
#include "common/io/http_server.h"
#include "common/io/log.h"

namespace pmem {
namespace {

namespace http = web::http;

constexpr std::string_view kComponent = "http_server";
// Large enough that a 76 MB body costs few task switches, small enough to stay in the cache.
constexpr size_t kReadPieceBytes = size_t{256} * 1024;
// Where the budget is no longer plenty, the first piece of a body that nothing has come of: of a
// client that sends a header alone no more is held than this. Each next one is so many times what
// has come; each costs a change of threads.
constexpr size_t kReadPieceBytesMin = size_t{4} * 1024;
constexpr size_t kReadPieceGrowth = 4;
// cpprestsdk has held up to half of such a body in small blocks while it was copied out of them.
constexpr size_t kLargeBodyBytes = size_t{16} * 1024 * 1024;
constexpr size_t kUnknownLength = std::numeric_limits<size_t>::max();

// Reads a body into one string, in pieces, so that cpprestsdk's own buffer stays small.
// Calls `done` once; keeps itself alive until then.
class BodyReader final : public LateBodies::Waiter,
                         public std::enable_shared_from_this<BodyReader> {
 public:
  BodyReader(const http::http_request& request, size_t length, const BodyLimits& limits,
             BodyDone done)
      : request_(request),
        buffer_(request.body().streambuf()),
        length_(length),
        bytes_max_(limits.bytes_max),
        patience_(limits.patience +
                  absl::Seconds(1) * (static_cast<double>(std::min(length, bytes_max_)) /
                                      static_cast<double>(kBodyBytesPerSecondMin))),
        lease_(std::make_shared<BodyLease>(length <= limits.small_bytes_max ? limits.small_budget
                                                                            : limits.budget)),
        late_(limits.late),
        done_(std::move(done)) {}

  void Start() {
    if (length_ != kUnknownLength && length_ > bytes_max_) return RefuseTooLong();
    if (length_ != kUnknownLength) body_.reserve(length_ + kBodyPaddingBytes);
    Read();
  }

  // With the writing end closed, what waits for a piece ends at once, and cpprestsdk fails to write
  // the next one: then it sends what was answered.
  void Expire() noexcept override {
    constexpr std::string_view kFailure = "cannot end a body";
    try {
      is_late_ = true;
      buffer_.close(std::ios_base::out, std::make_exception_ptr(http::http_exception("too late")))
          .then([kFailure](const pplx::task<void>& closed) { ObserveTask(closed, kFailure); });
    } catch (const std::exception& e) {
      LogDebug(kComponent, kFailure, {{"error", e.what()}});
    }
  }

 private:
  // Takes what is there; when that is not all, comes back on the pool for the next piece.
  void Read() {
    try {
      const bool is_at_end = TakeAvailable();
      if (is_beyond_budget_) return RefuseNow();
      if (got_ > bytes_max_) return RefuseTooLong();
      if (is_at_end || got_ == length_) return Finish();
      WaitForPiece();
    } catch (const std::exception& e) {
      Fail(e.what());
    }
  }

  // Copies block by block out of cpprestsdk's buffer. True: the stream has ended.
  bool TakeAvailable() {
    uint8_t* block = nullptr;
    size_t size = 0;
    while (buffer_.acquire(block, size)) {
      if (block == nullptr) return true;
      const size_t take = std::min(size, WantedBytes());
      is_beyond_budget_ = !lease_->Resize(got_ + take);
      if (is_beyond_budget_) {
        buffer_.release(block, 0);
        return false;
      }
      body_.append(reinterpret_cast<const char*>(block), take);
      buffer_.release(block, take);
      got_ += take;
      if (WantedBytes() == 0) return false;
    }
    return false;
  }

  void WaitForPiece() {
    const size_t want = std::min(PieceBytes(), WantedBytes());
    if (!lease_->Resize(got_ + want)) return RefuseNow();
    if (!waits_) waits_ = late_->Add(RealClock().SteadyNow() + patience_, weak_from_this());
    body_.resize(got_ + want);
    buffer_.getn(reinterpret_cast<uint8_t*>(body_.data() + got_), want)
        .then([self = shared_from_this()](const pplx::task<size_t>& t) { self->OnPiece(t); });
  }

  // Nearly always the body is on its way, and there is plenty.
  size_t PieceBytes() const {
    if (lease_->HasPlentyFor(std::min(kReadPieceBytes, WantedBytes()))) return kReadPieceBytes;
    return std::clamp(kReadPieceGrowth * got_, kReadPieceBytesMin, kReadPieceBytes);
  }

  void OnPiece(const pplx::task<size_t>& task) {
    try {
      got_ += task.get();
      body_.resize(got_);
    } catch (const std::exception& e) {
      return Fail(e.what());
    }
    Read();
  }

  size_t WantedBytes() const {
    // One byte above the limit tells "too long" from "exactly as long as allowed".
    return (length_ == kUnknownLength ? bytes_max_ + 1 : length_) - got_;
  }

  void Finish() {
    if (is_late_) return Fail("");
    if (length_ != kUnknownLength && got_ != length_) return Fail("the body was cut off");
    body_.reserve(got_ + kBodyPaddingBytes);
    lease_->Resize(got_);  // Never more than it has.
    if (got_ >= kLargeBodyBytes) GiveBackFreedPages();
    End(HttpBody{.bytes = std::move(body_), .lease = std::move(lease_)});
  }
  void RefuseTooLong() {
    Refuse(absl::ResourceExhaustedError(absl::StrCat("the limit is ", bytes_max_, " bytes")));
  }
  void RefuseNow() { Refuse(absl::UnavailableError("too many bytes of requests are held")); }
  void Refuse(absl::Status why) {
    body_ = std::string();
    lease_.reset();
    DiscardBody(request_);
    End(std::move(why));
  }
  void Fail(const char* what) {
    if (!is_late_) return End(absl::InvalidArgumentError(what));
    body_ = std::string();
    lease_.reset();
    End(absl::DeadlineExceededError(
        absl::StrCat("the body was not there within ", absl::FormatDuration(patience_))));
  }
  void End(absl::StatusOr<HttpBody> result) {
    if (waits_) late_->Remove(*waits_);
    done_(std::move(result));
  }

  const http::http_request request_;
  concurrency::streams::streambuf<uint8_t> buffer_;
  const size_t length_;
  const size_t bytes_max_;
  const absl::Duration patience_;
  std::shared_ptr<BodyLease> lease_;
  bool is_beyond_budget_ = false;
  std::atomic<bool> is_late_{false};
  const std::shared_ptr<LateBodies> late_;
  std::optional<LateBodies::Key> waits_;  // Since the first wait.
  const BodyDone done_;
  std::string body_;
  size_t got_ = 0;
};

size_t BodyLength(const http::http_request& request) {
  if (request.headers().has(http::header_names::transfer_encoding)) return kUnknownLength;
  size_t length = 0;  // As cpprestsdk reads it: what is not a number is 0.
  return request.headers().match(http::header_names::content_length, length) ? length : 0;
}

}  // namespace

void ReadBody(const http::http_request& request, const BodyLimits& limits, BodyDone done) {
  const size_t length = BodyLength(request);
  if (length == 0) return done(HttpBody());
  std::make_shared<BodyReader>(request, length, limits, std::move(done))->Start();
}

void ObserveTask(const pplx::task<void>& done, std::string_view what) noexcept {
  try {
    done.get();
  } catch (const std::exception& e) {
    LogDebug(kComponent, what, {{"error", e.what()}});
  }
}

void DiscardBody(const http::http_request& request) noexcept {
  constexpr std::string_view kFailure = "cannot discard a body";
  try {
    // A stream buffer whose read end is closed drops what is written to it.
    request.body()
        .streambuf()
        .close(std::ios_base::in)
        .then([kFailure](const pplx::task<void>& closed) { ObserveTask(closed, kFailure); });
  } catch (const std::exception& e) {
    LogDebug(kComponent, kFailure, {{"error", e.what()}});
  }
}

}  // namespace pmem
