// SPDX-License-Identifier: Apache-2.0
// The answer "fits" in nanoseconds, for most nodes and most pods: a node's room as a few bins side
// by side, without allocation. It never says yes where Pack says no: the bins it takes are a
// packing. A no means only: ask Pack.
//
// Pure, deterministic. Measured in docs/performance.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "common/pure/placement.h"
#include "extender/core/score.h"

namespace pmem::extender {

// Items in the order in which Pack takes them: by kind, the largest first.
struct QuickItem {
  PoolKind kind = PoolKind::kLvm;
  int64_t requested_bytes = 0;
  bool operator==(const QuickItem&) const = default;
};
std::vector<QuickItem> QuickItemsOf(absl::Span<const Item> items);

struct QuickRoom {
  static constexpr int kBinsMax = 4;  // Of a room with more, the largest.
  struct Bin {
    int64_t free_bytes = 0;
    int64_t volume_bytes_max = 0;
    int64_t alignment_bytes = 1;
    PoolKind kind = PoolKind::kLvm;
    int8_t pool = 0;  // Index into slots_free.
    bool operator==(const Bin&) const = default;
  };
  std::array<Bin, kBinsMax> bins;
  std::array<int64_t, kBinsMax> slots_free{};
  int8_t bins_count = 0;
  bool is_whole = true;  // No bin was left out.
  bool operator==(const QuickRoom&) const = default;

  // Takes the item out of the fullest bin that has room for it; the bin, or -1.
  int TakeBest(const QuickItem& item);
  // All items so, in turn: enough to say yes. False: some had no room, and some may be taken.
  bool TakeAll(absl::Span<const QuickItem> items);
};

QuickRoom QuickRoomOf(const Room& room);

// What LeftoverOf(room, items) says, for a QuickRoom that is whole; nullopt: does not fit, or Pack
// has to search.
std::optional<Leftover> QuickLeftoverOf(QuickRoom room, absl::Span<const QuickItem> items,
                                        Strategy strategy);

}  // namespace pmem::extender
