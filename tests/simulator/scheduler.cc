// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/scheduler.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

namespace pmem::extender::simulator {
namespace {

constexpr uint64_t kSchedulerSalt = 50;
constexpr absl::Duration kIdle = absl::Milliseconds(20);
constexpr absl::Duration kHttpTimeout = absl::Seconds(5);
constexpr absl::Duration kPreBindPoll = absl::Seconds(1);
constexpr absl::Duration kBackoffs[] = {absl::Seconds(1), absl::Seconds(2), absl::Seconds(4),
                                        absl::Seconds(8), absl::Seconds(10)};

}  // namespace

std::string Scheduler::Name(int number) { return absl::StrCat("scheduler-", number); }

Scheduler::Scheduler(Stage& stage, Oracle& oracle, Refusals& refusals,
                     std::function<Replica*()> leader, StaticVolumes& statics, int number)
    : stage_(stage),
      oracle_(oracle),
      refusals_(refusals),
      statics_(statics),
      leader_(std::move(leader)),
      name_(Name(number)),
      random_(stage.plan.seed, kSchedulerSalt + static_cast<uint64_t>(number)) {
  handle_ = stage_.kube.Listen(Kind::kPods, [this](const Event& event) { Hear(event); });
  Loop();
}

Scheduler::~Scheduler() { stage_.kube.StopListening(Kind::kPods, handle_); }

void Scheduler::Hear(const Event& event) {
  if (const auto* seen = std::get_if<Seen<Pod>>(&event)) {
    const Pod& pod = seen->object;
    if (pod.scheduler_name == name_) queue_.try_emplace(pod.meta.uid, Queued{stage_.agenda.now()});
  } else if (const auto* gone = std::get_if<Gone<Pod>>(&event)) {
    const std::string uid = gone->last.meta.uid;
    queue_.erase(uid);
    refusals_.Ended(uid);
    const auto waiting = permits_.find(uid);  // Rejected at once: what it assumed is free again.
    if (waiting != permits_.end()) GiveUp(std::exchange(waiting->second, nullptr));
    permits_.erase(uid);
  }
}

void Scheduler::Loop() {
  if (!is_in_cycle_) {
    const absl::Time now = stage_.agenda.now();
    auto first = queue_.end();
    for (auto it = queue_.begin(); it != queue_.end(); ++it) {
      if (it->second.is_busy || it->second.next > now) continue;
      if (first == queue_.end() || it->second.next < first->second.next) first = it;
    }
    if (first != queue_.end()) Begin(first->first);
  }
  stage_.agenda.After(kIdle, [this] { Loop(); });
}

void Scheduler::Begin(const std::string& uid) {
  queue_[uid].is_busy = true;
  refusals_.SetUnderWay(uid, true);
  is_in_cycle_ = true;
  const auto attempt = std::make_shared<Attempt>();
  attempt->pod = *stage_.kube.FindPod(uid);
  if (stage_.Has("abandoned") && random_.Chance(15)) {
    attempt->ends_after = static_cast<int>(random_.Below(3));
  }
  if (!Prepare(*attempt)) {
    EndCycle();
    return GiveUp(attempt);
  }
  const std::string& nominated = attempt->pod.nominated_node_name;
  const auto& names = attempt->names;
  const bool has_nominated = std::count(names.begin(), names.end(), nominated) > 0;
  AskFor(attempt, has_nominated ? std::vector<std::string>{nominated} : names, has_nominated);
}

// PreFilter and the in-tree filters.
bool Scheduler::Prepare(Attempt& attempt) {
  const Pod& pod = attempt.pod;
  for (const PodVolume& volume : pod.volumes) {
    const Claim* claim = stage_.kube.FindClaim({pod.meta.key.kube_namespace, volume.claim_name});
    if (claim != nullptr && !claim->volume_name.empty()) continue;
    if (claim == nullptr ||
        !stage_.kube.FindClass(*claim->storage_class_name)->is_wait_for_first_consumer) {
      refusals_.Ended(pod.meta.uid);  // It waits for something else than us.
      return false;
    }
    attempt.claims.push_back(*claim);
  }
  for (const std::string& name : oracle_.NodesLeft(pod)) {
    if (stage_.Has("samples") && random_.Chance(30)) continue;
    attempt.names.push_back(name);
  }
  Match(attempt);
  return !attempt.names.empty();
}

void Scheduler::Match(Attempt& attempt) const {
  std::vector<Claim> open;
  for (const Claim& claim : attempt.claims) {
    if (claim.selected_node.empty()) open.push_back(claim);
  }
  std::set<std::string> assumed;
  for (const auto& [uid, volumes] : assumed_) assumed.insert(volumes.begin(), volumes.end());
  for (const std::string& name : attempt.names) {
    attempt.matches[name] = statics_.Match(open, name, assumed);
  }
}

void Scheduler::AskFor(const AttemptPtr& attempt, std::vector<std::string> names,
                       bool is_nominated) {
  const auto is_over = std::make_shared<bool>(false);
  const auto answer = [this, attempt, is_nominated, is_over](Reply reply) {
    stage_.agenda.After(random_.Between(absl::ZeroDuration(), absl::Milliseconds(3)),
                        [this, attempt, is_nominated, is_over, reply = std::move(reply)] {
                          if (std::exchange(*is_over, true)) return;
                          Answered(attempt, reply, is_nominated);
                        });
  };
  stage_.agenda.After(kHttpTimeout, [this, attempt, is_over] {
    if (std::exchange(*is_over, true)) return;
    EndCycle();
    GiveUp(attempt);
  });
  stage_.agenda.After(random_.Between(absl::ZeroDuration(), absl::Milliseconds(3)),
                      [this, attempt, names = std::move(names), answer] {
                        Replica* leader = leader_();
                        if (leader == nullptr) return answer({.error = "no endpoint"});
                        leader->Ask(attempt->pod, names, answer);
                      });
}

void Scheduler::Answered(const AttemptPtr& attempt, const Reply& reply, bool is_nominated) {
  const bool is_refused = reply.error.empty() && reply.nodes.empty();
  if (is_nominated && (is_refused || !reply.error.empty())) {
    return AskFor(attempt, attempt->names, false);
  }
  if (reply.error.empty()) refusals_.Answered(attempt->pod, is_refused, attempt->names);
  EndCycle();
  if (reply.nodes.empty() || attempt->ends_after == 0) {
    GiveUpGroup(attempt->pod.meta.uid);
    return GiveUp(attempt);
  }
  attempt->node = random_.Pick(reply.nodes);
  attempt->decision = reply.decision;
  std::set<std::string>& assumed = assumed_[attempt->pod.meta.uid];
  for (const auto& [uid, volume] : attempt->matches[attempt->node]) {
    assumed.insert(volume.meta.key.name);
  }
  Permit(attempt);
}

void Scheduler::Permit(const AttemptPtr& attempt) {
  const std::string uid = attempt->pod.meta.uid;
  const std::set<std::string> group = stage_.groups.Of(uid);
  if (group.empty()) return Nominate(attempt);
  permits_[uid] = attempt;
  const bool is_complete = std::all_of(group.begin(), group.end(), [this](const std::string& one) {
    const Pod* pod = stage_.kube.FindPod(one);
    return pod == nullptr || !pod->node_name.empty() || permits_.contains(one);
  });
  if (is_complete) return AdmitGroup(group);
  stage_.agenda.After(kGroupWaitMax, [this, uid, attempt] {
    const auto it = permits_.find(uid);
    if (it != permits_.end() && it->second == attempt) GiveUpGroup(uid);
  });
}

std::vector<Scheduler::AttemptPtr> Scheduler::TakeWaiting(const std::set<std::string>& group) {
  std::vector<AttemptPtr> attempts;
  for (const std::string& uid : group) {
    const auto it = permits_.find(uid);
    if (it == permits_.end()) continue;
    attempts.push_back(it->second);
    permits_.erase(it);
  }
  return attempts;
}

void Scheduler::AdmitGroup(const std::set<std::string>& group) {
  const bool is_abandoned = stage_.Has("abandoned") && random_.Chance(20);
  for (const AttemptPtr& attempt : TakeWaiting(group)) {
    if (is_abandoned) {
      GiveUp(attempt);
    } else {
      Nominate(attempt);
    }
  }
}

// One member's attempt has failed: all those that wait for it fail with it.
void Scheduler::GiveUpGroup(const std::string& pod_uid) {
  for (const AttemptPtr& attempt : TakeWaiting(stage_.groups.Of(pod_uid))) GiveUp(attempt);
}

void Scheduler::Nominate(const AttemptPtr& attempt) {
  if (stage_.plan.Has("no_nomination") || attempt->claims.empty()) return WriteNext(attempt);
  stage_.agenda.After(ApiDelay(), [this, attempt] {
    stage_.kube.ChangePod(attempt->pod.meta.uid,
                          [&](Pod& pod) { pod.nominated_node_name = attempt->node; });
    if (attempt->ends_after == 1) return GiveUp(attempt);
    WriteNext(attempt);
  });
}

absl::Duration Scheduler::ApiDelay() {
  const bool is_slow = !stage_.is_calm && random_.Chance(3);
  return random_.Between(absl::Milliseconds(1), absl::Milliseconds(is_slow ? 400 : 15));
}

void Scheduler::WriteNext(const AttemptPtr& attempt) {
  if (attempt->written == attempt->claims.size()) return WaitForVolumes(attempt);
  stage_.agenda.After(ApiDelay(), [this, attempt] {
    const Claim& seen = attempt->claims[attempt->written];
    if (stage_.kube.FindPod(attempt->pod.meta.uid) == nullptr) return GiveUp(attempt);
    if (stage_.Has("conflicts") && random_.Chance(5)) return GiveUp(attempt);
    if (!Write(*attempt, seen)) return GiveUp(attempt);
    ++attempt->written;
    if (attempt->ends_after == 2) return GiveUp(attempt);
    WriteNext(attempt);
  });
}

bool Scheduler::Write(const Attempt& attempt, const Claim& seen) {
  const StaticVolumes::Matches& matches = attempt.matches.at(attempt.node);
  const auto match = matches.find(seen.meta.uid);
  if (match != matches.end()) return statics_.Take(match->second, seen);
  if (!seen.selected_node.empty()) return true;
  const bool is_written =
      stage_.kube.ChangeClaim(seen.meta.uid, seen.meta.resource_version, [&](Claim& claim) {
        claim.selected_node = attempt.node;
        claim.is_pinned_by_scheduler = true;
      });
  if (is_written) oracle_.Accepted(*stage_.kube.FindClaim(seen.meta.uid), attempt.decision);
  return is_written;
}

Scheduler::Volumes Scheduler::Look(const Attempt& attempt) const {
  if (!stage_.kube.nodes().contains(attempt.node)) return Volumes::kFailed;
  Volumes volumes = Volumes::kBound;
  for (const PodVolume& volume : attempt.pod.volumes) {
    const Claim* claim =
        stage_.kube.FindClaim({attempt.pod.meta.key.kube_namespace, volume.claim_name});
    if (claim == nullptr) return Volumes::kFailed;
    const bool is_static = attempt.matches.at(attempt.node).contains(claim->meta.uid);
    const std::string node = TrueNode(stage_.kube, *claim);
    if (node != attempt.node && !(is_static && node.empty())) return Volumes::kFailed;
    if (claim->volume_name.empty()) volumes = Volumes::kWaiting;
  }
  return volumes;
}

void Scheduler::WaitForVolumes(const AttemptPtr& attempt) {
  if (stage_.kube.FindPod(attempt->pod.meta.uid) == nullptr) return GiveUp(attempt);
  switch (Look(*attempt)) {
    case Volumes::kFailed:
      return GiveUp(attempt);
    case Volumes::kWaiting:
      return stage_.agenda.After(kPreBindPoll, [this, attempt] { WaitForVolumes(attempt); });
    case Volumes::kBound:
      break;
  }
  stage_.agenda.After(ApiDelay(), [this, attempt] {
    const bool is_bound = stage_.kube.ChangePod(attempt->pod.meta.uid, [&](Pod& pod) {
      pod.node_name = attempt->node;
      pod.nominated_node_name.clear();
    });
    assumed_.erase(attempt->pod.meta.uid);
    if (is_bound) ++oracle_.tally().placed;
  });
}

// The nomination is taken back, selected-node is not; the pod is tried again later.
void Scheduler::GiveUp(const AttemptPtr& attempt) {
  const std::string& uid = attempt->pod.meta.uid;
  assumed_.erase(uid);
  refusals_.SetUnderWay(uid, false);
  const auto it = queue_.find(uid);
  if (it == queue_.end()) return;
  const int count = std::min<int>(it->second.attempts++, std::size(kBackoffs) - 1);
  it->second.next = stage_.agenda.now() + kBackoffs[count];
  it->second.is_busy = false;
  if (attempt->node.empty()) return;
  stage_.agenda.After(ApiDelay(), [this, uid, node = attempt->node] {
    const Pod* pod = stage_.kube.FindPod(uid);
    if (pod == nullptr || pod->nominated_node_name != node) return;
    stage_.kube.ChangePod(uid, [](Pod& changed) { changed.nominated_node_name.clear(); });
  });
}

void Scheduler::EndCycle() { is_in_cycle_ = false; }

}  // namespace pmem::extender::simulator
