// SPDX-License-Identifier: Apache-2.0
#include "extender/core/object_cache.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "common/pure/names.h"

namespace pmem::extender {
namespace {

template <class Map, class Key>
auto FindIn(const Map& map, const Key& key) -> const typename Map::mapped_type* {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

std::array<std::string_view, 2> KeysOf(const PersistentVolume& volume) {
  return {VolumeKey(volume.meta.key.name), VolumeKey(volume.csi_volume_handle)};
}

}  // namespace

bool IsUnclaimed(const PersistentVolume& volume) {
  return volume.claim.name.empty() && !volume.meta.is_deleting && !volume.is_taken;
}

bool IsNewlyOffered(const PersistentVolume* before, const PersistentVolume& volume) {
  if (!IsUnclaimed(volume)) return false;
  if (before == nullptr || !IsUnclaimed(*before)) return true;
  return volume.storage_class_name != before->storage_class_name ||
         volume.capacity_bytes != before->capacity_bytes ||
         volume.affinity_node != before->affinity_node || volume.is_block != before->is_block ||
         volume.access_modes != before->access_modes;
}

const Node* ObjectCache::FindNode(std::string_view name) const { return nodes_.Find(name); }
const StorageClass* ObjectCache::FindClass(std::string_view name) const {
  return classes_.Find(name);
}
const PersistentVolume* ObjectCache::FindVolume(std::string_view name) const {
  return volumes_.Find(name);
}
const Claim* ObjectCache::FindClaim(std::string_view uid) const { return claims_.Find(uid); }
const Claim* ObjectCache::FindClaim(const ObjectKey& key) const {
  const auto it = claims_by_key_.find(key);
  return it == claims_by_key_.end() ? nullptr : *it;
}
const Pod* ObjectCache::FindPod(std::string_view uid) const { return pods_.Find(uid); }
const Pod* ObjectCache::FindPod(const ObjectKey& key) const {
  const auto it = pods_by_key_.find(key);
  return it == pods_by_key_.end() ? nullptr : *it;
}

// The name means this object from now on. Returns the UID that had it before, when it is another.
template <class T>
std::string ObjectCache::PutByUid(T object, ByUid<T>& by_uid, ByKey<T>& by_key) {
  const T* known = by_uid.Find(object.meta.uid);
  // Before its key changes in its place.
  if (known != nullptr && known->meta.key != object.meta.key) {
    EraseByUid(std::string(object.meta.uid), by_uid, by_key);
  }
  const T& put = by_uid.Put(std::move(object));
  const auto [it, is_new] = by_key.insert(&put);
  if (is_new || *it == &put) return {};
  std::string replaced = (*it)->meta.uid;
  by_key.erase(it);
  by_key.insert(&put);
  return replaced;
}

template <class T>
void ObjectCache::EraseByUid(std::string_view uid, ByUid<T>& by_uid, ByKey<T>& by_key) {
  const T* object = by_uid.Find(uid);
  if (object == nullptr) return;
  const auto it = by_key.find(object->meta.key);
  if (it != by_key.end() && *it == object) by_key.erase(it);
  by_uid.Erase(uid);
}

void ObjectCache::Put(Node node) { nodes_.Put(std::move(node)); }
void ObjectCache::Put(StorageClass storage_class) { classes_.Put(std::move(storage_class)); }

void ObjectCache::Put(PersistentVolume volume) {
  const std::string name = volume.meta.key.name;
  EraseVolume(name);
  const PersistentVolume& put = volumes_.Put(std::move(volume));
  if (IsUnclaimed(put)) available_[{put.storage_class_name, put.affinity_node}].insert(&put);
  if (!put.is_ours) return;
  for (const std::string_view key : KeysOf(put)) volume_keys_.emplace(key, &put);
}

std::string ObjectCache::Put(Claim claim) {
  const std::string uid = claim.meta.uid;
  ForgetVolumeOf(uid);
  std::string replaced = PutByUid(std::move(claim), claims_, claims_by_key_);
  const Claim& put = *FindClaim(uid);
  if (!put.volume_name.empty()) claims_of_.emplace(put.volume_name, &put);
  return replaced;
}

std::string ObjectCache::Put(Pod pod) {
  ErasePod(pod.meta.uid);
  for (const PodVolume& volume : pod.volumes) {
    pods_using_[{pod.meta.key.kube_namespace, volume.claim_name}].insert(pod.meta.uid);
  }
  return PutByUid(std::move(pod), pods_, pods_by_key_);
}

void ObjectCache::EraseNode(std::string_view name) { nodes_.Erase(name); }
void ObjectCache::EraseClass(std::string_view name) { classes_.Erase(name); }

void ObjectCache::EraseVolume(std::string_view name) {
  const PersistentVolume* volume = volumes_.Find(name);
  if (volume == nullptr) return;
  for (const std::string_view key : KeysOf(*volume)) volume_keys_.erase({key, volume});
  const auto alike = available_.find({volume->storage_class_name, volume->affinity_node});
  if (alike != available_.end()) {
    alike->second.erase(volume->meta.key);
    if (alike->second.empty()) available_.erase(alike);
  }
  volumes_.Erase(name);
}

void ObjectCache::ForgetVolumeOf(std::string_view claim_uid) {
  const Claim* claim = FindClaim(claim_uid);
  if (claim != nullptr) claims_of_.erase({claim->volume_name, claim});
}

void ObjectCache::EraseClaim(std::string_view uid) {
  ForgetVolumeOf(uid);
  EraseByUid(uid, claims_, claims_by_key_);
}

void ObjectCache::ErasePod(std::string_view uid) {
  const Pod* pod = pods_.Find(uid);
  if (pod == nullptr) return;
  for (const PodVolume& volume : pod->volumes) {
    const auto users = pods_using_.find(ObjectKey{pod->meta.key.kube_namespace, volume.claim_name});
    if (users == pods_using_.end()) continue;
    users->second.erase(std::string(uid));
    if (users->second.empty()) pods_using_.erase(users);
  }
  EraseByUid(uid, pods_, pods_by_key_);
}

std::vector<std::string> ObjectCache::PodsUsing(const ObjectKey& claim) const {
  const std::set<std::string>* uids = FindIn(pods_using_, claim);
  if (uids == nullptr) return {};
  return {uids->begin(), uids->end()};
}

std::vector<std::string> ObjectCache::ClaimsOf(std::string_view volume) const {
  std::vector<std::string> uids;
  for (auto it = claims_of_.lower_bound({volume, nullptr});
       it != claims_of_.end() && it->first == volume; ++it) {
    uids.push_back(it->second->meta.uid);
  }
  std::sort(uids.begin(), uids.end());
  return uids;
}

bool ObjectCache::HasVolumeOf(std::string_view key) const {
  const auto it = volume_keys_.lower_bound({key, nullptr});
  return it != volume_keys_.end() && it->first == key;
}

std::vector<const PersistentVolume*> ObjectCache::AvailableVolumes(std::string_view storage_class,
                                                                   std::string_view node) const {
  const ByKey<PersistentVolume> none;
  const auto of = [&](std::optional<std::string> affinity) -> const ByKey<PersistentVolume>& {
    const auto* found = FindIn(available_, ClassAndNode(storage_class, std::move(affinity)));
    return found == nullptr ? none : *found;
  };
  const ByKey<PersistentVolume>& everywhere = of(std::nullopt);
  const ByKey<PersistentVolume>& there = of(std::string(node));
  std::vector<const PersistentVolume*> volumes;
  volumes.reserve(everywhere.size() + there.size());
  std::merge(everywhere.begin(), everywhere.end(), there.begin(), there.end(),
             std::back_inserter(volumes), KeyLess());
  return volumes;
}

bool ObjectCache::HasAvailableVolumes(std::string_view storage_class) const {
  const auto first = available_.lower_bound({std::string(storage_class), std::nullopt});
  return first != available_.end() && first->first.first == storage_class;
}

}  // namespace pmem::extender
