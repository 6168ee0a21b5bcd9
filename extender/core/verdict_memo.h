// SPDX-License-Identifier: Apache-2.0
// What was found out about nodes for the last few shapes of demand, so that pods of the same shape
// need not look at a node that has not changed since. Entries are dense, by node id, and count only
// while the node's stamp (NodeBook::StampOf) is the one that they were made with. Not thread-safe;
// pure, deterministic: what it says is what judging afresh would say. Measured in
// docs/performance.md.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "common/pure/reasons.h"
#include "extender/core/quick_room.h"
#include "extender/core/score.h"

namespace pmem::extender {

// Stamp 0 is of no node: such an entry says nothing.
struct VerdictEntry {
  absl::Time contact;  // Of the agent, when it was judged; it may have been heard of since.
  uint32_t stamp = 0;
  // kFits: beside firm promises and debts, holds not looked at. Else a refusal that stands whatever
  // is held.
  Reason reason = Reason::kFits;
};

struct LeftoverEntry {
  Leftover left;
  uint32_t stamp = 0;
  Strategy strategy = Strategy::kBinpack;
};

struct ShapeMemo {
  std::vector<QuickItem> items;
  int64_t last_use = 0;
  std::vector<VerdictEntry> verdicts;
  std::vector<LeftoverEntry> leftovers;
};

class VerdictMemo {
 public:
  static constexpr size_t kShapesMax = 8;  // The one that was not used for longest makes room.

  // The memo of that shape, with an entry for every id below `id_end`.
  ShapeMemo& Of(const std::vector<QuickItem>& items, int32_t id_end);

  const std::array<ShapeMemo, kShapesMax>& shapes() const { return shapes_; }

 private:
  std::array<ShapeMemo, kShapesMax> shapes_;
  int64_t uses_ = 0;
};

}  // namespace pmem::extender
