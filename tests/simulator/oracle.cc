// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/oracle.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pmem::extender::simulator {
namespace {

bool HasWant(const std::vector<Want>& wants, const std::string& uid) {
  return std::any_of(wants.begin(), wants.end(),
                     [&uid](const Want& want) { return want.claim_uid == uid; });
}

// Nobody's want of one kind stands in the way of the other, also where it cannot be met at all.
void KeepKindsOf(const std::vector<Want>& asked, std::vector<Want>& wants) {
  std::erase_if(wants, [&asked](const Want& want) {
    return std::none_of(asked.begin(), asked.end(),
                        [&want](const Want& each) { return each.kind == want.kind; });
  });
}

}  // namespace

std::string VolumeName(const std::string& claim_uid) { return "disk-" + claim_uid; }

std::string TrueNode(const Kube& kube, const Claim& claim) {
  if (!claim.volume_name.empty()) {
    const PersistentVolume* volume = kube.FindVolume(claim.volume_name);
    if (volume != nullptr && volume->affinity_node) return *volume->affinity_node;
  }
  return claim.selected_node;
}

std::string TrueVolume(const Kube& kube, const Claim& claim) {
  const PersistentVolume* volume = kube.FindVolume(claim.volume_name);
  return volume == nullptr ? VolumeName(claim.meta.uid) : volume->csi_volume_handle;
}

PoolKind Oracle::KindOfClaim(const Claim& claim) {
  return claim.storage_class_name->find("direct") == std::string::npos ? PoolKind::kLvm
                                                                       : PoolKind::kDirect;
}

void Oracle::Interfere(const std::string& node, IsKnown is_known) {
  interferences_.push_back({node, std::move(is_known)});
}

Decision Oracle::Decide(const Ledger& ledger) const {
  Decision decision{.known_end = interferences_.size(), .at = stage_.agenda.now()};
  for (size_t i = 0; i < interferences_.size(); ++i) {
    if (!interferences_[i].is_known(ledger)) decision.unknown.insert(i);
  }
  for (const auto& [name, node] : ledger.nodes().nodes()) {
    if (node->report != nullptr) decision.observed[name] = node->report->observed_at;
  }
  return decision;
}

bool Oracle::IsExcused(const std::string& claim_uid, const std::string& node) const {
  if (by_hand_.contains({claim_uid, node})) return true;
  const auto it = decisions_.find({claim_uid, node});
  if (it == decisions_.end()) return false;
  for (size_t i = 0; i < interferences_.size(); ++i) {
    if (interferences_[i].node != node) continue;
    if (i >= it->second.known_end || it->second.unknown.contains(i)) return true;
  }
  return false;
}

// Claims that were given the node and have no volume there yet. What is being made for others is
// taken back before the node makes anything for these.
std::vector<Want> Oracle::PendingOn(const std::string& node) const {
  std::vector<Want> wants;
  const Devices& devices = stage_.devices.at(node);
  for (const auto& [uid, claim] : stage_.kube.claims()) {
    if (!claim.volume_name.empty() || claim.selected_node != node) continue;
    if (devices.Has(VolumeName(uid))) continue;
    wants.push_back({uid, KindOfClaim(claim), claim.requested_bytes});
  }
  return wants;
}

void Oracle::AddReserved(const std::string& node, const std::set<std::string>& except_pods,
                         std::vector<Want>& wants) const {
  for (const auto& [uid, pod] : stage_.kube.pods()) {
    if (except_pods.contains(uid) || !pod.node_name.empty()) continue;
    if (TakenBy(pod) != std::set<std::string>{node}) continue;
    for (const PodVolume& volume : pod.volumes) {
      const Claim* claim = stage_.kube.FindClaim({pod.meta.key.kube_namespace, volume.claim_name});
      if (claim == nullptr || !TrueNode(stage_.kube, *claim).empty()) continue;
      if (HasWant(wants, claim->meta.uid)) continue;
      wants.push_back({claim->meta.uid, KindOfClaim(*claim), claim->requested_bytes});
    }
  }
}

bool Oracle::IsByDevice(const std::string& claim_uid, const std::string& node,
                        const std::vector<Want>& wants) const {
  const auto decision = decisions_.find({claim_uid, node});
  if (decision == decisions_.end()) return false;
  const auto observed = decision->second.observed.find(node);
  if (observed == decision->second.observed.end()) return false;
  return stage_.devices.at(node).CouldHold(wants, observed->second).value_or(true);
}

void Oracle::Accepted(const Claim& claim, const Decision& decision) {
  ++tally_.accepted;
  stage_.Tell(absl::StrCat("claim ", claim.meta.key.name, " is given ", claim.selected_node));
  by_hand_.erase({claim.meta.uid, claim.selected_node});
  decisions_[{claim.meta.uid, claim.selected_node}] = decision;
  const std::string& node = claim.selected_node;
  std::vector<Want> wants = PendingOn(node);
  KeepKindsOf({{claim.meta.uid, KindOfClaim(claim), claim.requested_bytes}}, wants);
  if (stage_.devices.at(node).CanHold(wants).value_or(true)) return;
  if (IsExcused(claim.meta.uid, node) || IsByDevice(claim.meta.uid, node, wants)) return;
  ++tally_.over_committed;
  Fail(absl::StrCat("over-committed: claim ", claim.meta.key.name, " on ", node));
}

void Oracle::PinnedByHand(const Claim& claim) {
  stage_.Tell(
      absl::StrCat("claim ", claim.meta.key.name, " is pinned by hand to ", claim.selected_node));
  const std::string uid = claim.meta.uid;
  by_hand_.insert({uid, claim.selected_node});
  Interfere(claim.selected_node, [uid, node = claim.selected_node](const Ledger& ledger) {
    const ClaimPlace* place = ledger.FindPlace(uid);
    return place != nullptr && place->node == node;
  });
}

void Oracle::Made(const Want& want, const std::string& node) {
  stage_.Tell(absl::StrCat("claim ", want.claim_uid, " is made on ", node));
  made_[{want.claim_uid, node}] = {want, stage_.agenda.now()};
}

void Oracle::CreationFailed(const Want& want, const std::string& node) {
  if (IsExcused(want.claim_uid, node)) {
    ++tally_.failed_excused;
    return;
  }
  std::vector<Want> wants = PendingOn(node);
  KeepKindsOf({want}, wants);
  if (IsByDevice(want.claim_uid, node, wants)) {
    ++tally_.failed_by_device;
    return;
  }
  ++tally_.failed_by_us;
  Fail(absl::StrCat("the creation for claim ", want.claim_uid, " failed on ", node));
}

std::vector<Oracle::Creation> Oracle::Orphans(const std::string& node) const {
  std::vector<Creation> orphans;
  const auto add = [&](const std::string& uid, const Creation& creation) {
    const Claim* claim = stage_.kube.FindClaim(uid);
    if (claim == nullptr || TrueNode(stage_.kube, *claim) != node) orphans.push_back(creation);
  };
  for (const auto& [key, creation] : made_) {
    const bool is_there = stage_.devices.at(node).Has(VolumeName(key.first));
    if (key.second == node && is_there) add(key.first, creation);
  }
  return orphans;
}

std::set<std::string> Oracle::TakenBy(const Pod& pod) const {
  std::set<std::string> taken;
  for (const PodVolume& volume : pod.volumes) {
    const Claim* claim = stage_.kube.FindClaim({pod.meta.key.kube_namespace, volume.claim_name});
    std::string at = claim == nullptr ? "" : TrueNode(stage_.kube, *claim);
    if (!at.empty()) taken.insert(std::move(at));
  }
  return taken;
}

std::set<std::string> Oracle::NodesLeft(const Pod& pod) const {
  const std::set<std::string> taken = TakenBy(pod);
  std::set<std::string> left;
  for (const auto& [name, node] : stage_.kube.nodes()) {
    if (taken.empty() || (taken.size() == 1 && taken.contains(name))) left.insert(name);
  }
  return left;
}

bool Oracle::HasExpansion(const std::string& node) const {
  const auto& claims = stage_.kube.claims();
  return std::any_of(claims.begin(), claims.end(), [&](const auto& entry) {
    const Claim& claim = entry.second;
    if (claim.volume_name.empty() || claim.requested_bytes <= claim.capacity_bytes) return false;
    return TrueNode(stage_.kube, claim) == node &&
           stage_.devices.at(node).Has(TrueVolume(stage_.kube, claim));
  });
}

bool Oracle::AddNeeds(const Pod& pod, const std::string& node, std::vector<Want>& wants) const {
  for (const PodVolume& volume : pod.volumes) {
    const Claim* claim = stage_.kube.FindClaim({pod.meta.key.kube_namespace, volume.claim_name});
    if (claim == nullptr) return false;
    if (!claim->volume_name.empty() || HasWant(wants, claim->meta.uid)) continue;
    if (stage_.devices.at(node).Has(VolumeName(claim->meta.uid))) continue;
    wants.push_back({claim->meta.uid, KindOfClaim(*claim), claim->requested_bytes});
  }
  return true;
}

std::optional<bool> Oracle::FitAll(const std::vector<const Pod*>& pods,
                                   const std::string& node) const {
  std::set<std::string> uids;
  for (const Pod* pod : pods) {
    uids.insert(pod->meta.uid);
    if (!pod->node_name.empty() && pod->node_name != node) return false;
    if (!NodesLeft(*pod).contains(node)) return false;
  }
  if (HasExpansion(node)) return std::nullopt;  // What was asked for there comes first.
  std::vector<Want> asked, wants = PendingOn(node);
  AddReserved(node, uids, wants);
  for (const Pod* pod : pods) {
    if (!AddNeeds(*pod, node, asked) || !AddNeeds(*pod, node, wants)) return false;
  }
  KeepKindsOf(asked, wants);
  return stage_.devices.at(node).CanHold(std::move(wants));
}

bool Oracle::ShareOpenClaim(const Pod& pod, const Pod& other) const {
  return std::any_of(pod.volumes.begin(), pod.volumes.end(), [&](const PodVolume& volume) {
    const Claim* claim = stage_.kube.FindClaim({pod.meta.key.kube_namespace, volume.claim_name});
    if (claim == nullptr || !TrueNode(stage_.kube, *claim).empty()) return false;
    return std::any_of(other.volumes.begin(), other.volumes.end(), [&](const PodVolume& another) {
      return another.claim_name == volume.claim_name;
    });
  });
}

std::vector<const Pod*> Oracle::CrowdOf(const Pod& pod) const {
  std::vector<const Pod*> crowd = {&pod};
  for (size_t i = 0; i < crowd.size(); ++i) {
    for (const auto& [uid, other] : stage_.kube.pods()) {
      if (std::count(crowd.begin(), crowd.end(), &other) > 0) continue;
      if (uid != pod.meta.uid && ShareOpenClaim(*crowd[i], other)) crowd.push_back(&other);
    }
  }
  return crowd;
}

void Oracle::Fail(const std::string& what) {
  if (failure_.empty()) {
    failure_ = absl::StrCat("at ", absl::ToInt64Milliseconds(stage_.agenda.now() - Agenda::Begin()),
                            " ms: ", what);
  }
}

}  // namespace pmem::extender::simulator
