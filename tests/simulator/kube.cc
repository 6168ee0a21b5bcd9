// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/kube.h"

namespace pmem::extender::simulator {
namespace {

template <class T>
const T* FindIn(const std::map<std::string, T>& map, const std::string& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : &it->second;
}

template <class T>
Relisted<T> ListOf(const std::map<std::string, T>& map, int64_t version) {
  Relisted<T> list{.objects = {}, .version = std::to_string(version)};
  for (const auto& [key, object] : map) list.objects.push_back(object);
  return list;
}

}  // namespace

int Kube::Listen(Kind kind, Listener listener) {
  listeners_[static_cast<size_t>(kind)][next_handle_] = std::move(listener);
  return next_handle_++;
}

void Kube::StopListening(Kind kind, int handle) {
  listeners_[static_cast<size_t>(kind)].erase(handle);
}

void Kube::Tell(Kind kind, const Event& event) {
  for (const auto& [handle, listener] : listeners_[static_cast<size_t>(kind)]) listener(event);
}

// The extender's watch has the field selector spec.nodeName=: a pod that leaves it is told as
// deleted, in the state it had before.
void Kube::TellPod(const Pod& before, const Pod& after) {
  if (!before.node_name.empty()) return;
  if (after.node_name.empty()) return Tell(Kind::kPods, Seen<Pod>{after});
  Tell(Kind::kPods, Gone<Pod>{before});
}

Event Kube::List(Kind kind) const {
  switch (kind) {
    case Kind::kNodes:
      return ListOf(nodes_, version_);
    case Kind::kPods: {
      Relisted<Pod> list;
      for (const auto& [uid, pod] : pods_) {
        if (pod.node_name.empty()) list.objects.push_back(pod);
      }
      return list;
    }
    case Kind::kClaims:
      return ListOf(claims_, version_);
    case Kind::kVolumes:
      return ListOf(volumes_, version_);
    case Kind::kClasses:
      return ListOf(classes_, version_);
  }
  return Relisted<Node>{};
}

void Kube::Create(Node node) {
  nodes_[node.meta.key.name] = node;
  Tell(Kind::kNodes, Seen<Node>{std::move(node)});
}

void Kube::Create(StorageClass storage_class) {
  classes_[storage_class.meta.key.name] = storage_class;
  Tell(Kind::kClasses, Seen<StorageClass>{std::move(storage_class)});
}

void Kube::Create(Pod pod) {
  pod.meta.resource_version = NextVersion();
  pods_[pod.meta.uid] = pod;
  if (pod.node_name.empty()) Tell(Kind::kPods, Seen<Pod>{std::move(pod)});
}

void Kube::Create(Claim claim) {
  claim.meta.resource_version = NextVersion();
  claims_[claim.meta.uid] = claim;
  claim_uids_[claim.meta.key] = claim.meta.uid;
  Tell(Kind::kClaims, Seen<Claim>{std::move(claim)});
}

void Kube::Create(PersistentVolume volume) {
  volume.meta.resource_version = NextVersion();
  volumes_[volume.meta.key.name] = volume;
  Tell(Kind::kVolumes, Seen<PersistentVolume>{std::move(volume)});
}

void Kube::DeleteNode(const std::string& name) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return;
  const Node last = it->second;
  nodes_.erase(it);
  Tell(Kind::kNodes, Gone<Node>{last});
}

void Kube::DeletePod(const std::string& uid) {
  const auto it = pods_.find(uid);
  if (it == pods_.end()) return;
  const Pod last = it->second;
  pods_.erase(it);
  if (last.node_name.empty()) Tell(Kind::kPods, Gone<Pod>{last});
}

void Kube::DeleteClaim(const std::string& uid) {
  const auto it = claims_.find(uid);
  if (it == claims_.end()) return;
  const Claim last = it->second;
  claims_.erase(it);
  const auto name = claim_uids_.find(last.meta.key);
  if (name != claim_uids_.end() && name->second == last.meta.uid) claim_uids_.erase(name);
  Tell(Kind::kClaims, Gone<Claim>{last});
}

void Kube::DeleteVolume(const std::string& name) {
  const auto it = volumes_.find(name);
  if (it == volumes_.end()) return;
  const PersistentVolume last = it->second;
  volumes_.erase(it);
  Tell(Kind::kVolumes, Gone<PersistentVolume>{last});
}

const Pod* Kube::FindPod(const std::string& uid) const { return FindIn(pods_, uid); }
const Claim* Kube::FindClaim(const std::string& uid) const { return FindIn(claims_, uid); }
const Claim* Kube::FindClaim(const ObjectKey& key) const {
  const auto it = claim_uids_.find(key);
  return it == claim_uids_.end() ? nullptr : FindClaim(it->second);
}
const PersistentVolume* Kube::FindVolume(const std::string& name) const {
  return FindIn(volumes_, name);
}
const StorageClass* Kube::FindClass(const std::string& name) const {
  return FindIn(classes_, name);
}

}  // namespace pmem::extender::simulator
