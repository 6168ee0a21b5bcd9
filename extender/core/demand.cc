// SPDX-License-Identifier: Apache-2.0
#include "extender/core/demand.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/names.h"

namespace pmem::extender {
namespace {

// Finds objects in the cache first, then among those read live.
class Lookup {
 public:
  Lookup(const ObjectCache& cache, const LiveObjects* live) : cache_(cache), live_(live) {}

  // What was read live is the truth about who has the name; the cache may know more of that claim.
  const Claim* FindClaim(const ObjectKey& key) const {
    const Claim* cached = cache_.FindClaim(key);
    if (live_ == nullptr) return cached;
    if (IsAbsentClaim(key)) return nullptr;
    const Claim* read = FindRead(key);
    return read == nullptr || (cached != nullptr && cached->meta.uid == read->meta.uid) ? cached
                                                                                        : read;
  }

  // The claim is what it seems to be: nobody reads live here, or it was read.
  bool IsConfirmed(const ObjectKey& key) const {
    return live_ == nullptr || FindRead(key) != nullptr;
  }

  const StorageClass* FindClass(std::string_view name) const {
    if (const StorageClass* storage_class = cache_.FindClass(name)) return storage_class;
    if (live_ == nullptr) return nullptr;
    for (const StorageClass& storage_class : live_->classes) {
      if (storage_class.meta.key.name == name) return &storage_class;
    }
    return nullptr;
  }

  bool IsAbsentClaim(const ObjectKey& key) const {
    return live_ != nullptr &&
           std::count(live_->absent_claims.begin(), live_->absent_claims.end(), key) > 0;
  }

  bool IsAbsentClass(const std::string& name) const {
    return live_ != nullptr &&
           std::count(live_->absent_classes.begin(), live_->absent_classes.end(), name) > 0;
  }

 private:
  const Claim* FindRead(const ObjectKey& key) const {
    for (const Claim& claim : live_->claims) {
      if (claim.meta.key == key) return &claim;
    }
    return nullptr;
  }

  const ObjectCache& cache_;
  const LiveObjects* live_;
};

bool IsControlledBy(const Claim& claim, const std::string& pod_uid) {
  return std::any_of(claim.owners.begin(), claim.owners.end(), [&](const OwnerReference& owner) {
    return owner.controller && owner.uid == pod_uid;
  });
}

bool HasItem(const PodDemand& demand, const std::string& claim_uid) {
  return std::any_of(demand.items.begin(), demand.items.end(),
                     [&](const Item& item) { return item.claim_uid == claim_uid; });
}

void AddPlace(const Claim& claim, const PersistentVolume* volume, PodDemand& demand) {
  const std::string node = NodeOf(claim, volume);
  demand.is_split |= !node.empty() && !demand.node.empty() && node != demand.node;
  if (!node.empty()) demand.node = node;
}

// `claim` has no volume and is of ours by `storage_class`: its node, or what it asks for, goes into
// `demand`.
void AddOurs(const Claim& claim, const StorageClass& storage_class, PodDemand& demand) {
  if (!claim.selected_node.empty()) return AddPlace(claim, nullptr, demand);
  const std::optional<PoolKind> kind = KindOf(storage_class);
  if (!kind) {
    demand.has_unknown_kind = true;
    return;
  }
  if (HasItem(demand, claim.meta.uid)) return;
  demand.Add({claim.meta.uid, *kind, claim.requested_bytes}, claim, storage_class);
}

// It asks for nothing, but may have its place. Whose its volume is the class need not say: it may
// be gone, another driver's by now, or no object at all, as people write any text for volumes that
// they make by hand.
void AddBound(const ObjectKey& key, const Claim& claim, const Lookup& lookup,
              const ObjectCache& cache, PodDemand& demand) {
  const std::string class_name = claim.storage_class_name.value_or("");
  const StorageClass* storage_class = lookup.FindClass(class_name);
  const PersistentVolume* volume = cache.FindVolume(claim.volume_name);
  const bool is_ours = (storage_class != nullptr && IsOurs(*storage_class)) ||
                       (volume != nullptr && volume->is_ours);
  const bool may_be_ours = storage_class == nullptr && !class_name.empty();
  if (is_ours) {
    if (!lookup.IsConfirmed(key)) demand.missing_claims.push_back(key);
    AddPlace(claim, volume, demand);
  } else if (volume != nullptr) {
    const std::string node = volume->affinity_node.value_or("");
    if (!node.empty()) demand.other_nodes.push_back(node);
  } else if (may_be_ours && !lookup.IsAbsentClass(class_name)) {
    demand.missing_classes.push_back(class_name);
  }
}

// In all that external-provisioner's own checks and our driver refuse (csi-driver/grpc: a use on
// one node alone).
bool IsRefused(const Claim& claim) {
  static const AccessModes kServed = {"ReadWriteOnce", "ReadWriteOncePod"};
  return claim.has_selector || claim.data_source == DataSource::kVolume ||
         !claim.volume_attributes_class.empty() || !kServed.HasAll(claim.access_modes);
}

void AddVolume(const Pod& pod, const PodVolume& volume, const Lookup& lookup,
               const ObjectCache& cache, PodDemand& demand) {
  const ObjectKey key{pod.meta.key.kube_namespace, volume.claim_name};
  const Claim* claim = lookup.FindClaim(key);
  if (claim == nullptr) {
    if (!lookup.IsAbsentClaim(key)) {
      demand.missing_claims.push_back(key);
    } else if (demand.absent.empty()) {
      demand.absent = absl::StrCat("claim ", key.kube_namespace, "/", key.name, " does not exist");
    }
    return;
  }
  const auto confirm = [&] {
    if (!lookup.IsConfirmed(key)) demand.missing_claims.push_back(key);
  };
  // The claim of an earlier pod of that name, or without a class until the PV controller gives it
  // the default one: what the watch told last may be over.
  if (volume.is_ephemeral && !IsControlledBy(*claim, pod.meta.uid)) return confirm();
  if (IsBound(*claim)) return AddBound(key, *claim, lookup, cache, demand);
  if (!claim->storage_class_name) return confirm();
  if (claim->storage_class_name->empty()) return;
  const StorageClass* storage_class = lookup.FindClass(*claim->storage_class_name);
  if (storage_class != nullptr) {
    if (!IsOurs(*storage_class)) return;
    confirm();
    AddOurs(*claim, *storage_class, demand);
  } else if (!lookup.IsAbsentClass(*claim->storage_class_name)) {
    demand.missing_classes.push_back(*claim->storage_class_name);
  } else if (demand.absent.empty()) {
    demand.absent = absl::StrCat("StorageClass ", *claim->storage_class_name, " does not exist");
  }
}

}  // namespace

bool IsOurs(const StorageClass& storage_class) { return storage_class.provisioner == kDriverName; }

std::optional<PoolKind> KindOf(const StorageClass& storage_class) {
  const auto parameter = storage_class.parameters.find(std::string(kPmemTypeParameter));
  if (parameter != storage_class.parameters.end()) return PoolKindFromName(parameter->second);
  return PoolKindFromClassName(storage_class.meta.key.name);
}

// By a class of others nobody asks for anything; but a claim may have its place from when the class
// was ours, and what binds immediately is not made for a populator.
bool AskAlike(const StorageClass* before, const StorageClass* after) {
  const auto is_ours = [](const StorageClass* one) { return one != nullptr && IsOurs(*one); };
  const auto is_immediate = [](const StorageClass* one) {
    return one != nullptr && !one->is_wait_for_first_consumer;
  };
  if (is_immediate(before) != is_immediate(after)) return false;
  if (!is_ours(before) && !is_ours(after)) return true;
  return is_ours(before) && is_ours(after) && before->parameters == after->parameters;
}

bool IsStaticOnly(const Claim& claim, const StorageClass& storage_class) {
  return IsRefused(claim) ||
         (claim.data_source == DataSource::kPopulator && !storage_class.is_wait_for_first_consumer);
}

bool IsStaticOnly(const Claim& claim, const ObjectCache& cache) {
  const StorageClass* storage_class = cache.FindClass(claim.storage_class_name.value_or(""));
  return storage_class == nullptr ? IsRefused(claim) : IsStaticOnly(claim, *storage_class);
}

void PodDemand::Add(Item item, const Claim& claim, const StorageClass& storage_class) {
  items.push_back(std::move(item));
  item_keys.push_back(claim.meta.key);
  item_classes.push_back(storage_class.meta.key.name);
  static_only.push_back(extender::IsStaticOnly(claim, storage_class));
}

bool PodDemand::HasStaticOnly() const {
  return std::find(static_only.begin(), static_only.end(), true) != static_only.end();
}

void PodDemand::DropStaticOnly() {
  if (!HasStaticOnly()) return;
  PodDemand rest = *this;
  rest.items.clear(), rest.item_keys.clear(), rest.item_classes.clear(), rest.static_only.clear();
  for (size_t i = 0; i < items.size(); ++i) {
    if (IsStaticOnly(i)) continue;
    rest.items.push_back(items[i]);
    rest.item_keys.push_back(item_keys[i]);
    rest.item_classes.push_back(item_classes[i]);
    rest.static_only.push_back(false);
  }
  *this = std::move(rest);
}

std::string NodeOf(const Claim& claim, const PersistentVolume* volume) {
  const bool has_node = IsBound(claim) && volume != nullptr && volume->affinity_node &&
                        !volume->affinity_node->empty();
  return has_node ? *volume->affinity_node : claim.selected_node;
}

PodDemand DemandOf(const Pod& pod, const ObjectCache& cache, const LiveObjects* live) {
  PodDemand demand;
  const Lookup lookup(cache, live);
  for (const PodVolume& volume : pod.volumes) AddVolume(pod, volume, lookup, cache, demand);
  return demand;
}

void Join(PodDemand& all, const PodDemand& demand) {
  if (all.node.empty()) all.node = demand.node;
  all.has_unknown_kind |= demand.has_unknown_kind;
  all.other_nodes.insert(all.other_nodes.end(), demand.other_nodes.begin(),
                         demand.other_nodes.end());
  for (size_t i = 0; i < demand.items.size(); ++i) {
    if (HasItem(all, demand.items[i].claim_uid)) continue;
    all.items.push_back(demand.items[i]);
    all.item_keys.push_back(demand.item_keys[i]);
    all.item_classes.push_back(demand.item_classes[i]);
    all.static_only.push_back(demand.static_only[i]);
  }
}

std::optional<Item> ItemOf(const Claim& claim, const ObjectCache& cache, const LiveObjects* live) {
  if (!claim.storage_class_name) return std::nullopt;
  const StorageClass* storage_class = Lookup(cache, live).FindClass(*claim.storage_class_name);
  if (storage_class == nullptr || !IsOurs(*storage_class)) return std::nullopt;
  const std::optional<PoolKind> kind = KindOf(*storage_class);
  if (!kind) return std::nullopt;
  return Item{claim.meta.uid, *kind, claim.requested_bytes};
}

}  // namespace pmem::extender
