// SPDX-License-Identifier: Apache-2.0
// Private to extender/wire: which characters a JSON string cannot hold as they are (RFC 8259, 7).
// Pure.
#pragma once

#include <string_view>

namespace pmem::extender {

inline bool NeedsEscape(char c) {
  return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

// One of its characters does.
bool NeedsEscape(std::string_view text);

}  // namespace pmem::extender
