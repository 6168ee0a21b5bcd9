// SPDX-License-Identifier: Apache-2.0
// The numbers of one node and kind that views show. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "extender/core/ledger.h"

namespace pmem::extender {

struct NodeNumbers {
  int64_t total_bytes = 0;
  int64_t available_bytes = 0;
  int64_t assumed_bytes = 0;
  int64_t held_bytes = 0;  // By undecided pods, and for creations that may still be under way.
  int64_t free_bytes = 0;
  int64_t largest_bytes = 0;
  bool is_overbooked = false;  // More is promised than the report has: nothing is free.
};

// Promises to the claims in `except` and the hold of `owner` are left out: they are the asker's
// own.
NodeNumbers NumbersOf(const Ledger& ledger, const NodeState& node, PoolKind kind,
                      absl::Span<const Item> except, std::string_view owner);

std::string_view FreshnessName(Freshness freshness);  // "fresh", "stale", "no_report", "no_agent"

}  // namespace pmem::extender
