// SPDX-License-Identifier: Apache-2.0
// Bytes are int64_t everywhere, named x_bytes. Pure, thread-safe.
#pragma once

#include <cstdint>

namespace pmem {

inline constexpr int64_t kKiB = 1024;
inline constexpr int64_t kMiB = 1024 * kKiB;
inline constexpr int64_t kGiB = 1024 * kMiB;
inline constexpr int64_t kTiB = 1024 * kGiB;

// Largest amount of bytes any object or request may speak of (4 EiB). Sums of two stay in int64_t;
// whoever sums more uses saturating sums (AddBytes).
inline constexpr int64_t kBytesMax = int64_t{1} << 62;

// a + b for a, b in [0, kBytesMax], capped at kBytesMax.
constexpr int64_t AddBytes(int64_t a, int64_t b) { return a > kBytesMax - b ? kBytesMax : a + b; }

// Largest multiple of `alignment_bytes` not above `bytes`. alignment_bytes >= 1, bytes >= 0.
constexpr int64_t AlignDown(int64_t bytes, int64_t alignment_bytes) {
  return bytes - bytes % alignment_bytes;
}

// Smallest multiple of `alignment_bytes` not below `bytes`, capped at kBytesMax.
constexpr int64_t AlignUp(int64_t bytes, int64_t alignment_bytes) {
  const int64_t rest = bytes % alignment_bytes;
  return rest == 0 ? bytes : AddBytes(bytes, alignment_bytes - rest);
}

}  // namespace pmem
