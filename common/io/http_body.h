// SPDX-License-Identifier: Apache-2.0
// How http_server.cc takes a request's body out of cpprestsdk; nobody else includes this.
#pragma once

#include <cpprest/http_msg.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pmem {

// Reads the body into one string with kBodyPaddingBytes to spare. `done` is called once, on the
// pool or at once: ResourceExhausted above `bytes_max` (the rest is thrown away as it comes),
// InvalidArgument for a body that was cut off. Keeps what it needs alive until then.
using BodyDone = std::function<void(absl::StatusOr<std::string>)>;
void ReadBody(const web::http::http_request& request, size_t bytes_max, BodyDone done);

// Looks at a task that is done. A failure is a line for whoever debugs: `what` did not work.
void ObserveTask(const pplx::task<void>& done, std::string_view what) noexcept;

// Throws the body away as it comes.
void DiscardBody(const web::http::http_request& request) noexcept;

}  // namespace pmem
