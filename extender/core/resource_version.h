// SPDX-License-Identifier: Apache-2.0
// Which of two resourceVersions of one object is the later one (docs/protocol.md, "Versions of an
// object"). Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/strings/numbers.h"

namespace pmem::extender {

// nullopt: one of them is not such a number, so nothing is known.
inline std::optional<std::strong_ordering> CompareVersions(std::string_view a, std::string_view b) {
  uint64_t a_number = 0, b_number = 0;
  const bool are_numbers = absl::SimpleAtoi(absl::string_view(a.data(), a.size()), &a_number) &&
                           absl::SimpleAtoi(absl::string_view(b.data(), b.size()), &b_number);
  if (!are_numbers) return std::nullopt;
  return a_number <=> b_number;
}

// True: `a` is the earlier one. False: it is not, or nothing is known.
inline bool IsEarlier(std::string_view a, std::string_view b) {
  const auto order = CompareVersions(a, b);
  return order && std::is_lt(*order);
}

}  // namespace pmem::extender
