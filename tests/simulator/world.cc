// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/support/builders.h"

namespace pmem::extender::simulator {
namespace {

constexpr uint64_t kWorldSalt = 5;
constexpr absl::Duration kFaultPeriod = absl::Seconds(4);
// Once nothing goes wrong any more, everything must have found its end by then: longer than a
// hold's TTL, a debt, and a dozen attempts at the longest backoff.
constexpr absl::Duration kSettles = absl::Seconds(150);
constexpr absl::Duration kGroupsTry = absl::Seconds(60);

}  // namespace

World::World(const Plan& plan, bool is_told)
    : stage_{.plan = plan, .is_told = is_told},
      oracle_(stage_),
      random_(plan.seed, kWorldSalt),
      statics_(stage_, oracle_),
      agents_(stage_, replicas_),
      refusals_(stage_, oracle_, [this] { return Leader(); }) {
  BuildClasses();
  const int replicas = plan.Has("failovers") ? 2 : 1;
  for (int i = 0; i < replicas; ++i) {
    replicas_.push_back(std::make_unique<Replica>(stage_, oracle_, i));
  }
  provisioner_ = std::make_unique<Provisioner>(stage_, oracle_, agents_, statics_);
  cluster_ = std::make_unique<Cluster>(stage_, agents_, *provisioner_);
  for (int i = 1; i <= plan.nodes; ++i) cluster_->Build(i);
  const int schedulers = plan.Has("two_schedulers") ? static_cast<int>(random_.Between(2, 3)) : 1;
  for (int i = 0; i < schedulers; ++i) {
    schedulers_.push_back(std::make_unique<Scheduler>(
        stage_, oracle_, refusals_, [this] { return Leader(); }, statics_, i));
  }
  users_ = std::make_unique<Users>(stage_, oracle_, agents_, statics_, schedulers);
}

void World::BuildClasses() {
  for (const char* kind : {"lvm", "direct"}) {
    StorageClass waiting = MakeClass(absl::StrCat("pmem-", kind));
    StorageClass immediate = MakeClass(absl::StrCat("pmem-", kind, "-now"), false);
    waiting.parameters["pmemType"] = immediate.parameters["pmemType"] = kind;
    stage_.kube.Create(waiting);
    stage_.kube.Create(immediate);
  }
}

Replica* World::Leader() {
  for (const auto& replica : replicas_) {
    if (replica->IsUp() && replica->IsLeading()) return replica.get();
  }
  return nullptr;
}

void World::StartReplica(Replica& replica) {
  replica.Start();
  agents_.Connect(replica);
}

// A leader knows nothing of a volume for a claim that its process was told of only after the volume
// had its room, and then without this pin, until it is told of the PersistentVolume or of a
// report of later: no object and no report tells of it before. The one fault of ours that is
// excused.
void World::Lead(Replica& replica) {
  for (const auto& [node, devices] : stage_.devices) {
    for (const Oracle::Creation& creation : oracle_.Orphans(node)) {
      const std::string& uid = creation.want.claim_uid;
      if (replica.HasHeardOf(uid, node, creation.since)) continue;
      oracle_.Interfere(node, [node = node, uid, known = creation.since](const Ledger& ledger) {
        if (ledger.cache().FindVolume("pvc-" + uid) != nullptr) return true;
        const NodeState* state = ledger.nodes().Find(node);
        return state != nullptr && state->report != nullptr && state->report->observed_at >= known;
      });
    }
  }
  replica.SetLeading(true);
}

// That one leads if it is up, else any other.
void World::Appoint(size_t preferred) {
  for (size_t i = 0; i < replicas_.size() && Leader() == nullptr; ++i) {
    Replica& replica = *replicas_[(preferred + i) % replicas_.size()];
    if (replica.IsUp()) Lead(replica);
  }
}

void World::KillOne() {
  Replica& replica =
      *replicas_[static_cast<size_t>(random_.Below(static_cast<int64_t>(replicas_.size())))];
  if (!replica.IsUp()) return;
  if (stage_.Has("slow_expansions")) users_->Expand();
  replica.Kill();
  stage_.agenda.After(random_.Between(absl::Milliseconds(100), absl::Seconds(2)), [this, &replica] {
    StartReplica(replica);
    Appoint(0);
  });
}

void World::ChangeLeader() {
  if (stage_.Has("slow_expansions")) users_->Expand();
  Replica* old = Leader();
  const size_t next = old == replicas_[0].get() ? 1 : 0;
  if (stage_.Has("blind_takeovers") && replicas_[next]->IsUp()) {
    const absl::Duration stall = random_.Between(absl::ZeroDuration(), kWatchDelayMax);
    replicas_[next]->Stall(stall);
    return stage_.agenda.After(stall, [this, next] { HandOver(next); });
  }
  HandOver(next);
}

void World::HandOver(size_t next) {
  Replica* old = Leader();
  if (old != nullptr) old->SetLeading(false);
  const auto most = stage_.Has("blind_takeovers") ? absl::Milliseconds(100) : absl::Seconds(2);
  stage_.agenda.After(random_.Between(absl::ZeroDuration(), most), [this, next] { Appoint(next); });
}

void World::Faults(absl::Time end) {
  if (stage_.agenda.now() >= end) return;
  const std::string node = absl::StrCat("n", random_.Between(1, stage_.plan.nodes));
  if (stage_.Has("restarts") && random_.Chance(20)) KillOne();
  if (stage_.Has("reboots") && random_.Chance(20) && !agents_.IsDown(node)) agents_.Reboot(node);
  if (stage_.Has("silent_agents") && random_.Chance(15)) {
    agents_.SetDown(node, true);
    stage_.agenda.After(random_.Between(absl::Seconds(1), absl::Seconds(60)),
                        [this, node] { agents_.SetDown(node, false); });
  }
  if (stage_.Has("failovers") && random_.Chance(30)) ChangeLeader();
  if (stage_.Has("lost_nodes") && random_.Chance(15)) cluster_->LoseAny();
  if (stage_.Has("lost_agents") && random_.Chance(20)) cluster_->LoseAnyAgent();
  if (stage_.Has("new_nodes") && random_.Chance(10)) cluster_->Join();
  stage_.agenda.After(random_.Between(absl::Milliseconds(200), kFaultPeriod),
                      [this, end] { Faults(end); });
}

void World::CalmDown() {
  stage_.is_calm = true;
  for (const auto& [node, devices] : stage_.devices) agents_.SetDown(node, false);
  stage_.agenda.After(absl::Seconds(5), [this] {
    for (size_t i = 0; i < replicas_.size(); ++i) {
      if (!replicas_[i]->IsUp()) StartReplica(*replicas_[i]);
      Appoint(i);
    }
  });
  stage_.agenda.After(kGroupsTry, [this] { users_->DropGroups(); });
  stage_.agenda.RunUntil(stage_.agenda.now() + kSettles);
}

std::string World::Run() {
  agents_.Start();
  for (const auto& replica : replicas_) StartReplica(*replica);
  Appoint(0);
  const absl::Duration chaos = random_.Between(absl::Seconds(5), absl::Seconds(60));
  users_->Start(chaos);
  const absl::Time end = stage_.agenda.now() + chaos;
  Faults(end);
  stage_.agenda.RunUntil(end);
  CalmDown();
  if (oracle_.failure().empty()) JudgePlacements();
  stage_.is_over = true;
  users_->CleanUp();
  stage_.agenda.RunUntil(stage_.agenda.now() + kSettles);
  for (const auto& replica : replicas_) {
    if (oracle_.failure().empty()) JudgeLeaks(*replica);
  }
  oracle_.tally().steps = stage_.agenda.steps();
  ++oracle_.tally().worlds;
  return oracle_.failure();
}

void World::JudgePlacements() {
  for (const auto& [uid, pod] : stage_.kube.pods()) JudgePending(pod);
}

void World::JudgePending(const Pod& pod) {
  // A claim that two pods use waits until both can run there, when it is ours to place.
  const bool is_ours =
      !pod.node_name.empty() || stage_.plan.Has("immediate") || stage_.plan.Has("co_location");
  const std::vector<const Pod*> pods =
      is_ours ? oracle_.CrowdOf(pod) : std::vector<const Pod*>{&pod};
  for (const auto& [name, node] : stage_.kube.nodes()) {
    if (!pod.node_name.empty() && pod.node_name != name) continue;
    const bool is_bound =
        std::all_of(pod.volumes.begin(), pod.volumes.end(), [this, &pod](const PodVolume& volume) {
          const Claim* claim =
              stage_.kube.FindClaim({pod.meta.key.kube_namespace, volume.claim_name});
          return claim != nullptr && !claim->volume_name.empty();
        });
    if (is_bound && !pod.node_name.empty()) return;
    if (!oracle_.FitAll(pods, name).value_or(false)) continue;
    ++oracle_.tally().stranded;
    return oracle_.Fail(
        absl::StrCat("pod ", pod.meta.key.name, " fits on ", name, " and was not placed"));
  }
}

void World::JudgeLeaks(const Replica& replica) {
  const Ledger& ledger = replica.ledger();
  bool is_clean = ledger.holds().IsEmpty() && ledger.places().places().empty() &&
                  ledger.open_claims().empty() && ledger.cache().volumes().empty();
  for (const auto& [name, node] : ledger.nodes().nodes()) {
    is_clean = is_clean && node->assigned.empty() && node->reserved.empty() &&
               node->debts.empty() && node->expansions.empty();
    if (!agents_.IsListed(name)) continue;
    is_clean = is_clean && node->report != nullptr &&
               node->report->pools == stage_.devices.at(name).Pools() &&
               !stage_.devices.at(name).HasVolumes();
  }
  if (is_clean) return;
  ++oracle_.tally().leaks;
  oracle_.Fail(absl::StrCat("left over in the empty world: ", ledger.Dump()));
}

}  // namespace pmem::extender::simulator
