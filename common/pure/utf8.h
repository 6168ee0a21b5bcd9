// SPDX-License-Identifier: Apache-2.0
// What well-formed UTF-8 is. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace pmem {

// Length of the well-formed UTF-8 sequence at the front of `text` (Unicode 15, table 3-7), which
// is not empty; 0: there is none.
inline size_t Utf8Length(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length < 2) return length;
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
  const bool above_unicode = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || above_unicode ? 0 : length;
}

}  // namespace pmem
