// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/provisioner.h"

#include <variant>

#include "absl/strings/str_cat.h"
#include "common/pure/names.h"

namespace pmem::extender::simulator {
namespace {

constexpr uint64_t kProvisionerSalt = 3;
// How often a creation looks whether its turn has come.
constexpr absl::Duration kTurnLook = absl::Milliseconds(200);
constexpr absl::Duration kDriverPauseMax = absl::Seconds(5);

std::string HalfName(const std::string& uid) { return kUnfinishedPrefix + VolumeName(uid); }

PoolKind KindOf(const Claim& claim) {
  return claim.storage_class_name->find("direct") == std::string::npos ? PoolKind::kLvm
                                                                       : PoolKind::kDirect;
}

}  // namespace

Provisioner::Provisioner(Stage& stage, Oracle& oracle, Agents& agents, StaticVolumes& statics)
    : stage_(stage),
      oracle_(oracle),
      agents_(agents),
      statics_(statics),
      random_(stage.plan.seed, kProvisionerSalt) {
  stage_.kube.Listen(Kind::kClaims, [this](const Event& event) { Hear(event); });
}

absl::Duration Provisioner::Blink() {
  return random_.Between(absl::Milliseconds(5), absl::Milliseconds(100));
}

void Provisioner::Hear(const Event& event) {
  if (const auto* seen = std::get_if<Seen<Claim>>(&event)) {
    Consider(seen->object);
  } else if (const auto* gone = std::get_if<Gone<Claim>>(&event)) {
    const Claim& claim = gone->last;
    const std::string node = TrueNode(stage_.kube, claim);
    if (IsStatic(claim.volume_name)) return statics_.Release(claim.volume_name);
    if (!claim.volume_name.empty()) Remove(claim.meta.uid, node);
  }
}

void Provisioner::Resume(const std::string& node) {
  std::vector<Claim> claims;
  for (const auto& [uid, claim] : stage_.kube.claims()) {
    if (TrueNode(stage_.kube, claim) == node || claim.selected_node == node)
      claims.push_back(claim);
  }
  for (const Claim& claim : claims) Consider(claim);
}

void Provisioner::Consider(const Claim& claim) {
  const std::string uid = claim.meta.uid;
  const bool is_immediate =
      !stage_.kube.FindClass(*claim.storage_class_name)->is_wait_for_first_consumer;
  if (is_immediate && claim.storage_provisioner.empty()) return Annotate(uid);
  if (!claim.volume_name.empty()) {
    if (claim.requested_bytes > claim.capacity_bytes) Expand(claim, TrueNode(stage_.kube, claim));
    return;
  }
  const std::string node = claim.selected_node;
  if (node.empty() || making_.contains({uid, node})) return;
  making_.insert({uid, node});
  stage_.agenda.After(Blink(), [this, uid, node] { Begin(uid, node); });
}

void Provisioner::Annotate(const std::string& uid) {
  stage_.agenda.After(Blink(), [this, uid] {
    const Claim* claim = stage_.kube.FindClaim(uid);
    if (claim == nullptr || !claim->storage_provisioner.empty()) return;
    const StaticVolumes::Matches matches = statics_.Match({*claim}, "", {});
    if (!matches.empty() && statics_.Take(matches.begin()->second, *claim)) return;
    stage_.kube.ChangeClaim(
        uid, "", [](Claim& changed) { changed.storage_provisioner = std::string(kDriverName); });
  });
}

const Claim* Provisioner::Wanted(const std::string& uid, const std::string& node) {
  const Claim* claim = stage_.kube.FindClaim(uid);
  const bool is_gone = claim == nullptr || IsOff(node);
  if (!is_gone && claim->selected_node == node && claim->volume_name.empty()) return claim;
  making_.erase({uid, node});
  return nullptr;
}

void Provisioner::Begin(const std::string& uid, const std::string& node) {
  if (Wanted(uid, node) == nullptr) return;
  absl::Duration waits = absl::ZeroDuration();
  if (stage_.Has("slow_provisioner") && random_.Chance(60)) {
    waits = random_.Between(absl::ZeroDuration(), kTurnMax);
  }
  stage_.agenda.After(waits, [this, uid, node] { Make(uid, node); });
}

// The driver makes one volume of a kind after the other. When the turn has come it looks at the
// claim itself, whatever the provisioner's call is of.
void Provisioner::Make(const std::string& uid, const std::string& node) {
  const Claim* claim = Wanted(uid, node);
  if (claim == nullptr) return;
  if (!in_turn_.insert({node, KindOf(*claim)}).second) {
    return stage_.agenda.After(kTurnLook, [this, uid, node] { Make(uid, node); });
  }
  stage_.Tell(absl::StrCat("claim ", claim->meta.key.name, " is being made on ", node));
  absl::Duration lasts = random_.Between(absl::Milliseconds(20), absl::Milliseconds(400));
  if (stage_.Has("slow_provisioner") && !stage_.is_calm && random_.Chance(30)) {
    lasts = random_.Between(absl::ZeroDuration(), kCreationMax);
  }
  stage_.agenda.After(lasts, [this, claim = *claim, node] { Finish(claim, node); });
}

// Its room is taken, and the driver looks again: one that is not wanted any more is removed before
// the turn ends, so that nobody of the node's ever sees it.
void Provisioner::Finish(const Claim& claim, const std::string& node) {
  const std::string& uid = claim.meta.uid;
  in_turn_.erase({node, KindOf(claim)});
  if (Wanted(uid, node) == nullptr) return;
  Devices& devices = stage_.devices.at(node);
  if (stage_.Has("half_made") && random_.Chance(30) && LeaveHalf(claim, node, devices)) return;
  making_.erase({uid, node});
  Create(claim, node, devices);
  if (!devices.Has(VolumeName(uid))) return Refused(uid, node);
  agents_.Touch(node);
  stage_.agenda.After(Blink(), [this, claim, node] { Bind(claim, node); });
}

// The driver is killed between the steps that make a volume.
bool Provisioner::LeaveHalf(const Claim& claim, const std::string& node, Devices& devices) {
  const std::string& uid = claim.meta.uid;
  const Want want{uid, KindOf(claim), claim.requested_bytes};
  const auto choice = Devices::Choice::kBestFit;
  const bool is_left = !devices.Has(VolumeName(uid)) &&
                       devices.Create(want, HalfName(uid), choice, stage_.agenda.now(), random_);
  if (!is_left) return false;
  agents_.Touch(node);
  stage_.agenda.After(random_.Between(absl::Milliseconds(50), kDriverPauseMax),
                      [this, uid, node] { MakeAnew(uid, node); });
  return true;
}

// It runs again, removes what it left, and only then looks at the claim once more.
void Provisioner::MakeAnew(const std::string& uid, const std::string& node) {
  stage_.devices.at(node).Delete(HalfName(uid));
  agents_.Touch(node);
  Make(uid, node);
}

// The node knows nothing of what else was promised there: its choice may spoil it.
void Provisioner::Create(const Claim& claim, const std::string& node, Devices& devices) {
  const std::string& uid = claim.meta.uid;
  const Want want{uid, KindOf(claim), claim.requested_bytes};
  const auto choice = stage_.Has("odd_devices") ? Devices::Choice::kAny : Devices::Choice::kBestFit;
  const bool is_made = devices.Create(want, VolumeName(uid), choice, stage_.agenda.now(), random_);
  if (!is_made) return oracle_.CreationFailed(want, node);
  oracle_.Made(want, node);
}

// RESOURCE_EXHAUSTED: selected-node is taken away, and somebody may choose again.
void Provisioner::Refused(const std::string& uid, const std::string& node) {
  stage_.agenda.After(Blink(), [this, uid, node] {
    const Claim* claim = stage_.kube.FindClaim(uid);
    if (claim == nullptr || claim->selected_node != node || !claim->volume_name.empty()) return;
    stage_.kube.ChangeClaim(uid, "", [](Claim& changed) {
      changed.selected_node.clear();
      changed.is_pinned_by_us = false;
      changed.is_pinned_by_scheduler = false;
    });
  });
}

// A claim that is gone gets its PersistentVolume all the same, which is then deleted with its
// volume. One that was unpinned meanwhile is bound where its volume is.
void Provisioner::Bind(const Claim& claim, const std::string& node) {
  const std::string& uid = claim.meta.uid;
  const Claim* now = stage_.kube.FindClaim(uid);
  if (IsOff(node) && !stage_.is_over) {  // Once the node is there again, if the volume still is.
    return stage_.agenda.After(absl::Seconds(1), [this, claim, node] {
      if (stage_.devices.at(node).Has(VolumeName(claim.meta.uid))) Bind(claim, node);
    });
  }
  if (now != nullptr && !now->volume_name.empty()) return Remove(uid, node);
  PersistentVolume volume;
  volume.meta.key.name = "pvc-" + uid;
  volume.meta.uid = "volume-" + uid;
  volume.is_ours = true;
  volume.csi_volume_handle = VolumeName(uid);
  volume.storage_class_name = *claim.storage_class_name;
  volume.capacity_bytes = claim.requested_bytes;
  volume.is_taken = true;
  volume.claim = claim.meta.key;
  volume.claim_uid = uid;
  volume.affinity_node = node;
  stage_.kube.Create(volume);
  if (now == nullptr) return Remove(uid, node);
  stage_.kube.ChangeClaim(uid, "", [&](Claim& changed) {
    changed.volume_name = volume.meta.key.name;
    changed.capacity_bytes = claim.requested_bytes;
  });
}

void Provisioner::Remove(const std::string& uid, const std::string& node) {
  stage_.agenda.After(random_.Between(absl::Milliseconds(50), absl::Seconds(2)), [this, uid, node] {
    const Claim* claim = stage_.kube.FindClaim(uid);
    const bool is_its = claim != nullptr && !IsStatic(claim->volume_name);
    if (is_its && TrueNode(stage_.kube, *claim) == node) return;
    if (IsOff(node) && !stage_.is_over) return Remove(uid, node);
    stage_.devices.at(node).Delete(VolumeName(uid));
    agents_.Touch(node);
    if (claim == nullptr) stage_.kube.DeleteVolume("pvc-" + uid);
  });
}

void Provisioner::Expand(const Claim& claim, const std::string& node) {
  const std::string uid = claim.meta.uid;
  if (!expanding_.insert(uid).second) return;
  stage_.agenda.After(Blink(), [this, uid, node] { BeginExpansion(uid, node); });
}

// The resizer writes down what is asked for, first to the claim. The node goes by that, though less
// may be asked for when its turn comes.
void Provisioner::BeginExpansion(const std::string& uid, const std::string& node) {
  const Claim* claim = stage_.kube.FindClaim(uid);
  if (claim == nullptr) return;
  const int64_t bytes = claim->requested_bytes;
  const std::string name = claim->volume_name;
  stage_.kube.ChangeClaim(uid, "", [bytes](Claim& begun) { begun.allocated_bytes = bytes; });
  const PersistentVolume* volume = stage_.kube.FindVolume(name);
  if (volume != nullptr) {
    stage_.kube.ChangeVolume(name, volume->meta.resource_version,
                             [bytes](PersistentVolume& begun) { begun.capacity_bytes = bytes; });
  }
  const absl::Duration most = stage_.Has("slow_expansions") ? kExpansionMax : absl::Seconds(2);
  stage_.agenda.After(random_.Between(absl::Milliseconds(50), most),
                      [this, uid, node, bytes] { FinishExpansion(uid, node, bytes); });
}

void Provisioner::FinishExpansion(const std::string& uid, const std::string& node, int64_t bytes) {
  expanding_.erase(uid);
  const Claim* claim = stage_.kube.FindClaim(uid);
  if (claim == nullptr || IsOff(node)) return;
  if (!stage_.devices.at(node).Expand(TrueVolume(stage_.kube, *claim), bytes)) return;
  agents_.Touch(node);
  stage_.kube.ChangeClaim(uid, "", [bytes](Claim& done) { done.capacity_bytes = bytes; });
}

}  // namespace pmem::extender::simulator
