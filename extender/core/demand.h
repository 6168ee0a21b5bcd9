// SPDX-License-Identifier: Apache-2.0
// What a pod asks of a node's persistent memory: its claims of ours that have no volume and no node
// yet. Pure, deterministic.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pure/placement.h"
#include "extender/core/kube_objects.h"
#include "extender/core/object_cache.h"

namespace pmem::extender {

// The kind that a StorageClass of ours asks for: parameter pmemType, else the class names of the
// product. nullopt: ours, but neither. Call it for our provisioner only.
std::optional<PoolKind> KindOf(const StorageClass& storage_class);

// True when the class is served by our driver.
bool IsOurs(const StorageClass& storage_class);

// Whether claims ask for the same by both versions of a class; null: there is none.
bool AskAlike(const StorageClass* before, const StorageClass* after);

// Where a claim's volume is or will be. Empty: nowhere yet. Bound claims ask their PersistentVolume
// (node affinity on hostname or metadata.name), unbound ones their selected-node annotation.
std::string NodeOf(const Claim& claim, const PersistentVolume* volume);

// True when the claim has a volume, or waits for one that was chosen for it by name.
inline bool IsBound(const Claim& claim) { return !claim.volume_name.empty(); }

// True when no volume is ever made for the claim while it has none: a PersistentVolume that is
// there serves it, or nothing does. external-provisioner refuses it, or leaves it to a populator
// whose own claim needs the room; and it keeps the pin, so that room which is promised to it would
// be lost.
//
//   selector, a snapshot or a claim as source, VolumeAttributesClass   refused by its own checks
//   access modes beyond one node                                       refused by our driver
//   a populator's source, of a class that binds immediately            ignored
//
// With WaitForFirstConsumer the populator's claim follows the pin: the room is needed there.
bool IsStaticOnly(const Claim& claim, const StorageClass& storage_class);
// The same by its class in the cache; without it no populator's is.
bool IsStaticOnly(const Claim& claim, const ObjectCache& cache);

struct PodDemand {
  // Claims without a volume and a node, in the pod's order, each once: they need new room, unless
  // they are static only.
  std::vector<Item> items;
  std::vector<ObjectKey> item_keys;       // Their names, same order.
  std::vector<std::string> item_classes;  // Their StorageClasses, same order.
  std::vector<bool> static_only;          // Whether they are (IsStaticOnly), same order.
  std::string node;  // Another claim of the pod has its place there. Usually empty.
  // Where volumes of other drivers are that only one node reaches. kube-scheduler sees to these
  // itself: they are for pins that we write.
  std::vector<std::string> other_nodes;
  bool is_split = false;  // Its claims have their places on several nodes: it can run on none.
  bool has_unknown_kind = false;          // A claim of ours whose class asks for no kind we know.
  std::vector<ObjectKey> missing_claims;  // Not known, or not confirmed: read them live, ask again.
  std::vector<std::string> missing_classes;
  // The API server says that it does not exist: a claim, or the class of a claim without a volume.
  // Whoever asks about such a pod knows something else than we do. Empty: nothing of the kind.
  std::string absent;
  void Add(Item item, const Claim& claim, const StorageClass& storage_class);
  bool IsStaticOnly(size_t i) const { return i < static_only.size() && static_only[i]; }
  bool HasStaticOnly() const;
  void DropStaticOnly();  // Leaves what new room is needed for.
  bool IsPmem() const { return !items.empty() || has_unknown_kind; }
  bool IsKnown() const { return missing_claims.empty() && missing_classes.empty(); }
};

// Objects read live for one decision, beside the cache. Claims by key, classes by name.
struct LiveObjects {
  std::vector<Claim> claims;
  std::vector<StorageClass> classes;
  std::vector<ObjectKey> absent_claims;  // The API server says that they do not exist.
  std::vector<std::string> absent_classes;
};

// Claims of other provisioners, bound claims, claims without a class and ephemeral claims that
// belong to another pod ask for nothing.
//
// `live` null: what the cache says will do. Else the answer decides where room is taken, and every
// claim of ours must be among those read live: the cache may be behind, and still know a claim that
// was deleted and created again under the same name. kube-scheduler writes to the claim that it saw
// before it asked us, and to no later one.
PodDemand DemandOf(const Pod& pod, const ObjectCache& cache, const LiveObjects* live);

// Adds what `demand` asks for to `all`, each claim once. Both must be known, and split neither.
void Join(PodDemand& all, const PodDemand& demand);

// Claim of ours: what it asks for, also a static only one. nullopt: nothing, or an unknown kind.
// `live`: as for DemandOf.
std::optional<Item> ItemOf(const Claim& claim, const ObjectCache& cache,
                           const LiveObjects* live = nullptr);

}  // namespace pmem::extender
