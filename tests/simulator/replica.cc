// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/replica.h"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "extender/ledger_service.h"
#include "extender/placement_controller.h"
#include "extender/ticker.h"

namespace pmem::extender::simulator {
namespace {

const LedgerServiceOptions kOptions;
constexpr absl::Duration kDriftPeriod = absl::Seconds(2);
constexpr int kDriftNodesPerLook = 50;
constexpr uint64_t kReplicaSalt = 100;

// In a world with many objects, only every n-th change is followed by a check of all invariants.
constexpr size_t kClaimsCheckedAlways = 20;
constexpr int64_t kChangesPerCheck = 8;

constexpr int kNodesMax = 1000;  // More than any world has.

}  // namespace

Replica::Replica(Stage& stage, Oracle& oracle, int number)
    : stage_(stage),
      oracle_(oracle),
      number_(number),
      random_(stage.plan.seed, kReplicaSalt + static_cast<uint64_t>(number)) {}

void Replica::Start() {
  ++process_;
  LedgerOptions options;
  if (stage_.plan.Has("pod_groups")) options.takeover_window += kGroupWaitMax;
  if (random_.Chance(30)) options.unseen_debts_max = random_.Between(0, 10);
  if (random_.Chance(10)) options.takeover_holds_max = random_.Between(0, 10);
  ledger_ = std::make_unique<Ledger>(options);
  offers_ = {};
  synced_at_ = absl::InfiniteFuture();
  list_round_ = 0;
  memory_ = {};
  heard_.clear();
  heard_pins_.clear();
  uses_.clear();
  placed_.clear();
  const uint64_t salt = kReplicaSalt + static_cast<uint64_t>(number_ + 10 * process_);
  for (size_t kind = 0; kind < kKinds; ++kind) {
    streams_.push_back(std::make_unique<Stream>(stage_, static_cast<Kind>(kind), salt,
                                                [this](const Event& event) { Receive(event); }));
  }
  Every(Ticker::kPeriod, [this] { Tick(); });
  Every(PlacementController::kPeriod, [this] { PlacementTick(); });
  Every(kDriftPeriod, [this] { DriftTick(); });
}

void Replica::Kill() {
  ++process_;
  streams_.clear();
  waiting_.clear();
  ledger_.reset();
  is_leading_ = is_deciding_ = false;
}

void Replica::Every(absl::Duration period, std::function<void()> what) {
  stage_.agenda.After(period, [this, period, process = process_, what] {
    if (process != process_) return;
    what();
    Every(period, what);
  });
}

void Replica::SetLeading(bool is_leading) {
  is_leading_ = is_leading;
  is_deciding_ = false;
  if (is_leading) {
    ledger_->AwaitLists(++list_round_);
    streams_[static_cast<size_t>(Kind::kClaims)]->Relist(list_round_);
    streams_[static_cast<size_t>(Kind::kPods)]->Relist(list_round_);
  }
  BeginWhenSynced();
  DecideWaiting();
}

void Replica::Stall(absl::Duration lasts) {
  for (const auto& stream : streams_) stream->Stall(lasts);
}

bool Replica::HasHeardOf(const std::string& claim_uid, const std::string& node,
                         absl::Time before) const {
  const auto it = heard_.find(claim_uid);
  return heard_pins_.contains({claim_uid, node}) || (it != heard_.end() && it->second < before);
}

void Replica::NoteHeard(const Claim& claim) {
  heard_.try_emplace(claim.meta.uid, stage_.agenda.now());
  if (!claim.selected_node.empty()) heard_pins_.insert({claim.meta.uid, claim.selected_node});
}

void Replica::NoteHeard(const Event& event) {
  if (const auto* seen = std::get_if<Seen<Claim>>(&event)) {
    NoteHeard(seen->object);
  } else if (const auto* list = std::get_if<Relisted<Claim>>(&event)) {
    for (const Claim& claim : list->objects) NoteHeard(claim);
  }
}

void Replica::Receive(const Event& event) {
  NoteHeard(event);
  ledger_->Apply(event, stage_.agenda.now());
  ++oracle_.tally().events;
  BeginWhenSynced();
  Check();
  DecideWaiting();
}

void Replica::Tick() {
  const int64_t before = ledger_->version();
  ledger_->Expire(stage_.agenda.now());
  BeginWhenSynced();
  if (ledger_->version() != before) {
    Check();
    DecideWaiting();
  }
  if (!waiting_.empty()) DecideWaiting();
}

// As thorough as in the program, and seldomer: it looks at every volume.
void Replica::DriftTick() {
  const int64_t before = ledger_->version();
  ledger_->LookForDrift(stage_.agenda.now(), kDriftNodesPerLook);
  if (ledger_->version() == before) return;
  Check();
  DecideWaiting();
}

void Replica::BeginWhenSynced() {
  if (is_deciding_ || !ledger_->Unsynced().empty()) return;
  const absl::Time now = stage_.agenda.now();
  synced_at_ = std::min(synced_at_, now);
  if (!is_leading_ || !ledger_->Awaited().empty()) return;
  const auto& nodes = ledger_->nodes().nodes();
  const bool have_reported = std::all_of(nodes.begin(), nodes.end(), [](const auto& entry) {
    return !entry.second->has_agent || entry.second->report != nullptr;
  });
  if (!have_reported && now < synced_at_ + kOptions.agents_wait_max) return;
  ledger_->BeginTakeover(now);
  is_deciding_ = true;
}

void Replica::Check() {
  ++changes_;
  if (ledger_->cache().claims().size() > kClaimsCheckedAlways && changes_ % kChangesPerCheck != 0) {
    return;
  }
  ledger_->Expire(stage_.agenda.now());
  ++oracle_.tally().checks;
  if (stage_.is_told) stage_.Tell(absl::StrCat("ledger ", number_, "\n", ledger_->Dump()));
  const absl::Status broken = ledger_->CheckInvariants(stage_.agenda.now());
  if (!broken.ok()) oracle_.Fail(absl::StrCat("invariant: ", broken.message()));
}

// kube-scheduler leaves nodes out by the capacity objects before it asks: one that says less than
// what we say yes to keeps a pod waiting for ever.
void Replica::CheckCapacities(const PodDemand& demand, const std::vector<std::string>& nodes) {
  WantedCapacities wanted;
  offers_.AddWanted(*ledger_, 0, kNodesMax, wanted);
  std::map<std::pair<std::string, std::string>, int64_t> volume_bytes_max;
  for (const auto& [name, one] : wanted) {
    volume_bytes_max[{one.node, one.storage_class}] = one.volume_bytes_max;
  }
  for (const std::string& node : nodes) {
    if (ledger_->cache().FindNode(node) == nullptr) continue;  // It goes, or comes.
    for (size_t i = 0; i < demand.items.size(); ++i) {
      const StorageClass* asked = ledger_->cache().FindClass(demand.item_classes[i]);
      if (asked == nullptr || !asked->is_wait_for_first_consumer) continue;
      if (volume_bytes_max[{node, demand.item_classes[i]}] >= demand.items[i].requested_bytes) {
        continue;
      }
      oracle_.Fail(absl::StrCat("capacity object: ", node, " has room for claim ",
                                demand.item_keys[i].name, " and says less"));
    }
  }
}

LiveObjects Replica::Complete(const Pod& pod) const {
  LiveObjects live;
  const PodDemand demand = ledger_->Demand(pod, &live);
  for (const ObjectKey& key : demand.missing_claims) {
    const Claim* claim = stage_.kube.FindClaim(key);
    if (claim == nullptr) {
      live.absent_claims.push_back(key);
    } else {
      live.claims.push_back(*claim);
    }
  }
  return live;
}

void Replica::Ask(const Pod& pod, std::vector<std::string> names, std::function<void(Reply)> done) {
  if (!IsUp()) return;
  Call call{.pod = pod,
            .live = Complete(pod),
            .names = std::move(names),
            .deadline = stage_.agenda.now() + kOptions.hold_wait_max,
            .done = std::move(done)};
  if (Decide(call)) return;
  const absl::Time deadline = call.deadline;
  waiting_.push_back(std::move(call));
  stage_.agenda.After(deadline - stage_.agenda.now(), [this, process = process_] {
    if (process == process_) DecideWaiting();
  });
}

bool Replica::Decide(Call& call) {
  const absl::Time now = stage_.agenda.now();
  ledger_->Expire(now);
  ledger_->Learn(call.live, now);
  const PodDemand demand = ledger_->Demand(call.pod, &call.live);
  Reply reply{.decision = oracle_.Decide(*ledger_)};
  if (!demand.IsKnown() || !demand.absent.empty()) {
    reply.error = "claims changed meanwhile";
  } else if (!demand.IsPmem()) {
    reply.nodes = call.names;
  } else if (!is_leading_ || !is_deciding_) {
    reply.error = "not deciding";
  } else {
    const std::vector<std::string_view> names(call.names.begin(), call.names.end());
    const FilterDecision decision = Filter(*ledger_, {}, call.pod, demand, names, now);
    if (decision.is_held && now < call.deadline) return false;
    ledger_->NoteRefused(call.pod, decision.node_ids.empty(), 0, now);
    ledger_->HoldOnIds(call.pod, demand, decision.node_ids, decision.static_volumes, now);
    for (size_t i = 0; i < names.size(); ++i) {
      if (decision.is_named[i]) reply.nodes.emplace_back(names[i]);
    }
    reply.is_pmem = true;
    if (decision.static_volumes.empty()) CheckCapacities(demand, reply.nodes);
    stage_.Tell(absl::StrCat("replica ", number_, " answers ", call.pod.meta.key.name, ": ",
                             absl::StrJoin(reply.nodes, ",")));
    Check();
  }
  call.done(std::move(reply));
  return true;
}

void Replica::DecideWaiting() {
  std::deque<Call> calls;
  calls.swap(waiting_);
  for (Call& call : calls) {
    if (!Decide(call)) waiting_.push_back(std::move(call));
  }
}

absl::Duration Replica::ApiDelay() {
  return random_.Between(absl::Milliseconds(1), absl::Milliseconds(random_.Chance(5) ? 300 : 20));
}

void Replica::PlacementTick() {
  if (!is_deciding_ || !is_leading_) return;
  const absl::Time now = stage_.agenda.now();
  // Always as old as they may get there at most.
  absl::erase_if(placed_, [now](const auto& entry) {
    return now - entry.second.read_at > PlacementController::kPodsAgeMax;
  });
  ledger_->Expire(now);
  const Decision decision = oracle_.Decide(*ledger_);
  const PinningPlan plan = PlanPins(*ledger_, {}, placed_, uses_, memory_, now);
  std::map<std::string, std::shared_ptr<Writes>> writes;
  for (const Pin& pin : plan.pins) {
    auto& of_pod = writes[pin.pod_uid];
    if (of_pod == nullptr) of_pod = std::make_shared<Writes>();
    ++of_pod->open;
  }
  for (const Pin& pin : plan.pins) Write(pin, decision, writes[pin.pod_uid]);
  for (const Unpin& unpin : plan.unpins) Write(unpin);
  if (!plan.lookups.empty()) Lookup(plan.lookups);
  for (const std::string& node : plan.node_lookups) {
    uses_[node] = {};  // All is free.
    memory_.NoteRead(PinMemory::NodeKey(node));
  }
  if (!plan.pins.empty()) Check();
}

void Replica::Lookup(const std::set<std::string>& kube_namespaces) {
  const absl::Time now = stage_.agenda.now();
  std::map<std::string, std::vector<Pod>> pods;
  for (const auto& [uid, pod] : stage_.kube.pods())
    pods[pod.meta.key.kube_namespace].push_back(pod);
  for (const std::string& kube_namespace : kube_namespaces) {
    placed_[kube_namespace] = KnownPodsOf(pods[kube_namespace], now);
    memory_.NoteRead(PinMemory::PodsKey(kube_namespace));
  }
}

// The write is on its way whatever becomes of the process.
void Replica::Write(const Pin& pin, const Decision& decision, std::shared_ptr<Writes> writes) {
  stage_.agenda.After(ApiDelay(), [this, pin, decision, writes, process = process_] {
    const bool is_written = WriteNow(pin, decision);
    if (process != process_) return;
    memory_.NoteWrite(pin.claim, pin.node,
                      is_written ? PinMemory::Written::kYes : PinMemory::Written::kNo,
                      stage_.agenda.now());
    writes->is_any_done |= is_written;
    const absl::Time now = stage_.agenda.now();
    if (!is_written) ledger_->EndHold(ClaimOwner(pin.claim.meta.uid), now);
    if (--writes->open == 0 && !writes->is_any_done) ledger_->EndHold(pin.pod_uid, now);
  });
}

bool Replica::WriteNow(const Pin& pin, const Decision& decision) {
  const std::string& uid = pin.claim.meta.uid;
  const bool is_written =
      stage_.kube.ChangeClaim(uid, pin.claim.meta.resource_version, [&pin](Claim& changed) {
        changed.selected_node = pin.node;
        changed.is_pinned_by_us = true;
      });
  if (is_written) oracle_.Accepted(*stage_.kube.FindClaim(uid), decision);
  return is_written;
}

void Replica::Write(const Unpin& unpin) {
  memory_.NoteWrite(unpin.claim, "", PinMemory::Written::kYes, stage_.agenda.now());
  stage_.agenda.After(ApiDelay(), [this, unpin] {
    const Claim* claim = stage_.kube.FindClaim(unpin.claim.meta.uid);
    if (claim == nullptr || claim->selected_node != unpin.node || !claim->volume_name.empty()) {
      return;
    }
    stage_.kube.ChangeClaim(claim->meta.uid, "", [](Claim& changed) {
      changed.selected_node.clear();
      changed.is_pinned_by_us = false;
    });
  });
}

}  // namespace pmem::extender::simulator
