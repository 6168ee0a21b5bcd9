// SPDX-License-Identifier: Apache-2.0
// How http_server.cc takes a request's body out of cpprestsdk, and gives it an answer's; nobody
// else includes this.
#pragma once

#include <cpprest/http_msg.h>

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/body_budget.h"
#include "common/io/late_bodies.h"

namespace pmem {

struct HttpBody {
  std::string bytes;                 // With kBodyPaddingBytes to spare.
  std::shared_ptr<BodyLease> lease;  // To be held as long as the bytes are.
};

// Beside its patience a body is waited for as if it came at this pace.
inline constexpr int64_t kBodyBytesPerSecondMin = int64_t{8} * 1024 * 1024;

struct BodyLimits {
  size_t bytes_max = 0;
  absl::Duration patience;             // From the header to the last byte.
  std::shared_ptr<BodyBudget> budget;  // Of those whose length is not known, or above this:
  size_t small_bytes_max = 0;
  std::shared_ptr<BodyBudget> small_budget;
  std::shared_ptr<LateBodies> late;  // Somebody looks at them now and then.
};

// Of a chunked body.
inline constexpr size_t kUnknownLength = std::numeric_limits<size_t>::max();

// How long the body is. InvalidArgument for a header of which its next reader may make something
// else: then nobody knows where the next request begins.
absl::StatusOr<size_t> BodyLength(const web::http::http_request& request);

// Reads the body into one string, as far as its budget has room for it. `done` is called once, on
// the pool or at once: ResourceExhausted above `bytes_max`, Unavailable beyond the budget (the rest
// is thrown away as it comes), InvalidArgument for a body that was cut off, DeadlineExceeded for
// one that was not there in time (its answer is sent, and the connection closed, when its next byte
// comes). Keeps what it needs alive until then.
using BodyDone = std::function<void(absl::StatusOr<HttpBody>)>;
void ReadBody(const web::http::http_request& request, size_t length, const BodyLimits& limits,
              BodyDone done);

// `text` is not empty.
void SetBody(web::http::http_response& response, std::string text, const std::string& content_type);

// Looks at a task that is done. A failure is a line for whoever debugs: `what` did not work.
void ObserveTask(const pplx::task<void>& done, std::string_view what) noexcept;

// Throws the body away as it comes.
void DiscardBody(const web::http::http_request& request) noexcept;

}  // namespace pmem
