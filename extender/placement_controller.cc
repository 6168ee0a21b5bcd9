// SPDX-License-Identifier: Apache-2.0
#include "extender/placement_controller.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "common/io/log.h"
#include "extender/core/volume_health.h"

namespace pmem::extender {
namespace {
constexpr std::string_view kComponent = "placement";
}

PlacementController::PlacementController(PinningOptions options, LedgerService* service,
                                         PlacementApi* api, const Clock* clock, Metrics* metrics)
    : options_(options),
      service_(service),
      api_(api),
      clock_(clock),
      pins_written_(metrics->AddCounter("pins_written_total", "selected-node written by us")),
      pins_lost_(metrics->AddCounter("pins_lost_total", "Pins that somebody else was faster with")),
      unpins_written_(
          metrics->AddCounter("unpins_written_total", "selected-node taken away by us")),
      wake_ups_(
          metrics->AddCounter("scheduler_wake_ups_total",
                              "Times that kube-scheduler was made to try refused pods again")),
      task_("placement", kPeriod, [this] { Tick(); }) {}

void PlacementController::Tick() {
  if (!service_->MayWrite()) return;
  ForgetOldPods();
  PinningPlan plan = service_->Write([this](Ledger& ledger, absl::Time now) {
    ledger.Expire(now);
    return PlanPins(ledger, options_, placed_, uses_, memory_, now);
  });
  WriteAll(plan.pins);
  for (const Unpin& unpin : plan.unpins) Write(unpin);
  for (const Notice& notice : plan.notices) api_->Tell(notice);
  TellOfTrouble();
  WakeScheduler();
  if (plan.lookups.empty() && plan.node_lookups.empty()) return;
  Lookup(plan.lookups);
  LookupNodes(plan.node_lookups);
  task_.Wake();
}

void PlacementController::TellOfTrouble() {
  const absl::Time now = clock_->SteadyNow();
  if (now < health_at_) return;
  health_at_ = now + kHealthPeriod;
  const std::vector<Notice> notices = service_->Read(
      [](const Ledger& ledger, absl::Time) { return FindTroubledVolumes(ledger, kTroubledMax); });
  for (const Notice& notice : notices) api_->Tell(notice);
}

// First the ledger has the room, then the scheduler is told: a retry that comes earlier would only
// be refused again.
void PlacementController::WakeScheduler() {
  const absl::Time now = clock_->SteadyNow();
  const std::vector<std::string> fitting = service_->Write([](Ledger& ledger, absl::Time time) {
    ledger.Expire(time);
    return ledger.RefusedThatFit(time);
  });
  absl::btree_map<std::string, WakeUp> woken;
  bool is_due = false;
  for (const std::string& uid : fitting) {
    const auto it = woken_.find(uid);
    WakeUp wake = it == woken_.end() ? WakeUp{now + kWakeDelay, kWakePauseMin} : it->second;
    if (now >= wake.next) {
      is_due = true;
      wake = {now + wake.pause, std::min(wake.pause * 2, kWakePauseMax)};
    }
    woken[uid] = wake;
  }
  woken_ = std::move(woken);
  if (!is_due) return;
  const absl::Status status = api_->WakeScheduler(absl::ToUnixMillis(clock_->WallNow()));
  if (status.ok()) return wake_ups_.Increment();
  LogWarning(kComponent, "cannot wake the scheduler up", {{"error", status}});
}

void PlacementController::ForgetOldPods() {
  const absl::Time now = clock_->SteadyNow();
  for (auto it = placed_at_.begin(); it != placed_at_.end();) {
    if (now - it->second <= kPodsAgeMax) {
      ++it;
      continue;
    }
    placed_.erase(it->first);
    it = placed_at_.erase(it);
  }
  for (auto it = uses_.begin(); it != uses_.end();) {
    it = now - it->second.read_at <= kUsesAgeMax ? std::next(it) : uses_.erase(it);
  }
}

void PlacementController::LookupNodes(const std::set<std::string>& nodes) {
  int count = 0;
  for (const std::string& node : nodes) {
    if (++count > kLookupsMax) return;
    const absl::Time asked_at = clock_->SteadyNow();
    const absl::StatusOr<std::vector<Pod>> pods = api_->ListPodsOn(node);
    if (!pods.ok()) {
      LogWarning(kComponent, "cannot read the pods of a node; its cpu and memory count as free",
                 {{"node", node}, {"error", pods.status()}});
    }
    uses_[node] = {.use = pods.ok() ? UseOf(*pods) : NodeUse(), .read_at = asked_at};
  }
}

void PlacementController::Lookup(const std::set<std::string>& kube_namespaces) {
  int count = 0;
  for (const std::string& kube_namespace : kube_namespaces) {
    if (++count > kLookupsMax) return;
    absl::StatusOr<std::vector<Pod>> pods = api_->ListPods(kube_namespace);
    if (!pods.ok()) {
      LogWarning(kComponent, "cannot read pods",
                 {{"kube_namespace", kube_namespace}, {"error", pods.status()}});
      pods = std::vector<Pod>();  // Asked again when this has grown old.
    }
    placed_[kube_namespace] = *std::move(pods);
    placed_at_[kube_namespace] = clock_->SteadyNow();
  }
}

// A hold may stand for several claims: it is given up when none of them was written.
void PlacementController::WriteAll(const std::vector<Pin>& pins) {
  std::map<std::string, bool> holds;  // Owner -> something was, or may have been, written.
  for (const Pin& pin : pins) holds[pin.hold_owner] |= Write(pin);
  for (const auto& [owner, is_written] : holds) {
    if (is_written) continue;
    service_->Write(
        [&owner = owner](Ledger& ledger, absl::Time now) { ledger.EndHold(owner, now); });
  }
}

// Asked before each write whether we still lead: a plan may take longer than our lease lasts.
bool PlacementController::Write(const Pin& pin) {
  if (!service_->MayWrite()) return false;
  const absl::Status status = api_->PatchClaim(pin.claim.meta.key, PinPatch(pin));
  const ObjectKey& key = pin.claim.meta.key;
  // A write whose answer was lost may have been done: then its hold stays until the event, or its
  // TTL.
  const bool is_certain = absl::IsFailedPrecondition(status) || absl::IsNotFound(status) ||
                          absl::IsAborted(status) || absl::IsPermissionDenied(status);
  memory_.NoteWrite(pin.claim, is_certain ? "" : pin.node, clock_->SteadyNow());
  if (status.ok()) {
    pins_written_.Increment();
    LogInfo(kComponent, "claim placed",
            {{"kube_namespace", key.kube_namespace}, {"claim", key.name}, {"node", pin.node}});
    return true;
  }
  if (is_certain) pins_lost_.Increment();
  LogWarning(kComponent, "claim not placed",
             {{"kube_namespace", key.kube_namespace}, {"claim", key.name}, {"error", status}});
  return !is_certain;
}

void PlacementController::Write(const Unpin& unpin) {
  if (!service_->MayWrite()) return;
  const absl::Status status = api_->PatchClaim(unpin.claim.meta.key, UnpinPatch(unpin));
  memory_.NoteWrite(unpin.claim, "", clock_->SteadyNow());
  if (status.ok()) unpins_written_.Increment();
  LogInfo(kComponent, "pin on a node that is gone taken away",
          {{"claim", unpin.claim.meta.key.name}, {"node", unpin.node}, {"status", status}});
}

}  // namespace pmem::extender
