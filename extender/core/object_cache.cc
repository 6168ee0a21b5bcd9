// SPDX-License-Identifier: Apache-2.0
#include "extender/core/object_cache.h"

#include <utility>

#include "common/pure/names.h"

namespace pmem::extender {
namespace {

template <class Map, class Key>
auto FindIn(const Map& map, const Key& key) -> const typename Map::mapped_type* {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

// Puts `object` under its UID and moves the name to it. Returns the UID that had the name before,
// when it is another one.
template <class T, class ByUid>
std::string PutByUid(T object, ByUid& by_uid, absl::btree_map<ObjectKey, std::string>& uids) {
  std::string& uid_of_name = uids[object.meta.key];
  std::string replaced;
  if (uid_of_name != object.meta.uid) replaced = std::exchange(uid_of_name, object.meta.uid);
  const std::string uid = object.meta.uid;
  by_uid.insert_or_assign(uid, std::move(object));
  return replaced;
}

void CountKeys(const PersistentVolume& volume, int by,
               absl::flat_hash_map<std::string, int>& keys) {
  if (volume.csi_driver != kDriverName) return;
  for (const std::string& name : {volume.meta.key.name, volume.csi_volume_handle}) {
    const std::string key(VolumeKey(name));
    int& count = keys[key];
    count += by;
    if (count == 0) keys.erase(key);
  }
}

}  // namespace

bool IsAvailable(const PersistentVolume& volume) {
  return volume.claim.name.empty() && !volume.meta.is_deleting &&
         (volume.phase.empty() || volume.phase == "Available" || volume.phase == "Pending");
}

const Node* ObjectCache::FindNode(std::string_view name) const { return FindIn(nodes_, name); }
const StorageClass* ObjectCache::FindClass(std::string_view name) const {
  return FindIn(classes_, name);
}
const PersistentVolume* ObjectCache::FindVolume(std::string_view name) const {
  return FindIn(volumes_, name);
}
const Claim* ObjectCache::FindClaim(std::string_view uid) const { return FindIn(claims_, uid); }
const Claim* ObjectCache::FindClaim(const ObjectKey& key) const {
  const std::string* uid = FindIn(claim_uids_, key);
  return uid == nullptr ? nullptr : FindIn(claims_, *uid);
}
const Pod* ObjectCache::FindPod(std::string_view uid) const { return FindIn(pods_, uid); }
const Pod* ObjectCache::FindPod(const ObjectKey& key) const {
  const std::string* uid = FindIn(pod_uids_, key);
  return uid == nullptr ? nullptr : FindIn(pods_, *uid);
}

void ObjectCache::Put(Node node) {
  const std::string name = node.meta.key.name;
  nodes_.insert_or_assign(name, std::move(node));
}

void ObjectCache::Put(StorageClass storage_class) {
  const std::string name = storage_class.meta.key.name;
  classes_.insert_or_assign(name, std::move(storage_class));
}

void ObjectCache::Put(PersistentVolume volume) {
  const std::string name = volume.meta.key.name;
  EraseVolume(name);
  if (IsAvailable(volume)) available_[volume.storage_class_name].insert(name);
  CountKeys(volume, 1, volume_keys_);
  volumes_.insert_or_assign(name, std::move(volume));
}

std::string ObjectCache::Put(Claim claim) {
  return PutByUid(std::move(claim), claims_, claim_uids_);
}

std::string ObjectCache::Put(Pod pod) {
  ErasePod(pod.meta.uid);
  for (const PodVolume& volume : pod.volumes) {
    pods_using_[{pod.meta.key.kube_namespace, volume.claim_name}].insert(pod.meta.uid);
  }
  return PutByUid(std::move(pod), pods_, pod_uids_);
}

void ObjectCache::EraseNode(std::string_view name) {
  if (const auto it = nodes_.find(name); it != nodes_.end()) nodes_.erase(it);
}

void ObjectCache::EraseClass(std::string_view name) {
  if (const auto it = classes_.find(name); it != classes_.end()) classes_.erase(it);
}

void ObjectCache::EraseVolume(std::string_view name) {
  const auto it = volumes_.find(name);
  if (it == volumes_.end()) return;
  CountKeys(it->second, -1, volume_keys_);
  const auto names = available_.find(it->second.storage_class_name);
  if (names != available_.end()) {
    names->second.erase(std::string(name));
    if (names->second.empty()) available_.erase(names);
  }
  volumes_.erase(it);
}

void ObjectCache::EraseClaim(std::string_view uid) {
  const auto it = claims_.find(uid);
  if (it == claims_.end()) return;
  const auto name = claim_uids_.find(it->second.meta.key);
  if (name != claim_uids_.end() && name->second == uid) claim_uids_.erase(name);
  claims_.erase(it);
}

void ObjectCache::ErasePod(std::string_view uid) {
  const auto it = pods_.find(uid);
  if (it == pods_.end()) return;
  const ObjectKey key = it->second.meta.key;
  for (const PodVolume& volume : it->second.volumes) {
    const auto users = pods_using_.find(ObjectKey{key.kube_namespace, volume.claim_name});
    if (users == pods_using_.end()) continue;
    users->second.erase(std::string(uid));
    if (users->second.empty()) pods_using_.erase(users);
  }
  const auto name = pod_uids_.find(key);
  if (name != pod_uids_.end() && name->second == uid) pod_uids_.erase(name);
  pods_.erase(it);
}

std::vector<std::string> ObjectCache::PodsUsing(const ObjectKey& claim) const {
  const std::set<std::string>* uids = FindIn(pods_using_, claim);
  if (uids == nullptr) return {};
  return {uids->begin(), uids->end()};
}

bool ObjectCache::HasVolumeOf(std::string_view key) const {
  return volume_keys_.contains(absl::string_view(key.data(), key.size()));
}

std::vector<const PersistentVolume*> ObjectCache::AvailableVolumes(
    std::string_view storage_class) const {
  std::vector<const PersistentVolume*> volumes;
  const std::set<std::string>* names = FindIn(available_, storage_class);
  if (names == nullptr) return volumes;
  for (const std::string& name : *names) volumes.push_back(FindVolume(name));
  return volumes;
}

}  // namespace pmem::extender
