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
      task_("placement", kPeriod, [this] { Tick(); }) {}

void PlacementController::Tick() {
  if (!service_->MayWrite()) return;
  if (pauses_ != service_->GetPauses()) ForgetAllPods();
  ForgetOldPods();
  PinningPlan plan = Plan();
  WriteAll(plan.pins);
  TakeAway(plan);
  for (const Notice& notice : plan.notices) api_->Tell(notice);
  TellOfTrouble();
  WakeScheduler();
  const bool has_read = LookUp(plan.lookups);
  if (LookUpNodes(plan.node_lookups) || has_read || !plan.is_round_over) task_.Wake();
}

PinningPlan PlacementController::Plan() {
  PinningPlan all;
  for (int i = 0; i < kPlansMax && !all.is_round_over; ++i) {
    PinningPlan plan = service_->Write([this](Ledger& ledger, absl::Time now) {
      ledger.Expire(now);
      return PlanPins(ledger, options_, placed_, uses_, memory_, now);
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

// All of them after a change, which may have made room for any.
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

// Older than they seem.
void PlacementController::ForgetAllPods() {
  pauses_ = service_->GetPauses();
  placed_.clear();
  lookups_.clear();
  uses_.clear();
  use_lookups_.clear();
}

void PlacementController::ForgetOldPods() {
  const absl::Time now = clock_->SteadyNow();
  for (auto it = placed_.begin(); it != placed_.end();) {
    it->second.planned_at = std::min(it->second.planned_at, now);
    const bool is_old = now - it->second.planned_at > lookups_[it->first].age_max;
    it = is_old ? placed_.erase(it) : std::next(it);
  }
  for (auto it = uses_.begin(); it != uses_.end();) {
    it->second.planned_at = std::min(it->second.planned_at, now);
    const bool is_old = now - it->second.planned_at > use_lookups_[it->first].age_max;
    it = is_old ? uses_.erase(it) : std::next(it);
  }
  absl::erase_if(use_lookups_, [&](const auto& entry) {
    return now - entry.second.asked_at > 2 * kUsesAgeMax && !uses_.contains(entry.first);
  });
}

bool PlacementController::LookUpNodes(const std::set<std::string>& nodes) {
  std::vector<std::pair<absl::Time, std::string>> due;
  for (const std::string& node : nodes) {
    const auto it = use_lookups_.find(node);
    due.emplace_back(it == use_lookups_.end() ? absl::InfinitePast() : it->second.asked_at, node);
  }
  std::sort(due.begin(), due.end());
  due.resize(std::min<size_t>(due.size(), kLookupsMax));
  const absl::Time end = clock_->SteadyNow() + kLookupTimeMax;
  for (const auto& [asked_at, node] : due) {
    if (!service_->MayWrite() || clock_->SteadyNow() >= end) break;
    ReadUse(node);
  }
  return !due.empty();
}

void PlacementController::ReadUse(const std::string& node) {
  const absl::Time asked_at = clock_->SteadyNow();
  const absl::StatusOr<std::vector<Pod>> pods = api_->ListPodsOn(node);
  if (!pods.ok()) {
    LogWarning(kComponent, "cannot read the pods of a node; its cpu and memory count as free",
               {{"node", node}, {"error", pods.status()}});
  }
  UseLookup next{
      .use = pods.ok() ? UseOf(*pods) : NodeUse(), .asked_at = asked_at, .age_max = kUsesAgeMin};
  if (const auto known = use_lookups_.find(node);
      known != use_lookups_.end() && known->second.use == next.use) {
    const bool has_grown_old = !uses_.contains(node);
    next.age_max =
        has_grown_old ? std::min(known->second.age_max * 2, kUsesAgeMax) : known->second.age_max;
  }
  uses_[node] = {.use = next.use, .read_at = asked_at};
  memory_.NoteRead(PinMemory::NodeKey(node));
  use_lookups_[node] = next;
}

bool PlacementController::LookUp(const std::set<std::string>& kube_namespaces) {
  const absl::Time now = clock_->SteadyNow();
  absl::erase_if(lookups_, [&](const auto& entry) {
    return !kube_namespaces.contains(entry.first) && !placed_.contains(entry.first) &&
           now >= entry.second.next_at + entry.second.retry_pause;
  });
  bool has_read = false;
  for (const std::string& kube_namespace : DueLookups(kube_namespaces)) {
    // A program that ends has no time for more either.
    if (!service_->MayWrite() || clock_->SteadyNow() >= now + kLookupTimeMax) break;
    has_read |= ReadPods(kube_namespace);
  }
  return has_read;
}

std::vector<std::string> PlacementController::DueLookups(
    const std::set<std::string>& kube_namespaces) const {
  const absl::Time now = clock_->SteadyNow();
  std::vector<std::pair<absl::Time, std::string>> due;
  for (const std::string& kube_namespace : kube_namespaces) {
    const auto it = lookups_.find(kube_namespace);
    if (it == lookups_.end()) {
      due.emplace_back(absl::InfinitePast(), kube_namespace);
    } else if (now >= it->second.next_at) {
      due.emplace_back(it->second.asked_at, kube_namespace);
    }
  }
  std::sort(due.begin(), due.end());
  std::vector<std::string> first;
  for (size_t i = 0; i < std::min<size_t>(due.size(), kLookupsMax); ++i) {
    first.push_back(due[i].second);
  }
  return first;
}

// Unknown is not "no pods": what could not be read keeps its claims waiting.
bool PlacementController::ReadPods(const std::string& kube_namespace) {
  const absl::Time asked_at = clock_->SteadyNow();
  absl::StatusOr<std::vector<Pod>> pods = api_->ListPods(kube_namespace);
  const auto known = lookups_.find(kube_namespace);
  const bool has_grown_old = known != lookups_.end() && !placed_.contains(kube_namespace);
  Lookup next{.asked_at = asked_at, .next_at = asked_at, .age_max = kPodsAgeMin};
  if (has_grown_old) next.age_max = std::min(known->second.age_max * 2, kPodsAgeMax);
  const bool has_read = pods.ok();
  if (has_read) {
    placed_[kube_namespace] = KnownPodsOf(*std::move(pods), asked_at);
    memory_.NoteRead(PinMemory::PodsKey(kube_namespace));
  } else {
    const bool has_failed_before =
        known != lookups_.end() && known->second.retry_pause > absl::ZeroDuration();
    next.retry_pause = has_failed_before
                           ? std::min(known->second.retry_pause * 2, kLookupRetryPauseMax)
                           : kLookupRetryPause;
    LogWarning(kComponent, "cannot read pods; claims that they may use wait",
               {{"kube_namespace", kube_namespace}, {"error", pods.status()}});
    next.next_at = clock_->SteadyNow() + next.retry_pause;
    next.age_max = kPodsAgeMin;
  }
  lookups_[kube_namespace] = next;
  return has_read;
}

// The hold of a pod stands for several claims: it is given up when none of them was written.
void PlacementController::WriteAll(const std::vector<Pin>& pins) {
  std::map<std::string, bool> pods;  // Something was, or may have been, written for it.
  for (const Pin& pin : pins) {
    const bool is_written = Write(pin);
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

bool PlacementController::Write(const Pin& pin) {
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
  const auto is_over = [now](const auto& entry) { return entry.second <= now; };
  absl::erase_if(not_gone_, is_over);
  absl::erase_if(gone_, is_over);
  std::set<std::string> gone;
  int asked = 0;
  const auto look_at = [&](const std::string& node) {
    if (gone.contains(node) || not_gone_.contains(node)) return;
    const bool has_time = ++asked <= kLookupsMax && clock_->SteadyNow() < now + kLookupTimeMax;
    if (has_time && IsGone(node)) gone.insert(node);
  };
  for (const Unpin& unpin : plan.unpins) {
    look_at(unpin.node);
    if (gone.contains(unpin.node)) Write(unpin);
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
  const absl::StatusOr<bool> has_node = api_->HasNode(node, pin_times_.deadline);
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

void PlacementController::Write(const Unpin& unpin) {
  if (!service_->MayWrite()) return;
  const absl::Status status =
      api_->PatchClaim(unpin.claim.meta.key, UnpinPatch(unpin), pin_times_.deadline);
  memory_.NoteWrite(unpin.claim, "", WrittenBy(status), clock_->SteadyNow());
  const ObjectKey& key = unpin.claim.meta.key;
  if (status.ok()) {
    unpins_written_.Increment();
    LogInfo(kComponent, "pin on a node that is gone taken away",
            {{"kube_namespace", key.kube_namespace}, {"claim", key.name}, {"node", unpin.node}});
    return;
  }
  LogWarning(kComponent, "pin on a node that is gone not taken away",
             {{"kube_namespace", key.kube_namespace},
              {"claim", key.name},
              {"node", unpin.node},
              {"error", status}});
}

}  // namespace pmem::extender
