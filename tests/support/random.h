// SPDX-License-Identifier: Apache-2.0
// Chance, reproducible on every machine: the same seed gives the same numbers for ever.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace pmem {

class Random {
 public:
  // `salt` tells the actors of one world apart.
  Random(uint64_t seed, uint64_t salt)
      : state_(seed * 0x9e3779b97f4a7c15 + salt * 0xd1342543de82ef95) {
    Next();
  }

  uint64_t Next() {  // SplitMix64.
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 <= answer < end.
  int64_t Below(int64_t end) { return static_cast<int64_t>(Next() % static_cast<uint64_t>(end)); }
  // Both ends included.
  int64_t Between(int64_t low, int64_t high) { return low + Below(high - low + 1); }
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    const int64_t from = absl::ToInt64Microseconds(low), to = absl::ToInt64Microseconds(high);
    return absl::Microseconds(Between(from, to));
  }
  bool Chance(int64_t percent) { return Below(100) < percent; }

  template <class List>
  const auto& Pick(const List& list) {
    return list[static_cast<size_t>(Below(static_cast<int64_t>(list.size())))];
  }

 private:
  uint64_t state_;
};

}  // namespace pmem
