// SPDX-License-Identifier: Apache-2.0
// Debian's abseil has its own string_view, which does not convert from std::string_view. Pure.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace pmem {

inline absl::string_view AbslView(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view StdView(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace pmem
