// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_body.h"

#include <cpprest/producerconsumerstream.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/io/clock.h"
#include "common/io/heap.h"
#include "common/io/http_buffer.h"
#include "common/io/http_server.h"
#include "common/io/log.h"

namespace pmem {
namespace {

namespace http = web::http;
namespace streams = concurrency::streams;

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
// It reads a chunk's length as an int and passes it on unsigned: "-1" becomes one that no memory
// holds, and what is thrown then ends the process.
constexpr size_t kChunkBytesMax = std::numeric_limits<int>::max();
constexpr size_t kBlockBytesMin = 512;  // As cpprestsdk's own has it.

// Where cpprestsdk writes a request's body, until it is read.
class BodyBuffer final : public streams::details::basic_producer_consumer_buffer<uint8_t> {
 public:
  BodyBuffer() : basic_producer_consumer_buffer(kBlockBytesMin) {}

 protected:
  pplx::task<size_t> _putn(const uint8_t* ptr, size_t count) override {
    if (count > kChunkBytesMax) {
      return pplx::task_from_exception<size_t>(http::http_exception("a chunk has no length"));
    }
    // It is written. cpprestsdk reads the next 4 KiB then, which needs no other thread: the changes
    // of threads of a large body took longer than all else that is done with it.
    return pplx::task_from_result<size_t>(basic_producer_consumer_buffer::_putn(ptr, count).get(),
                                          OnSameThread());
  }
};

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
    // A decision may take less than a change of threads. (One that has to wait is over on a thread
    // of the pool, without the buffer's lock; one that has not, here. An earlier piece is followed
    // by the next one, which must not become a call inside of a call.)
    const pplx::task_options where = want == WantedBytes() ? OnSameThread() : pplx::task_options();
    body_.resize(got_ + want);
    buffer_.getn(reinterpret_cast<uint8_t*>(body_.data() + got_), want)
        .then([self = shared_from_this()](const pplx::task<size_t>& t) { self->OnPiece(t); },
              where);
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
    const bool is_cut_off = length_ == kUnknownLength
                                ? buffer_.exception() != nullptr  // Why it ended.
                                : got_ != length_;
    if (is_cut_off) return Fail("the body was cut off");
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
  streams::streambuf<uint8_t> buffer_;
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

}  // namespace

// cpprestsdk takes whatever has the word in it for chunked, and what is not a number for 0: what
// comes behind would be the next request.
absl::StatusOr<size_t> BodyLength(const http::http_request& request) {
  const http::http_headers& headers = request.headers();
  const auto coding = headers.find(http::header_names::transfer_encoding);
  const auto length = headers.find(http::header_names::content_length);
  if (coding != headers.end()) {
    if (length != headers.end()) {
      return absl::InvalidArgumentError("a body has a length or is chunked, not both");
    }
    if (absl::EqualsIgnoreCase(coding->second, "chunked")) return kUnknownLength;
    return absl::InvalidArgumentError("a Transfer-Encoding other than chunked");
  }
  if (length == headers.end()) return 0;
  const char* const end = length->second.data() + length->second.size();
  size_t bytes = 0;
  const auto [last, error] = std::from_chars(length->second.data(), end, bytes);
  if (error == std::errc() && last == end && bytes != kUnknownLength) return bytes;
  return absl::InvalidArgumentError("a Content-Length that is no length");
}

void ReadBody(const http::http_request& request, size_t length, const BodyLimits& limits,
              BodyDone done) {
  if (length == 0) return done(HttpBody());
  std::make_shared<BodyReader>(request, length, limits, std::move(done))->Start();
}

void SetBody(http::http_response& response, std::string text, const std::string& content_type) {
  const size_t size = text.size();
  response.set_body(TextStream(std::move(text)), size, content_type);
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

// Takes the place of libcpprest.so's own, as web::uri::split_path does (http_server.cc), and does
// the same with a buffer of ours.
[[gnu::visibility("default")]] void web::http::details::http_msg_base::_prepare_to_receive_data() {
  if (outstream()) return;
  const concurrency::streams::streambuf<uint8_t> buffer(std::make_shared<pmem::BodyBuffer>());
  set_outstream(buffer.create_ostream(), /*is_default=*/true);
  set_instream(buffer.create_istream());
}
