// SPDX-License-Identifier: Apache-2.0
// CSIStorageCapacity objects: which there should be, and what has to be written so that there are.
//
// One for each node with PMEM and each WaitForFirstConsumer class of ours. kube-scheduler leaves a
// node out before it asks us when no object of the claim's class reaches it with enough; it looks
// at each claim alone and knows nothing of whose promise is whose. So the sizes are an UPPER BOUND
// of what the ledger could say yes to:
//
//   the room of the report, less promises, less debts, in whole steps of the alignment, packed as
//   well as can be imagined; and never less than the largest claim that has this very node already
//   (pinned and not bound yet, the rest of a half-provisioned pod, a claim with a debt there)
//
// A class that asks for no kind that we know has none: kube-scheduler then leaves all nodes out for
// its claims that a volume has to be made for, as filter would ("unknown_kind"), and their owners
// are told why (class_health.h).
//
// A silent node keeps the bound of its last report; the ledger refuses it, with the true reason. Of
// a node that never reported to us nothing is known: an object that stands is left as it is, or
// raised for claims that have the node, and none is made for anybody else. A node without an agent
// has none but for such claims.
//
// kube-scheduler looks through all objects for each node and claim: nodes times objects. Where that
// would be too much, one object a class stands for all nodes: what the best of them could take. It
// keeps nobody from any node; the verb does, as it does anyway.
//
// Pure, deterministic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "extender/core/kube_objects.h"

namespace pmem::extender {

// The labels of our objects; external-provisioner uses the same keys for its own.
inline constexpr std::string_view kCapacityDriverLabel = "csi.storage.k8s.io/drivername";
inline constexpr std::string_view kCapacityManagerLabel = "csi.storage.k8s.io/managed-by";
inline constexpr std::string_view kCapacityManager = "pmem-extender";

// What one object should say.
struct WantedCapacity {
  std::string node;  // Empty: of all nodes, owned by none.
  std::string node_uid;
  std::string storage_class;
  std::string topology_key;  // A node is reached by one of its labels. Empty: every node is.
  std::string topology_value;
  bool is_known = false;         // False: the sizes are only the least that it may say.
  int64_t capacity_bytes = 0;    // All volumes together.
  int64_t volume_bytes_max = 0;  // The largest one. 0 and not known: no object is made.
  bool operator==(const WantedCapacity&) const = default;
};

// By object name. Everything that never changes of an object is in its name.
using WantedCapacities = absl::btree_map<std::string, WantedCapacity>;
using SeenCapacities = absl::btree_map<std::string, CapacityObject>;

// Unique for class and topology, the same in every replica; a valid object name.
std::string CapacityObjectName(const WantedCapacity& wanted);

struct CapacityChange {
  enum class Kind { kCreate, kReplace, kDelete };
  Kind kind = Kind::kCreate;
  std::string name;
  WantedCapacity wanted;              // Not for kDelete.
  std::string uid, resource_version;  // Of the object that is replaced or deleted, as it was seen.
  bool operator==(const CapacityChange&) const = default;
};

// What has to be written: first what lets pods pass, then the rest, deletions last.
std::vector<CapacityChange> PlanCapacityChanges(const WantedCapacities& wanted,
                                                const SeenCapacities& seen);

// Whether what never changes of an object is what is wanted: its class and its topology.
bool IsOfSameClassAndNodes(const CapacityObject& seen, const WantedCapacity& wanted);

// The object's JSON; its kube namespace is the path's. A replacement is of exactly the seen state.
std::string CapacityObjectJson(const CapacityChange& change);
// DeleteOptions that delete exactly the object that was seen.
std::string CapacityDeleteJson(const CapacityChange& change);

}  // namespace pmem::extender
