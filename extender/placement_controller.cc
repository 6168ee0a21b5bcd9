// SPDX-License-Identifier: Apache-2.0
#include "extender/placement_controller.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "common/io/log.h"
#include "extender/core/class_health.h"
#include "extender/core/volume_health.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "placement";

using Written = PinMemory::Written;

// A write whose answer was lost may have been done: then its hold stays until the event, or its
// TTL.
Written WrittenBy(const absl::Status& status) {
  if (status.ok()) return Written::kYes;
  const bool may_be = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
                      absl::IsUnknown(status) || absl::IsInternal(status);
  return may_be ? Written::kMaybe : Written::kNo;
}

}  // namespace

PlacementController::PlacementController(PinningOptions options, LedgerService* service,
                                         PlacementApi* api, const Clock* clock, Metrics* metrics)
    : options_(options),
      service_(service),
      api_(api),
      clock_(clock),
      pin_times_(PinTimesOf(service->options().ledger, options.lead_gap)),
      pins_written_(metrics->AddCounter("pins_written_total", "selected-node written by us.")),
      pins_lost_(metrics->AddCounter("pins_lost_total", "Pins that were refused.")),
      unpins_written_(
          metrics->AddCounter("unpins_written_total", "selected-node taken away by us.")),
      wake_ups_(
          metrics->AddCounter("scheduler_wake_ups_total",
                              "Times that kube-scheduler was made to try refused pods again.")),
      health_searches_({{{&FindTroubledVolumes, ""},
                         {&FindUnknownKinds, ""},
                         {&FindUnmetGrowth, ""},
                         {&FindMissingVolumes, ""}}}),
      task_(
          "placement", [this] { return Tick(); }, kPeriod) {}

absl::Duration PlacementController::Tick() {
  if (!service_->MayWrite()) {
    ForgetAllPods();
    return kRestPause;
  }
  if (pauses_ != service_->GetPauses()) ForgetAllPods();
  placed_.BeginPlan(clock_->SteadyNow());
  uses_.BeginPlan(clock_->SteadyNow());
  PinningPlan plan = Plan();
  WriteAll(plan.pins);
  TakeAway(plan);
  for (const Notice& notice : plan.notices) api_->Tell(notice);
  TellOfTrouble();
  WakeScheduler();
  bool has_read = LookUp(placed_.Due(plan.lookups, kLookupsMax, clock_->SteadyNow()),
                         &PlacementController::ReadPods);
  has_read |= LookUp(uses_.Due(plan.node_lookups, kLookupsMax, clock_->SteadyNow()),
                     &PlacementController::ReadUse);
  if (has_read || !plan.is_round_over) return absl::ZeroDuration();
  return HasAnythingToWaitFor() ? kPeriod : kRestPause;
}

// Claims without a volume wait for their pods, for answers, for a pause to be over; refused pods
// for agents that come back, or to be woken again. The other work comes with news, or every
// kHealthPeriod.
bool PlacementController::HasAnythingToWaitFor() const {
  return !woken_.empty() || service_->Read([](const Ledger& ledger, absl::Time) {
    return !ledger.open_claims().empty() || ledger.refused_count() > 0;
  });
}

PinningPlan PlacementController::Plan() {
  PinningPlan all;
  for (int i = 0; i < kPlansMax && !all.is_round_over; ++i) {
    PinningPlan plan = service_->Write([this](Ledger& ledger, absl::Time now) {
      ledger.Expire(now);
      return PlanPins(ledger, options_, placed_.values(), uses_.values(), memory_, now);
    });
    std::move(plan.pins.begin(), plan.pins.end(), std::back_inserter(all.pins));
    std::move(plan.unpins.begin(), plan.unpins.end(), std::back_inserter(all.unpins));
    std::move(plan.notices.begin(), plan.notices.end(), std::back_inserter(all.notices));
    all.lookups.merge(plan.lookups);
    all.node_lookups.merge(plan.node_lookups);
    all.is_round_over = plan.is_round_over;
  }
  return all;
}

void PlacementController::TellOfTrouble() {
  const absl::Time now = clock_->SteadyNow();
  if (now < health_at_) return;
  health_at_ = now + kHealthPeriod;
  for (HealthSearch& search : health_searches_) {
    FoundNotices found = service_->Read([&search](const Ledger& ledger, absl::Time) {
      return search.find(ledger, search.after, kTroubledMax);
    });
    search.after = std::move(found.last);
    for (const Notice& notice : found.notices) api_->Tell(notice);
  }
}

// One after the other, as far as the time of a round goes. After a change, which may have made room
// for any, all of them from the first.
void PlacementController::LookAtRefused() {
  const absl::Time begin = clock_->SteadyNow();
  service_->Write([&](Ledger& ledger, absl::Time now) {
    ledger.Expire(now);
    if (ledger.version() == refused_version_ && begin < refused_look_at_) return;
    refused_version_ = ledger.version();
    refused_look_at_ = begin + kRefusedLookPause;
    refused_left_ = ledger.refused_count();
  });
  while (refused_left_ > 0 && clock_->SteadyNow() - begin < kRefusedLookMax) {
    --refused_left_;
    const auto pod = service_->Write(
        [](Ledger& ledger, absl::Time now) { return ledger.LookAtNextRefused(now); });
    if (pod) NoteFit(pod->uid, pod->fits);
  }
}

void PlacementController::NoteFit(const std::string& pod_uid, bool fits) {
  if (!fits) {
    woken_.erase(pod_uid);
  } else if (!woken_.contains(pod_uid)) {
    woken_[pod_uid] = {clock_->SteadyNow() + kWakeDelay, kWakePauseMin};
  }
}

// Those that were placed, or are gone.
void PlacementController::ForgetWoken() {
  service_->Read([this](const Ledger& ledger, absl::Time) {
    absl::erase_if(woken_, [&](const auto& entry) { return !ledger.IsRefused(entry.first); });
  });
}

// First the ledger has the room, then the scheduler is told: a retry that comes earlier would only
// be refused again.
void PlacementController::WakeScheduler() {
  LookAtRefused();
  ForgetWoken();
  const absl::Time now = clock_->SteadyNow();
  bool is_due = false;
  for (auto& [uid, wake] : woken_) {
    if (now < wake.next) continue;
    is_due = true;
    wake = {now + wake.pause, std::min(wake.pause * 2, kWakePauseMax)};
  }
  if (!is_due || !service_->MayWrite()) return;
  const absl::Status status = api_->WakeScheduler(absl::ToUnixMillis(clock_->WallNow()));
  if (status.ok()) return wake_ups_.Increment();
  LogWarning(kComponent, "cannot wake the scheduler up", {{"error", status}});
}

// Older than they seem: after a pause, or from before we led.
void PlacementController::ForgetAllPods() {
  pauses_ = service_->GetPauses();
  placed_.Clear();
  uses_.Clear();
}

bool PlacementController::LookUp(const std::vector<std::string>& due,
                                 bool (PlacementController::*read)(const std::string& name)) {
  const absl::Time end = clock_->SteadyNow() + kLookupTimeMax;
  bool has_read = false;
  for (const std::string& name : due) {
    // A program that ends has no time for more either.
    if (!service_->MayWrite() || clock_->SteadyNow() >= end) break;
    has_read |= (this->*read)(name);
  }
  return has_read;
}

bool PlacementController::ReadUse(const std::string& node) {
  const absl::Time asked_at = clock_->SteadyNow();
  const absl::StatusOr<std::vector<Pod>> pods = api_->ListPodsOn(node);
  if (!pods.ok()) {
    LogWarning(kComponent, "cannot read the pods of a node; its cpu and memory count as free",
               {{"node", node}, {"error", pods.status()}});
  }
  const NodeUse use = pods.ok() ? UseOf(*pods) : NodeUse();
  uses_.Put(node, {.use = use, .read_at = asked_at}, asked_at, use);
  memory_.NoteRead(PinMemory::NodeKey(node));
  return true;
}

// Unknown is not "no pods": what could not be read keeps its claims waiting.
bool PlacementController::ReadPods(const std::string& kube_namespace) {
  const absl::Time asked_at = clock_->SteadyNow();
  const absl::StatusOr<std::vector<Pod>> pods = api_->ListPods(kube_namespace);
  if (!pods.ok()) {
    LogWarning(kComponent, "cannot read pods; claims that they may use wait",
               {{"kube_namespace", kube_namespace}, {"error", pods.status()}});
    placed_.NoteFailure(kube_namespace, asked_at, clock_->SteadyNow());
    return false;
  }
  placed_.Put(kube_namespace, KnownPodsOf(*pods, asked_at), asked_at);
  memory_.NoteRead(PinMemory::PodsKey(kube_namespace));
  return true;
}

// The hold of a pod stands for several claims: it is given up when none of them was written.
void PlacementController::WriteAll(const std::vector<Pin>& pins) {
  std::map<std::string, bool> pods;  // Something was, or may have been, written for it.
  for (const Pin& pin : pins) {
    const bool is_written = WritePin(pin);
    if (!is_written) EndHold(ClaimOwner(pin.claim.meta.uid));
    if (!pin.pod_uid.empty()) pods[pin.pod_uid] |= is_written;
  }
  for (const auto& [uid, is_written] : pods) {
    if (!is_written) EndHold(uid);
  }
}

void PlacementController::EndHold(const std::string& owner) {
  service_->Write([&owner](Ledger& ledger, absl::Time now) { ledger.EndHold(owner, now); });
}

// Asked before each write, as those before it may have taken long: whether we still lead, and
// whether the hold will stand until the write is heard of.
bool PlacementController::MayBeginToWrite(const Pin& pin) const {
  return service_->MayWrite() && service_->Read([&](const Ledger& ledger, absl::Time now) {
    return ledger.MayStillPin(pin.claim.meta.uid, pin.node, now + pin_times_.standing);
  });
}

bool PlacementController::WritePin(const Pin& pin) {
  if (!MayBeginToWrite(pin)) return false;
  const absl::Status status =
      api_->PatchClaim(pin.claim.meta.key, PinPatch(pin), pin_times_.deadline);
  const ObjectKey& key = pin.claim.meta.key;
  const Written written = WrittenBy(status);
  memory_.NoteWrite(pin.claim, pin.node, written, clock_->SteadyNow());
  if (status.ok()) {
    pins_written_.Increment();
    LogInfo(kComponent, "claim placed",
            {{"kube_namespace", key.kube_namespace}, {"claim", key.name}, {"node", pin.node}});
    return true;
  }
  if (written == Written::kNo) pins_lost_.Increment();
  LogWarning(kComponent, "claim not placed",
             {{"kube_namespace", key.kube_namespace}, {"claim", key.name}, {"error", status}});
  return written != Written::kNo;
}

// Nobody is told of a node either before the API server has said that it is not there: it may be so
// new that the watch has not.
void PlacementController::TakeAway(PinningPlan& plan) {
  const absl::Time now = clock_->SteadyNow();
  const absl::Time end = now + kLookupTimeMax;
  const auto is_over = [now](const auto& entry) { return entry.second <= now; };
  absl::erase_if(not_gone_, is_over);
  absl::erase_if(gone_, is_over);
  std::set<std::string> gone;
  int asked = 0;
  const auto look_at = [&](const std::string& node) {
    if (gone.contains(node) || not_gone_.contains(node)) return;
    const bool has_time = ++asked <= kLookupsMax && clock_->SteadyNow() < end;
    if (has_time && IsGone(node)) gone.insert(node);
  };
  // In the order of UIDs, as they are planned. What a round has no time for is first in the next.
  const auto next = std::find_if(plan.unpins.begin(), plan.unpins.end(), [&](const Unpin& unpin) {
    return unpin.claim.meta.uid > last_unpin_;
  });
  std::rotate(plan.unpins.begin(), next, plan.unpins.end());
  for (const Unpin& unpin : plan.unpins) {
    if (clock_->SteadyNow() >= end) break;
    last_unpin_ = unpin.claim.meta.uid;
    if (unpin.why == Unpin::Why::kNodeGone) look_at(unpin.node);
    if (unpin.why == Unpin::Why::kNoPmem || gone.contains(unpin.node)) WriteUnpin(unpin);
  }
  std::erase_if(plan.notices, [&](const Notice& notice) {
    if (notice.reason != NoticeReason::kPinnedNodeGone) return false;
    const std::string& node = notice.claim.selected_node;
    if (!gone_.contains(node)) look_at(node);
    return !gone_.contains(node);
  });
}

bool PlacementController::IsGone(const std::string& node) {
  if (!service_->MayWrite()) return false;
  const absl::StatusOr<bool> has_node = api_->HasNode(node, kLookupTimeMax);
  if (has_node.ok() && !*has_node) {
    gone_[node] = clock_->SteadyNow() + kGoneNodeKept;
    return true;
  }
  gone_.erase(node);
  not_gone_[node] = clock_->SteadyNow() + kNodeLookPause;
  if (!has_node.ok()) {
    LogWarning(kComponent, "cannot find out whether a node is gone; its claims keep their pins",
               {{"node", node}, {"error", has_node.status()}});
  }
  return false;
}

void PlacementController::WriteUnpin(const Unpin& unpin) {
  if (!service_->MayWrite()) return;
  const absl::Status status =
      api_->PatchClaim(unpin.claim.meta.key, UnpinPatch(unpin), pin_times_.deadline);
  memory_.NoteWrite(unpin.claim, "", WrittenBy(status), clock_->SteadyNow());
  const ObjectKey& key = unpin.claim.meta.key;
  const bool is_gone = unpin.why == Unpin::Why::kNodeGone;
  const std::string what =
      is_gone ? "pin on a node that is gone" : "pin on a node without persistent memory";
  if (!status.ok()) {
    LogWarning(kComponent, what + " not taken away",
               {{"kube_namespace", key.kube_namespace},
                {"claim", key.name},
                {"node", unpin.node},
                {"error", status}});
    return;
  }
  unpins_written_.Increment();
  LogInfo(kComponent, what + " taken away",
          {{"kube_namespace", key.kube_namespace}, {"claim", key.name}, {"node", unpin.node}});
  if (is_gone) return;  // Its users are told that it is.
  api_->Tell({unpin.claim, NoticeReason::kPinTakenAway,
              "a scheduler chose node " + unpin.node +
                  ", which has no persistent memory; the pin was taken away, and the claim's pod "
                  "is scheduled anew"});
}

}  // namespace pmem::extender
