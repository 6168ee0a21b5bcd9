// SPDX-License-Identifier: Apache-2.0
// What each node offers to the classes of ours, of which the capacity objects tell
// (capacity_objects.h has what it is). Kept from look to look: thousands of nodes are looked at
// several times a second, and a few of them have changed.
//
// Not thread-safe; pure, deterministic.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "extender/core/capacity_objects.h"
#include "extender/core/ledger.h"

namespace pmem::extender {

// What a node could hold of one kind at best, beside what is promised.
struct CapacityBound {
  int64_t capacity_bytes = 0;
  int64_t volume_bytes_max = 0;
  bool operator==(const CapacityBound&) const = default;
};
CapacityBound BoundOf(const NodeState& node, PoolKind kind);

// The largest claims that have a node already, by class.
using CapacityFloors = absl::btree_map<std::string, int64_t>;

// One object a class for all nodes, and how many of them have offers.
struct JoinedCapacities {
  absl::btree_map<std::string, WantedCapacity> by_class;
  int nodes = 0;
};
WantedCapacities WantedOf(const JoinedCapacities& joined);

class CapacityOffers {
 public:
  static constexpr int32_t kAllSeen = -1;

  // Brings what is kept of the nodes up to date, in the order of their ids from `begin` on, until
  // `looks_max` of them had to be looked at. Returns the id to go on with, or kAllSeen. The ledger
  // is always the same one, and synced.
  int32_t Follow(const Ledger& ledger, int32_t begin, int looks_max);
  // The same, and adds the objects of these nodes, of `nodes_max` at most.
  int32_t AddWanted(const Ledger& ledger, int32_t begin, int nodes_max, WantedCapacities& wanted);
  // As things were when each node was followed last.
  JoinedCapacities Joined() const;

 private:
  // kube-scheduler asks for capacity only where it chooses the node before the volume is made.
  struct PublishedClass {
    std::string name;
    PoolKind kind;
  };
  // Of one node.
  struct Kept {
    bool is_current = false;  // While the node's stamp is `stamp`.
    bool is_reached = false;  // By a label: else no object can be of it.
    bool has_agent = false;
    bool is_known = false;
    uint32_t stamp = 0;
    std::array<CapacityBound, 2> bounds;  // By kind.
    CapacityFloors floors;
  };

  void FollowClasses(const ObjectCache& cache);
  // False: there was nothing to look at.
  bool FollowNode(const Ledger& ledger, int32_t id);
  static Kept LookAt(const Ledger& ledger, const NodeState& node);
  static std::optional<CapacityBound> OfferOf(const Kept& kept, const PublishedClass& published);
  void AddWantedOf(const Kept& kept, const Node& node, WantedCapacities& wanted) const;

  std::vector<PublishedClass> classes_;
  std::vector<Kept> kept_;  // By node id.
};

}  // namespace pmem::extender
