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
      numbers.is_known &= pool.state != PoolState::kUnknown;
      numbers.total_bytes = AddBytes(numbers.total_bytes, pool.total_bytes);
      numbers.available_bytes = AddBytes(numbers.available_bytes, pool.available_bytes);
    }
  }
  const std::vector<Item> promised = NodeBook::StandingItems(node, except);
  numbers.promised_bytes = AddBytes(RequestedBytes(promised, kind), GrowthBytesOf(node, kind));
  if (promised.empty()) {  // Most nodes at most times, and a room is dear to copy.
    AddFree(node.room, kind, numbers);
  } else {
    Room room = node.room;
    const bool is_unfit = TakeByKind(room, promised).Has(kind);
    AddFree(room, kind, numbers);
    // Of reservations that nobody is sure of nobody knows that they are more than there is.
    numbers.is_overbooked =
        numbers.is_known && is_unfit && NodeBook::RoomLeftOn(node, except).overbooked.Has(kind);
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
  std::vector<Item> others = NodeBook::StandingItems(node, except);
  others.insert(others.end(), except.begin(), except.end());
  std::vector<Item> held = ledger.holds().ItemsOn(node.id, owner, others);
  AddItems(NodeBook::DebtItems(node, others), held);
  numbers.held_bytes = RequestedBytes(held, kind);
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
