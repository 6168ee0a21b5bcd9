// SPDX-License-Identifier: Apache-2.0
// Which of the nodes that fit is best: 0..10 in integers. Pure, deterministic, thread-safe.
//
// Each node is measured by what it would have left; the measures of the asked nodes are stretched
// over the whole range, so that multi-TiB nodes still differ (a share of the pool's size would be 0
// for every 10Gi claim). One node alone, or all alike: no preference, 0 for each.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "common/pure/placement.h"

namespace pmem::extender {

// binpack: fill the fullest node that fits, keep large rooms whole. spread: the emptiest.
enum class Strategy { kBinpack, kSpread };

inline constexpr int kScoreMax = 10;  // MaxExtenderPriority of the scheduler's extender API.

std::optional<Strategy> StrategyFromName(std::string_view name);

// What a node would have left of each kind that the items ask for. Small: a call looks at
// thousands.
struct Leftover {
  static constexpr int64_t kNotAsked = -1;  // No item is of that kind.
  int64_t lvm_bytes = kNotAsked;            // Free in its pools.
  int64_t direct_bytes = kNotAsked;         // In the extents used (binpack), or in all (spread).
  bool operator==(const Leftover&) const = default;
};

// nullopt: the items do not fit.
std::optional<Leftover> LeftoverOf(const Room& room, absl::Span<const Item> items,
                                   Strategy strategy);

// One score a node, in order; one of which nothing was asked, since it does not fit, gets 0. Kinds
// count alike.
std::vector<int> Scores(absl::Span<const Leftover> nodes, Strategy strategy);

}  // namespace pmem::extender
