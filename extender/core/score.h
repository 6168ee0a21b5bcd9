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

// What a node would have left of each kind that the items ask for.
struct Leftover {
  std::optional<int64_t> lvm_bytes;     // Free in its pools. nullopt: no item of that kind.
  std::optional<int64_t> direct_bytes;  // In the extents used (binpack), or in all (spread).
};

// nullopt: the items do not fit.
std::optional<Leftover> LeftoverOf(const Room& room, absl::Span<const Item> items,
                                   Strategy strategy);

// One score a node, in order; nodes that do not fit get 0. Kinds count alike.
std::vector<int> Scores(absl::Span<const std::optional<Leftover>> nodes, Strategy strategy);

}  // namespace pmem::extender
