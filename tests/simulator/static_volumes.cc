// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/static_volumes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace pmem::extender::simulator {
namespace {

constexpr uint64_t kStaticSalt = 7;

std::string NodeOfVolume(const PersistentVolume& volume) {
  return volume.affinity_node.value_or("");
}

}  // namespace

bool IsStatic(const std::string& volume_name) { return volume_name.starts_with("static-"); }

StaticVolumes::StaticVolumes(Stage& stage, Oracle& oracle)
    : stage_(stage), oracle_(oracle), random_(stage.plan.seed, kStaticSalt) {}

void StaticVolumes::Make(const std::string& node, const std::string& handle, const Want& want,
                         bool is_immediate) {
  const std::string kind = want.kind == PoolKind::kLvm ? "pmem-lvm" : "pmem-direct";
  PersistentVolume volume;
  volume.meta.key.name = absl::StrCat("static-", next_++);
  volume.meta.uid = "uid-" + volume.meta.key.name;
  volume.is_ours = true;
  volume.csi_volume_handle = handle;
  volume.storage_class_name = is_immediate ? kind + "-now" : kind;
  volume.capacity_bytes = want.bytes;
  volume.access_modes = {"ReadWriteOnce"};
  volume.affinity_node = node;
  stage_.Tell(absl::StrCat(volume.meta.key.name, " is made for ", handle, " on ", node));
  stage_.kube.Create(volume);
  NoteChanged(volume.meta.key.name);
}

void StaticVolumes::NoteChanged(const std::string& name) {
  const PersistentVolume* volume = stage_.kube.FindVolume(name);
  const auto version = std::stoll(volume->meta.resource_version);
  oracle_.Interfere(NodeOfVolume(*volume), [name, version](const Ledger& ledger) {
    const PersistentVolume* known = ledger.cache().FindVolume(name);
    return known != nullptr && std::stoll(known->meta.resource_version) >= version;
  });
}

StaticVolumes::Matches StaticVolumes::Match(std::vector<Claim> claims, const std::string& node,
                                            const std::set<std::string>& assumed) const {
  std::stable_sort(claims.begin(), claims.end(), [](const Claim& a, const Claim& b) {
    return a.requested_bytes < b.requested_bytes;
  });
  Matches matches;
  std::set<std::string> taken = assumed;
  for (const Claim& claim : claims) {
    const PersistentVolume* best = nullptr;
    for (const auto& [name, volume] : stage_.kube.volumes()) {
      const bool may_be = !volume.is_taken && volume.claim.name.empty() &&
                          volume.storage_class_name == *claim.storage_class_name &&
                          volume.capacity_bytes >= claim.requested_bytes && !taken.contains(name);
      if (!may_be || (!node.empty() && NodeOfVolume(volume) != node)) continue;
      if (best == nullptr || volume.capacity_bytes < best->capacity_bytes) best = &volume;
    }
    if (best == nullptr) continue;
    taken.insert(best->meta.key.name);
    matches.emplace(claim.meta.uid, *best);
  }
  return matches;
}

bool StaticVolumes::Take(const PersistentVolume& volume, const Claim& claim) {
  const std::string name = volume.meta.key.name;
  const bool is_taken = stage_.kube.ChangeVolume(name, volume.meta.resource_version,
                                                 [&claim](PersistentVolume& changed) {
                                                   changed.claim = claim.meta.key;
                                                   changed.claim_uid = claim.meta.uid;
                                                 });
  if (!is_taken) return false;
  stage_.Tell(absl::StrCat("claim ", claim.meta.key.name, " takes ", name));
  NoteChanged(name);
  stage_.agenda.After(random_.Between(absl::Milliseconds(5), absl::Milliseconds(100)),
                      [this, name] { Bind(name); });
  return true;
}

void StaticVolumes::Bind(const std::string& name) {
  const PersistentVolume* volume = stage_.kube.FindVolume(name);
  if (volume == nullptr) return;
  const Claim* claim = stage_.kube.FindClaim(volume->claim_uid);
  if (claim == nullptr || !claim->volume_name.empty()) return Release(name);
  const std::string uid = claim->meta.uid;
  const int64_t bytes = volume->capacity_bytes;
  stage_.kube.ChangeVolume(name, volume->meta.resource_version,
                           [](PersistentVolume& changed) { changed.is_taken = true; });
  stage_.kube.ChangeClaim(uid, "", [&name, bytes](Claim& changed) {
    changed.volume_name = name;
    changed.capacity_bytes = bytes;
  });
}

void StaticVolumes::Release(const std::string& name) {
  const PersistentVolume* volume = stage_.kube.FindVolume(name);
  if (volume == nullptr) return;
  stage_.kube.ChangeVolume(name, volume->meta.resource_version,
                           [](PersistentVolume& changed) { changed.is_taken = true; });
  if (!random_.Chance(50)) return;
  stage_.agenda.After(random_.Between(absl::Milliseconds(100), absl::Seconds(3)),
                      [this, name] { Free(name); });
}

void StaticVolumes::Free(const std::string& name) {
  const PersistentVolume* volume = stage_.kube.FindVolume(name);
  if (volume == nullptr || stage_.is_calm) return;
  stage_.Tell(absl::StrCat(name, " is free again"));
  stage_.kube.ChangeVolume(name, volume->meta.resource_version, [](PersistentVolume& changed) {
    changed.is_taken = false;
    changed.claim = {};
    changed.claim_uid.clear();
  });
  NoteChanged(name);
}

void StaticVolumes::DeleteAll() {
  std::vector<std::string> names;
  for (const auto& [name, volume] : stage_.kube.volumes()) {
    if (IsStatic(name)) names.push_back(name);
  }
  for (const std::string& name : names) stage_.kube.DeleteVolume(name);
}

}  // namespace pmem::extender::simulator
