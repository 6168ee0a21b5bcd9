// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/users.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulator/cluster.h"
#include "tests/simulator/scheduler.h"
#include "tests/support/builders.h"

namespace pmem::extender::simulator {
namespace {

constexpr uint64_t kUsersSalt = 4;
constexpr int64_t kClaimBytesMin = 20 * kMiB;

}  // namespace

Users::Users(Stage& stage, Oracle& oracle, Agents& agents, StaticVolumes& statics, int schedulers)
    : stage_(stage),
      oracle_(oracle),
      agents_(agents),
      statics_(statics),
      random_(stage.plan.seed, kUsersSalt),
      schedulers_(schedulers) {
  const int64_t claims_a_pod = stage.plan.Has("many_claims") ? 2 : 1;
  const int64_t all_bytes = stage.plan.nodes * kNodeBytes;
  claim_bytes_ = all_bytes / 100 * stage.plan.fill_percent / (stage.plan.pods * claims_a_pod);
  claim_bytes_ = std::clamp(claim_bytes_, kClaimBytesMin, kNodeBytes / 2);
}

void Users::Start(absl::Duration lasts) {
  for (int i = 1; i <= stage_.plan.pods; ++i) {
    stage_.agenda.After(random_.Between(absl::ZeroDuration(), lasts), [this, i] { CreateWork(i); });
  }
  const absl::Time end = stage_.agenda.now() + lasts;
  if (stage_.Has("expansions")) Every(absl::Seconds(4), end, &Users::Expand);
  if (stage_.Has("hand_pins")) Every(absl::Seconds(6), end, &Users::Unpin);
  if (stage_.Has("hand_volumes")) Every(absl::Seconds(8), end, &Users::MakeVolume);
  if (stage_.Has("static_volumes")) Every(absl::Seconds(5), end, &Users::MakeStatic);
  if (stage_.Has("lost_volumes")) Every(absl::Seconds(8), end, &Users::LoseVolume);
}

void Users::Every(absl::Duration period, absl::Time end, void (Users::*what)()) {
  stage_.agenda.After(random_.Between(absl::ZeroDuration(), period * 2), [=, this] {
    if (stage_.agenda.now() >= end) return;
    (this->*what)();
    Every(period, end, what);
  });
}

std::string Users::NewUid() { return Uid(next_uid_++); }

std::string Users::AnyNode() {
  auto it = stage_.devices.begin();
  std::advance(it, random_.Below(static_cast<int64_t>(stage_.devices.size())));
  return it->first;
}

Claim Users::NewClaim(int number, int64_t index, bool is_immediate) {
  const bool is_direct = stage_.plan.Has("direct") && random_.Chance(50);
  if (stage_.plan.Has("immediate") && random_.Chance(30)) is_immediate = true;
  const std::string kind = is_direct ? "pmem-direct" : "pmem-lvm";
  Claim claim = MakeClaim(1, random_.Between(claim_bytes_ / 2, claim_bytes_ * 3 / 2),
                          is_immediate ? kind + "-now" : kind);
  claim.meta = {.key = {"default", absl::StrCat("claim-", number, "-", index)}, .uid = NewUid()};
  if (stage_.Has("hand_pins") && random_.Chance(15)) claim.selected_node = AnyNode();
  return claim;
}

// With claims of its own; one that shares uses the first claim of the work, too.
void Users::AddPod(Work& work, int number, bool shares) {
  std::vector<Claim> claims;
  if (shares) claims.push_back(work.claims.front());
  int64_t count = stage_.plan.Has("many_claims") ? random_.Between(1, 3) : 1;
  if (shares) --count;
  for (int64_t i = 0; i < count; ++i) {
    const bool is_shared = work.claims.empty() && stage_.plan.Has("co_location");
    work.claims.push_back(NewClaim(number, static_cast<int64_t>(work.claims.size()),
                                   is_shared && random_.Chance(20)));
    claims.push_back(work.claims.back());
  }
  if (shares && random_.Chance(50)) std::reverse(claims.begin(), claims.end());
  Pod pod = MakePod(number, claims);
  if (!work.pods.empty()) pod.meta.key.name += absl::StrCat("-", work.pods.size());
  pod.meta.uid = NewUid();
  work.pods.push_back(std::move(pod));
}

void Users::AddMates(Work& work, int number) {
  const bool shares = stage_.plan.Has("co_location") && random_.Chance(25);
  work.is_group = stage_.plan.Has("pod_groups") && random_.Chance(25);
  const int64_t mates = shares || work.is_group ? random_.Between(1, 2) : 0;
  for (int64_t i = 0; i < mates; ++i) AddPod(work, number, shares);
}

void Users::CreateWork(int number) {
  Work work;
  AddPod(work, number, false);
  AddMates(work, number);
  const std::string scheduler = Scheduler::Name(static_cast<int>(random_.Below(schedulers_)));
  for (Pod& pod : work.pods) pod.scheduler_name = scheduler;
  Pod& pod = work.pods.front();
  if (stage_.Has("preset_nomination") && random_.Chance(30)) pod.nominated_node_name = AnyNode();
  if (stage_.Has("preset_nodes") && random_.Chance(10)) pod.node_name = AnyNode();
  if (stage_.Has("shared_claims") && random_.Chance(20)) ShareClaim(pod);
  Create(work);
}

void Users::ShareClaim(Pod& pod) {
  const auto& claims = stage_.kube.claims();
  if (claims.empty()) return;
  auto it = claims.begin();
  std::advance(it, random_.Below(static_cast<int64_t>(claims.size())));
  const std::string& name = it->second.meta.key.name;
  pod.volumes.push_back({.name = name, .claim_name = name});
}

void Users::Create(const Work& work) {
  if (work.is_group) stage_.groups.Add(work.pods);
  for (const Pod& pod : work.pods) {
    ++oracle_.tally().pods;
    stage_.Tell(absl::StrCat("pod ", pod.meta.key.name, " ", pod.meta.uid, " is created"));
  }
  const bool pod_first = random_.Chance(20);
  const auto create_pods = [&] {
    for (const Pod& pod : work.pods) stage_.kube.Create(pod);
  };
  if (pod_first) create_pods();
  for (const Claim& claim : work.claims) {
    stage_.kube.Create(claim);
    if (!claim.selected_node.empty()) oracle_.PinnedByHand(claim);
  }
  if (!pod_first) create_pods();
  if (!stage_.Has("deletes") || !random_.Chance(40)) return;
  const absl::Duration age = random_.Chance(50)
                                 ? random_.Between(absl::ZeroDuration(), absl::Seconds(1))
                                 : random_.Between(absl::ZeroDuration(), absl::Seconds(20));
  const bool creates_again = stage_.Has("recreates") && random_.Chance(50);
  stage_.agenda.After(age, [this, work, creates_again] { Delete(work, creates_again); });
}

// Claims that a running pod uses are protected; those of a pending one are not.
void Users::Delete(const Work& work, bool creates_again) {
  if (stage_.is_calm) return;
  for (const Pod& pod : work.pods) {
    stage_.Tell(absl::StrCat("pod ", pod.meta.key.name, " and its claims are deleted"));
    stage_.kube.DeletePod(pod.meta.uid);
  }
  for (const Claim& claim : work.claims) stage_.kube.DeleteClaim(claim.meta.uid);
  if (!creates_again) return;
  Work again = work;
  for (Pod& pod : again.pods) pod.meta.uid = NewUid();
  for (Claim& claim : again.claims) {
    claim.meta.uid = NewUid();
    claim.requested_bytes = random_.Between(claim_bytes_ / 2, claim_bytes_ * 3 / 2);
  }
  Create(again);
}

void Users::Expand() {
  for (const auto& [uid, claim] : stage_.kube.claims()) {
    const bool is_lvm = claim.storage_class_name->find("direct") == std::string::npos;
    if (claim.volume_name.empty() || !is_lvm || !random_.Chance(20)) continue;
    const int64_t told = std::max(claim.requested_bytes, claim.capacity_bytes);
    Resize(claim, told + random_.Between(kMiB, claim_bytes_ / 2));
    return;
  }
}

// Some think better of it at once, and ask for less, while what they asked for is under way.
void Users::Resize(const Claim& claim, int64_t bytes) {
  const std::string uid = claim.meta.uid;
  const std::string node = TrueNode(stage_.kube, claim);
  stage_.kube.ChangeClaim(uid, "", [bytes](Claim& changed) { changed.requested_bytes = bytes; });
  const Claim* changed = stage_.kube.FindClaim(uid);
  oracle_.Interfere(node, [uid, version = changed->meta.resource_version](const Ledger& ledger) {
    const Claim* known = ledger.cache().FindClaim(uid);
    return known != nullptr && std::stoll(known->meta.resource_version) >= std::stoll(version);
  });
  if (!random_.Chance(30)) return;
  stage_.agenda.After(random_.Between(absl::ZeroDuration(), absl::Seconds(1)), [this, uid, bytes] {
    stage_.kube.ChangeClaim(uid, "", [bytes](Claim& less) {
      const int64_t least = less.capacity_bytes + 1;
      if (less.requested_bytes == bytes && least < bytes) less.requested_bytes = least;
    });
  });
}

void Users::Unpin() {
  for (const auto& [uid, claim] : stage_.kube.claims()) {
    if (!claim.volume_name.empty() || claim.selected_node.empty() || !random_.Chance(30)) continue;
    stage_.kube.ChangeClaim(uid, "", [](Claim& changed) {
      changed.selected_node.clear();
      changed.is_pinned_by_us = false;
    });
    return;
  }
}

bool Users::MakeOn(const std::string& node, const Want& want) {
  Devices& devices = stage_.devices.at(node);
  const std::string& name = want.claim_uid;
  if (!devices.Create(want, name, Devices::Choice::kAny, stage_.agenda.now(), random_)) {
    return false;
  }
  volumes_.emplace_back(node, name);
  agents_.Touch(node);
  oracle_.Interfere(node, [node, at = stage_.agenda.now()](const Ledger& ledger) {
    const NodeState* known = ledger.nodes().Find(node);
    return known != nullptr && known->report != nullptr && known->report->observed_at >= at;
  });
  return true;
}

void Users::MakeVolume() {
  const std::string node = AnyNode();
  const std::string name = absl::StrCat("by-hand-", next_volume_++);
  MakeOn(node, {name, random_.Chance(50) ? PoolKind::kLvm : PoolKind::kDirect, claim_bytes_});
}

void Users::MakeStatic() {
  const std::string node = AnyNode();
  const bool is_direct = stage_.plan.Has("direct") && random_.Chance(50);
  const Want want{absl::StrCat("by-hand-", next_volume_++),
                  is_direct ? PoolKind::kDirect : PoolKind::kLvm,
                  random_.Between(claim_bytes_ / 2, claim_bytes_ * 2)};
  const bool is_immediate = stage_.plan.Has("immediate") && random_.Chance(30);
  if (MakeOn(node, want)) statics_.Make(node, want.claim_uid, want, is_immediate);
}

void Users::LoseVolume() {
  for (const auto& [uid, claim] : stage_.kube.claims()) {
    if (claim.volume_name.empty() || !random_.Chance(20)) continue;
    const std::string node = TrueNode(stage_.kube, claim);
    stage_.Tell(absl::StrCat("the volume of claim ", claim.meta.key.name, " is lost on ", node));
    stage_.devices.at(node).Delete(stage_.kube.FindVolume(claim.volume_name)->csi_volume_handle);
    return agents_.Touch(node);
  }
}

void Users::DropGroups() {
  std::vector<std::string> uids;
  for (const auto& [uid, pod] : stage_.kube.pods()) {
    if (pod.node_name.empty() && !stage_.groups.Of(uid).empty()) uids.push_back(uid);
  }
  for (const std::string& uid : uids) stage_.kube.DeletePod(uid);
}

void Users::CleanUp() {
  while (!stage_.kube.pods().empty()) stage_.kube.DeletePod(stage_.kube.pods().begin()->first);
  while (!stage_.kube.claims().empty()) {
    stage_.kube.DeleteClaim(stage_.kube.claims().begin()->first);
  }
  statics_.DeleteAll();
  for (const auto& [node, name] : volumes_) {
    stage_.devices.at(node).Delete(name);
    agents_.Touch(node);
  }
}

}  // namespace pmem::extender::simulator
