// SPDX-License-Identifier: Apache-2.0
#include "extender/core/node_numbers.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "common/pure/units.h"

namespace pmem::extender {
namespace {

void AddFree(const Room& room, PoolKind kind, NodeNumbers& numbers) {
  numbers.free_bytes = FreeBytes(room, kind);
  numbers.volume_bytes_max = LargestVolumeBytes(room, kind);
}

NodeNumbers FreshFirmNumbersOf(const NodeState& node, PoolKind kind,
                               absl::Span<const Item> except) {
  NodeNumbers numbers;
  if (node.report != nullptr) {
    for (const PoolReport& pool : node.report->pools) {
      if (pool.kind != kind) continue;
      numbers.total_bytes = AddBytes(numbers.total_bytes, pool.total_bytes);
      numbers.available_bytes = AddBytes(numbers.available_bytes, pool.available_bytes);
    }
  }
  const std::vector<Item> firm = NodeBook::FirmItems(node, except);
  numbers.promised_bytes = AddBytes(RequestedBytes(firm, kind), GrowthBytesOf(node, kind));
  if (firm.empty()) {  // Most nodes at most times, and a room is dear to copy.
    AddFree(node.room, kind, numbers);
  } else {
    const NodeBook::RoomLeft left = NodeBook::RoomLeftOn(node, except);
    AddFree(left.room, kind, numbers);
    numbers.is_overbooked = left.overbooked.Has(kind);
  }
  return numbers;
}

std::array<NodeNumbers, 2> AllFirmNumbersOf(const NodeState& node) {
  return {FreshFirmNumbersOf(node, PoolKind::kLvm, {}),
          FreshFirmNumbersOf(node, PoolKind::kDirect, {})};
}

}  // namespace

int64_t GrowthBytesOf(const NodeState& node, PoolKind kind) {
  if (node.expansions.empty() || node.report == nullptr) return 0;
  return FreeBytes(RoomOf(*node.report), kind) - FreeBytes(node.room, kind);
}

NodeNumbers FirmNumbersOf(const NodeState& node, PoolKind kind) {
  if (!node.firm_numbers) node.firm_numbers = AllFirmNumbersOf(node);
  return (*node.firm_numbers)[static_cast<size_t>(kind)];
}

NodeNumbers NumbersOf(const Ledger& ledger, const NodeState& node, PoolKind kind,
                      absl::Span<const Item> except, std::string_view owner) {
  NodeNumbers numbers =
      except.empty() ? FirmNumbersOf(node, kind) : FreshFirmNumbersOf(node, kind, except);
  std::vector<Item> kept = ledger.holds().ItemsOn(node.id, owner, except);
  for (Item& item : NodeBook::DebtItems(node, except)) {
    if (!HasClaim(kept, item.claim_uid)) kept.push_back(std::move(item));
  }
  for (Item& item : NodeBook::UnsureReservations(node, except)) {
    if (!HasClaim(kept, item.claim_uid)) kept.push_back(std::move(item));
  }
  numbers.held_bytes = RequestedBytes(kept, kind);
  return numbers;
}

bool AreKeptNumbersRight(const NodeState& node) {
  return !node.firm_numbers || *node.firm_numbers == AllFirmNumbersOf(node);
}

std::string_view FreshnessName(Freshness freshness) {
  switch (freshness) {
    case Freshness::kFresh:
      return "fresh";
    case Freshness::kStale:
      return "stale";
    case Freshness::kNoReport:
      return "no_report";
    case Freshness::kNoAgent:
      return "no_agent";
  }
  return "";
}

}  // namespace pmem::extender
