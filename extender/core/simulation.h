// SPDX-License-Identifier: Apache-2.0
// What if: how many replicas of a set of claims would fit, and where the scheduler's PMEM score
// would put them. Works on a copy of the room and promises nothing. Pure, deterministic.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "extender/core/ledger.h"
#include "extender/core/views.h"

namespace pmem::extender {

inline constexpr int kReplicasMax = 10'000;
inline constexpr int kClaimsPerReplicaMax = 64;

struct NodeRoom {
  std::string node;
  Room room;  // Beside promises, debts and holds.
};

// A node that is to have persistent memory and cannot be counted on: what it holds is not known
// now, or no pod may go there.
struct LeftOutNode {
  std::string node;
  std::string_view reason;  // "stale", "no_report", "no_agent", "cordoned"
  bool operator==(const LeftOutNode&) const = default;
};

// What the simulation may count on.
struct ClusterRoom {
  std::vector<NodeRoom> rooms;
  std::vector<LeftOutNode> left_out;
};

// Appends the page's nodes. Returns the name to go on after; empty: done.
std::string AddRooms(const Ledger& ledger, absl::Time now, const Page& page, ClusterRoom& room);

struct Simulation {
  struct Share {
    std::string node;
    int64_t replicas = 0;
    bool operator==(const Share&) const = default;
  };
  int64_t placed = 0;         // Of the replicas asked for.
  std::vector<Share> shares;  // Nodes that got some, by name.
  bool operator==(const Simulation&) const = default;
};

// Places replica by replica on the node that is best by `strategy`; equal nodes by name. All items
// of a replica go to one node.
Simulation Simulate(std::vector<NodeRoom> rooms, absl::Span<const Item> items, int replicas,
                    Strategy strategy);

}  // namespace pmem::extender
