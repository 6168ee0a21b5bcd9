// SPDX-License-Identifier: Apache-2.0
// The numbers of one node and kind that views show. Pure. A summary asks for those of thousands of
// nodes, most of which have not changed since the last one: what does not depend on holds is kept.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "extender/core/ledger.h"

namespace pmem::extender {

// Without what is held: that costs a look at all holds, and a summary of thousands of nodes does
// not show it.
NodeNumbers FirmNumbersOf(const NodeState& node, PoolKind kind);

// Of what is promised, what volumes that are there are to grow by: no more than there is room for,
// whatever is asked for.
int64_t GrowthBytesOf(const NodeState& node, PoolKind kind);

// Promises to the claims in `except` and the hold of `owner` are left out: they are the asker's
// own.
NodeNumbers NumbersOf(const Ledger& ledger, const NodeState& node, PoolKind kind,
                      absl::Span<const Item> except, std::string_view owner);

// Whether what is kept for the node is what would be found afresh; true when nothing is.
bool AreKeptNumbersRight(const NodeState& node);

std::string_view FreshnessName(Freshness freshness);  // "fresh", "stale", "no_report", "no_agent"

}  // namespace pmem::extender
