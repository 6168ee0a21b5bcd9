// SPDX-License-Identifier: Apache-2.0
#include "extender/wire/escapes.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace pmem::extender {
namespace {

// Eight bytes at a time: whether one is below 0x20, a quote or a backslash ("Bit Twiddling Hacks",
// "Determine if a word has a byte less than n"; bytes from 0x80 on may say yes wrongly).
bool MayNeedEscape(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  const auto has_less = [](uint64_t x, uint64_t n) { return (x - kOnes * n) & (kOnes * 0x80); };
  const uint64_t found = has_less(word, 0x20) | has_less(word ^ (kOnes * '"'), 1) |
                         has_less(word ^ (kOnes * '\\'), 1) | (word & (kOnes * 0x80));
  return found != 0;
}

bool MayNeedEscapeAt(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  return MayNeedEscape(word);
}

}  // namespace

bool NeedsEscape(std::string_view text) {
  constexpr size_t kWord = sizeof(uint64_t);
  if (text.size() >= kWord) {
    // The last word takes some bytes a second time, which costs less than one by one.
    bool may = MayNeedEscapeAt(text.data() + text.size() - kWord);
    for (size_t at = 0; !may && at + kWord <= text.size(); at += kWord) {
      may = MayNeedEscapeAt(text.data() + at);
    }
    if (!may) return false;
  }
  return std::any_of(text.begin(), text.end(), [](char c) { return NeedsEscape(c); });
}

}  // namespace pmem::extender
