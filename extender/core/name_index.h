// SPDX-License-Identifier: Apache-2.0
// Names to small numbers, for thousands of look-ups in a row: one probe of a dense table and one
// comparison in a dense store of names, where a map of strings misses the cache three times; for a
// list that comes in the same order again, the comparison alone. Not thread-safe; pure,
// deterministic. Measured in docs/performance.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace pmem::extender {

class NameIndex {
 public:
  // `id` from 0 on. The name must not be there.
  void Add(std::string_view name, int32_t id);
  // The id; -1: not there.
  int32_t Find(std::string_view name) const;
  // Find() of each, in their order.
  std::vector<int32_t> FindAll(absl::Span<const std::string_view> names) const;
  void Clear();

 private:
  struct Slot {
    uint32_t hash = 0;
    int32_t id = -1;  // -1: empty.
  };
  struct Entry {
    uint32_t offset = 0;
    uint32_t size = 0;
    // The id that came after this one when FindAll() last met it: only a guess, which saves a hash
    // and a probe when it is right. kube-scheduler's lists are the same round of nodes each time,
    // begun anywhere.
    mutable int32_t next = -1;
  };

  bool IsNameOf(int32_t id, std::string_view name) const;
  void Grow();
  void Insert(const Slot& slot);

  std::vector<Slot> slots_;  // Linear probing; a power of two, at most half of it taken.
  size_t count_ = 0;
  std::vector<Entry> entries_;  // By id; without a name: not there.
  std::string names_;           // One after the other.
};

}  // namespace pmem::extender
