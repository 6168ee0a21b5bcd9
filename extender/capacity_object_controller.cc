// SPDX-License-Identifier: Apache-2.0
#include "extender/capacity_object_controller.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/io/log.h"
#include "extender/core/page.h"
#include "extender/core/resource_version.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "capacity-objects";
constexpr const char* kWrites = "capacity_object_writes_total";
constexpr const char* kWritesHelp = "CSIStorageCapacity objects written by us.";
// Of nodes_max: joined objects are parted again at no more nodes than this, well below where they
// were joined. Else a node that comes and goes would have all objects written anew each time.
constexpr int kPartedNodesPercent = 75;

// Of the server as a whole: the next write would fare no better.
bool IsOfServer(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

}  // namespace

CapacityObjectController::CapacityObjectController(int nodes_max, LedgerService* service,
                                                   CapacityApi* api, const Clock* clock,
                                                   Metrics* metrics)
    : nodes_max_(nodes_max),
      service_(service),
      api_(api),
      clock_(clock),
      created_(metrics->AddCounter(kWrites, kWritesHelp, {{"action", "create"}})),
      replaced_(metrics->AddCounter(kWrites, kWritesHelp, {{"action", "replace"}})),
      deleted_(metrics->AddCounter(kWrites, kWritesHelp, {{"action", "delete"}})),
      failed_(metrics->AddCounter("capacity_object_failures_total",
                                  "Writes of CSIStorageCapacity objects that failed.")),
      standing_(metrics->AddGauge("capacity_objects", "CSIStorageCapacity objects of ours.")),
      pending_(metrics->AddGauge("capacity_objects_pending",
                                 "CSIStorageCapacity objects that are not yet as they should be.")),
      task_(
          "capacity", [this] { return Tick(); }, kPeriod) {}

absl::Duration CapacityObjectController::Tick() {
  const absl::Time now = clock_->SteadyNow();
  if (!service_->MayWrite()) {
    pending_.Set(0);
    return kLookPause;
  }
  if (now < paused_until_) return paused_until_ - now;
  if (is_joined_ && now < joined_look_at_) return joined_look_at_ - now;
  if (!HasToLook(now)) return now < look_at_ ? look_at_ - now : kLookPause;
  joined_look_at_ = now + kJoinedPause;
  const std::vector<CapacityChange> changes = Plan(Wanted());
  refused_.KeepOnly(changes);
  const size_t written = WriteAll(changes);
  pending_.Set(static_cast<double>(changes.size() - written));
  return NextLook() - clock_->SteadyNow();
}

absl::Time CapacityObjectController::NextLook() {
  const absl::Time now = clock_->SteadyNow();
  if (now < paused_until_) return paused_until_;
  MutexLock lock(&mu_);
  return has_more_ || is_changed_ ? now + kPeriod : look_at_;
}

// What is left alone for now is none of `has_more_`: the slow look comes back to it.
size_t CapacityObjectController::WriteAll(const std::vector<CapacityChange>& changes) {
  const absl::Time begin = clock_->SteadyNow();
  int tried = 0;
  size_t written = 0;
  has_more_ = true;
  for (const CapacityChange& change : changes) {
    if (!refused_.MayTry(change, begin)) continue;
    // Asked each time: a round may take longer than our lease.
    if (tried++ >= kWritesPerRoundMax || !service_->MayWrite()) return written;
    const Written outcome = Write(change);
    if (outcome == Written::kYes) ++written;
    if (outcome != Written::kNoServer) continue;
    paused_until_ = clock_->SteadyNow() + kFailurePause;
    return written;
  }
  has_more_ = false;
  return written;
}

bool CapacityObjectController::HasToLook(absl::Time now) {
  const int64_t version =
      service_->Read([](const Ledger& ledger, absl::Time) { return ledger.version(); });
  MutexLock lock(&mu_);
  if (!is_synced_) return false;
  if (version == version_ && !is_changed_ && !has_more_ && now < look_at_) return false;
  version_ = version;
  is_changed_ = false;
  look_at_ = now + kLookPause;
  return true;
}

template <class Look>
void CapacityObjectController::ForAllNodes(Look look) const {
  int32_t next = 0;
  while (next != CapacityOffers::kAllSeen) {
    next = service_->Read([&](const Ledger& ledger, absl::Time) { return look(ledger, next); });
  }
}

WantedCapacities CapacityObjectController::Wanted() {
  ForAllNodes([this](const Ledger& ledger, int32_t begin) {
    return offers_.Follow(ledger, begin, kNodesPerLook);
  });
  const JoinedCapacities joined = offers_.Joined();
  is_joined_ = joined.nodes > (is_joined_ ? nodes_max_ * kPartedNodesPercent / 100 : nodes_max_);
  if (is_joined_) return WantedOf(joined);
  WantedCapacities wanted;
  ForAllNodes([this, &wanted](const Ledger& ledger, int32_t begin) {
    return offers_.AddWanted(ledger, begin, kPageMax, wanted);
  });
  return wanted;
}

std::vector<CapacityChange> CapacityObjectController::Plan(const WantedCapacities& wanted) {
  MutexLock lock(&mu_);
  standing_.Set(static_cast<double>(seen_.size()));
  return PlanCapacityChanges(wanted, seen_);
}

CapacityObjectController::Written CapacityObjectController::Write(const CapacityChange& change) {
  ExpectAnswer(change.name);
  absl::StatusOr<CapacityObject> object = api_->Write(change);
  if (object.ok()) {
    TakeWritten(change, *std::move(object));
    return Written::kYes;
  }
  // What is created is not there; the kube_namespace may not be either.
  if (absl::IsNotFound(object.status()) && change.kind != CapacityChange::Kind::kCreate) {
    Forget(change.name);
    return Written::kYes;
  }
  failed_.Increment();
  if (absl::IsAborted(object.status())) {  // Somebody was faster.
    LookAgain(change.name);
    return Written::kYes;
  }
  if (!IsOfServer(object.status())) return NoteRefused(change, object.status());
  LogWarning(kComponent, "a capacity object was not written",
             {{"object", change.name}, {"error", object.status()}});
  return Written::kNoServer;
}

void CapacityObjectController::TakeWritten(const CapacityChange& change, CapacityObject object) {
  switch (change.kind) {
    case CapacityChange::Kind::kCreate:
      created_.Increment();
      return TakeAnswer(std::move(object));
    case CapacityChange::Kind::kReplace:
      replaced_.Increment();
      return TakeAnswer(std::move(object));
    case CapacityChange::Kind::kDelete:
      deleted_.Increment();
      return Forget(change.name);
  }
}

CapacityObjectController::Written CapacityObjectController::NoteRefused(
    const CapacityChange& change, const absl::Status& why) {
  const std::optional<absl::Duration> pause = refused_.Note(change, clock_->SteadyNow());
  LogWarning(kComponent, "the API server refuses a capacity object",
             {{"object", change.name},
              {"error", why},
              {"again_after_seconds", pause.value_or(kFailurePause)}});
  // Too many to remember: as if all were refused.
  if (!pause) return Written::kNoServer;
  const bool is_replace = change.kind == CapacityChange::Kind::kReplace;
  const bool cannot_become = absl::IsFailedPrecondition(why) && IsAnother(change);
  return is_replace && cannot_become ? MakeRoomFor(change) : Written::kRefused;
}

bool CapacityObjectController::IsAnother(const CapacityChange& change) {
  MutexLock lock(&mu_);
  const auto it = seen_.find(change.name);
  return it != seen_.end() && !IsOfSameClassAndNodes(it->second, change.wanted);
}

CapacityObjectController::Written CapacityObjectController::MakeRoomFor(
    const CapacityChange& replacement) {
  if (!service_->MayWrite()) return Written::kRefused;
  const Written deleted = Write({.kind = CapacityChange::Kind::kDelete,
                                 .name = replacement.name,
                                 .uid = replacement.uid,
                                 .resource_version = replacement.resource_version});
  return deleted == Written::kNoServer ? deleted : Written::kRefused;
}

// Not by who ends: before the next one may lead there is time for one request.
void CapacityObjectController::LookAgain(const std::string& name) {
  if (!service_->MayWrite()) return;
  ExpectAnswer(name);
  absl::StatusOr<CapacityObject> object = api_->Get(name);
  if (absl::IsNotFound(object.status())) return Forget(name);
  if (!object.ok()) return;  // The watch will say.
  TakeAnswer(*std::move(object));
  MutexLock lock(&mu_);
  is_changed_ = true;
}

void CapacityObjectController::ExpectAnswer(const std::string& name) {
  MutexLock lock(&mu_);
  awaited_ = name;
  is_overtaken_ = false;
}

void CapacityObjectController::TakeAnswer(CapacityObject object) {
  MutexLock lock(&mu_);
  // Left to the watch, and looked at again: if it is there after all, a write will say so.
  if (is_overtaken_) {
    is_changed_ = true;
  } else {
    PutLocked(std::move(object));
  }
}

void CapacityObjectController::Forget(const std::string& name) {
  MutexLock lock(&mu_);
  seen_.erase(name);
  is_changed_ = true;
}

// Answers to our writes and the watch come on two ways: the newer one stays.
void CapacityObjectController::PutLocked(CapacityObject object) {
  CapacityObject& known = seen_[object.meta.key.name];
  const bool is_old = known.meta.uid == object.meta.uid &&
                      IsEarlier(object.meta.resource_version, known.meta.resource_version);
  if (!is_old) known = std::move(object);
}

void CapacityObjectController::OnSeen(CapacityObject object) {
  {
    MutexLock lock(&mu_);
    PutLocked(std::move(object));
    is_changed_ = true;
  }
  Wake();
}

void CapacityObjectController::OnGone(CapacityObject last) {
  {
    MutexLock lock(&mu_);
    is_overtaken_ |= last.meta.key.name == awaited_;
    const auto it = seen_.find(last.meta.key.name);
    if (it == seen_.end() || it->second.meta.uid != last.meta.uid) return;
    seen_.erase(it);
    is_changed_ = true;
  }
  Wake();
}

void CapacityObjectController::OnRelisted(Relisted<CapacityObject> list) {
  TakeList(std::move(list));
  Wake();
}

void CapacityObjectController::TakeList(Relisted<CapacityObject> list) {
  MutexLock lock(&mu_);
  is_overtaken_ = true;
  seen_.clear();
  for (CapacityObject& object : list.objects) {
    const std::string name = object.meta.key.name;
    seen_[name] = std::move(object);
  }
  is_synced_ = true;
  is_changed_ = true;
}

}  // namespace pmem::extender
