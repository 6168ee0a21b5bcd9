// SPDX-License-Identifier: Apache-2.0
// How http_server.cc takes a request's body out of cpprestsdk; nobody else includes this.
#pragma once

#include <cpprest/http_msg.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/io/body_budget.h"

namespace pmem {

struct HttpBody {
  std::string bytes;                 // With kBodyPaddingBytes to spare.
  std::shared_ptr<BodyLease> lease;  // To be held as long as the bytes are.
};

// Reads the body into one string, as far as `budget` has room for it. `done` is called once, on the
// pool or at once: ResourceExhausted above `bytes_max`, Unavailable beyond the budget (the rest is
// thrown away as it comes), InvalidArgument for a body that was cut off. Keeps what it needs alive
// until then.
using BodyDone = std::function<void(absl::StatusOr<HttpBody>)>;
void ReadBody(const web::http::http_request& request, size_t bytes_max,
              const std::shared_ptr<BodyBudget>& budget, BodyDone done);

// Looks at a task that is done. A failure is a line for whoever debugs: `what` did not work.
void ObserveTask(const pplx::task<void>& done, std::string_view what) noexcept;

// Throws the body away as it comes.
void DiscardBody(const web::http::http_request& request) noexcept;

}  // namespace pmem
