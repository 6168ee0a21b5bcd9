// SPDX-License-Identifier: Apache-2.0
#include "extender/core/simulation.h"

#include <map>
#include <optional>
#include <queue>
#include <tuple>

#include "common/pure/units.h"
#include "extender/core/known_nodes.h"
#include "extender/core/node_numbers.h"

namespace pmem::extender {
namespace {

struct Candidate {
  int64_t left_bytes = 0;  // After the next replica.
  size_t index = 0;
};

int64_t Total(const Leftover& left) {
  return AddBytes(std::max<int64_t>(left.lvm_bytes, 0), std::max<int64_t>(left.direct_bytes, 0));
}

std::optional<Candidate> Next(const NodeRoom& room, size_t index, absl::Span<const Item> items,
                              Strategy strategy) {
  const std::optional<Leftover> left = LeftoverOf(room.room, items, strategy);
  if (!left) return std::nullopt;
  return Candidate{.left_bytes = Total(*left), .index = index};
}

// True when b is to be taken before a.
class IsWorse {
 public:
  explicit IsWorse(Strategy strategy) : is_binpack_(strategy == Strategy::kBinpack) {}
  bool operator()(const Candidate& a, const Candidate& b) const {
    if (a.left_bytes == b.left_bytes) return a.index > b.index;
    return is_binpack_ ? a.left_bytes > b.left_bytes : a.left_bytes < b.left_bytes;
  }

 private:
  bool is_binpack_;
};

Room RoomBesideAll(const Ledger& ledger, const NodeState& node) {
  std::vector<Item> others = NodeBook::StandingItems(node, {});
  AddItems(NodeBook::DebtItems(node, {}), others);
  AddItems(ledger.holds().ItemsOn(node.id, "", others), others);
  Room room = node.room;
  TakeByKind(room, others);
  return room;
}

}  // namespace

std::string AddRooms(const Ledger& ledger, absl::Time now, const Page& page, ClusterRoom& room) {
  return LookAtNodes(ledger, page, [&](const KnownNode& node) {
    if (!IsOfPmem(ledger, node)) return false;
    const Freshness freshness = FreshnessOf(ledger, node, now);
    if (freshness != Freshness::kFresh) {
      room.left_out.push_back({node.name, FreshnessName(freshness)});
    } else if (node.object != nullptr && node.object->is_unschedulable) {
      room.left_out.push_back({node.name, "cordoned"});
    } else {
      room.rooms.push_back({.node = node.name, .room = RoomBesideAll(ledger, *node.state)});
    }
    return true;
  });
}

Simulation Simulate(std::vector<NodeRoom> rooms, absl::Span<const Item> items, int replicas,
                    Strategy strategy) {
  std::priority_queue<Candidate, std::vector<Candidate>, IsWorse> best{IsWorse(strategy)};
  for (size_t i = 0; i < rooms.size(); ++i) {
    if (const auto next = Next(rooms[i], i, items, strategy)) best.push(*next);
  }
  Simulation result;
  std::map<std::string, int64_t> shares;
  while (result.placed < replicas && !best.empty()) {
    const size_t index = best.top().index;
    best.pop();
    NodeRoom& chosen = rooms[index];
    const auto bins = Pack(chosen.room, items);
    if (!bins) continue;
    Take(chosen.room, items, *bins);
    ++result.placed;
    ++shares[chosen.node];
    if (const auto next = Next(chosen, index, items, strategy)) best.push(*next);
  }
  for (const auto& [node, count] : shares) result.shares.push_back({node, count});
  return result;
}

}  // namespace pmem::extender
