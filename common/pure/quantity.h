// SPDX-License-Identifier: Apache-2.0
// Kubernetes Quantity text ("10Gi", "1.5G", "250m", "1e3") to integers. Exact: never through a
// floating-point number, rounded up to the next whole unit as the API does. Pure, thread-safe.
//
// Grammar (apimachinery's): [+-] digits [. digits] suffix, with one of the digit groups allowed to
// be empty; suffix is n u m "" k M G T P E, Ki Mi Gi Ti Pi Ei, or a decimal exponent e3, E-2.
//
// Errors: InvalidArgument for malformed or negative text, OutOfRange for more than kBytesMax; the
// text is quoted in the message.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"

namespace pmem {

inline constexpr size_t kQuantityTextMax = 64;  // Bytes of text; InvalidArgument beyond.

// "1Ki" -> 1024, "1500m" -> 2.
absl::StatusOr<int64_t> QuantityToBytes(std::string_view text);

// In thousandths: "2" -> 2000, "100m" -> 100, "1u" -> 1.
absl::StatusOr<int64_t> QuantityToMilli(std::string_view text);

}  // namespace pmem
