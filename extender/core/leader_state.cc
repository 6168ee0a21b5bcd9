// SPDX-License-Identifier: Apache-2.0
#include "extender/core/leader_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/json_reader.h"
#include "common/pure/json_writer.h"
#include "common/pure/status_macros.h"
#include "extender/core/kube_fields.h"

namespace pmem::extender {
namespace {

constexpr double kJitterFactor = 1.2;
constexpr int64_t kReleasedSeconds = 1;

}  // namespace

std::string MicroTimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", time, absl::UTCTimeZone());
}

absl::StatusOr<LeaseRecord> ParseLease(std::string_view json) {
  LeaseRecord record;
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(json));
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, document.root().Member("metadata"));
  PMEM_ASSIGN_OR_RETURN(record.resource_version, Text(metadata, "resourceVersion"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, Child(document.root(), "spec"));
  PMEM_ASSIGN_OR_RETURN(record.holder, Text(spec, "holderIdentity"));
  PMEM_ASSIGN_OR_RETURN(record.acquire_time, Text(spec, "acquireTime"));
  PMEM_ASSIGN_OR_RETURN(record.renew_time, Text(spec, "renewTime"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> seconds,
                        spec.OptionalInt("leaseDurationSeconds", 0, INT32_MAX));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> transitions,
                        spec.OptionalInt("leaseTransitions", 0, INT32_MAX));
  record.duration_seconds = seconds.value_or(0);
  record.transitions = transitions.value_or(0);
  return record;
}

std::string LeaseJson(std::string_view kube_namespace, std::string_view name,
                      const LeaseRecord& record) {
  JsonWriter json;
  json.BeginObject().String("apiVersion", "coordination.k8s.io/v1").String("kind", "Lease");
  json.Key("metadata").BeginObject().String("name", name).String("namespace", kube_namespace);
  if (!record.resource_version.empty()) json.String("resourceVersion", record.resource_version);
  json.EndObject();
  json.Key("spec").BeginObject().String("holderIdentity", record.holder);
  json.Int("leaseDurationSeconds", record.duration_seconds);
  json.String("acquireTime", record.acquire_time).String("renewTime", record.renew_time);
  json.Int("leaseTransitions", record.transitions).EndObject().EndObject();
  return json.Take();
}

absl::Status LeaderState::Options::Validate() const {
  const bool is_valid = !identity.empty() && lease_duration > renew_deadline &&
                        renew_deadline > retry_period * kJitterFactor &&
                        retry_period > absl::ZeroDuration() && lease_duration >= absl::Seconds(1);
  if (is_valid) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("leader election as \"", identity, "\": --lease-duration ",
                   absl::FormatDuration(lease_duration),
                   " must be a second and more than --lease-renew-deadline ",
                   absl::FormatDuration(renew_deadline), ", and that more than ", kJitterFactor,
                   " times --lease-retry-period ", absl::FormatDuration(retry_period)));
}

LeaderStep LeaderState::Next(absl::Time now, absl::Time wall, double jitter) {
  const bool leads = IsLeader(now);
  switch (phase_) {
    case Phase::kBegin:
      if (leads) return Write(now, wall);
      phase_ = Phase::kReading;
      [[fallthrough]];
    case Phase::kReading:
      return {.action = LeaderStep::Action::kRead, .record = {}, .duration = Patience(now)};
    case Phase::kAbsent:
    case Phase::kFree:
      return Write(now, wall);
    case Phase::kOver:
      break;
  }
  phase_ = Phase::kBegin;
  // A lead that ends is noticed when it ends.
  const absl::Duration wait = leads ? std::min(options_.retry_period, Patience(now))
                                    : options_.retry_period * (1 + kJitterFactor * jitter);
  return {.action = LeaderStep::Action::kWait, .record = {}, .duration = wait};
}

LeaderStep LeaderState::Write(absl::Time now, absl::Time wall) {
  const bool is_ours = is_known_ && observed_.holder == options_.identity;
  LeaseRecord record;
  record.holder = options_.identity;
  record.duration_seconds =
      absl::ToInt64Seconds(absl::Ceil(options_.lease_duration, absl::Seconds(1)));
  record.renew_time = MicroTimeText(wall);
  record.acquire_time = is_ours ? observed_.acquire_time : record.renew_time;
  if (phase_ == Phase::kAbsent) {
    return {.action = LeaderStep::Action::kCreate, .record = record, .duration = Patience(now)};
  }
  record.transitions = observed_.transitions + (is_ours ? 0 : 1);
  record.resource_version = observed_.resource_version;
  return {.action = LeaderStep::Action::kWrite, .record = record, .duration = Patience(now)};
}

// A leader's request must not outlast its lead.
absl::Duration LeaderState::Patience(absl::Time now) const {
  return IsLeader(now) ? renewed_at_ + options_.renew_deadline - now : options_.renew_deadline;
}

void LeaderState::OnRead(LeaseRecord record, absl::Time now) {
  // Only the content counts as a sign of life: anyone may put a label on the Lease.
  observed_.resource_version = record.resource_version;
  if (!is_known_ || record != observed_) observed_at_ = now;
  is_known_ = true;
  observed_ = std::move(record);
  phase_ = IsHeldByOther(now) ? Phase::kOver : Phase::kFree;
}

bool LeaderState::IsHeldByOther(absl::Time now) const {
  if (observed_.holder == options_.identity) {
    const bool has_led = renewed_at_ != absl::InfinitePast();
    return !has_led && now < observed_at_ + options_.lease_duration - options_.renew_deadline;
  }
  return !observed_.holder.empty() &&
         now < observed_at_ + absl::Seconds(observed_.duration_seconds);
}

void LeaderState::OnAbsent() {
  is_known_ = false;
  observed_ = LeaseRecord();
  phase_ = Phase::kAbsent;
}

void LeaderState::OnWritten(LeaseRecord record, absl::Time sent) {
  is_known_ = true;
  observed_ = std::move(record);
  observed_at_ = sent;
  renewed_at_ = sent;
  phase_ = Phase::kOver;
}

void LeaderState::OnFailure() {
  // A renewal on the version we know may have failed only because that is old: read it once.
  phase_ = phase_ == Phase::kBegin ? Phase::kReading : Phase::kOver;
}

bool LeaderState::IsLeader(absl::Time now) const {
  return observed_.holder == options_.identity && now < renewed_at_ + options_.renew_deadline;
}

std::optional<LeaseRecord> LeaderState::Release(absl::Time now, absl::Time wall) const {
  if (!IsLeader(now)) return std::nullopt;
  LeaseRecord record = observed_;
  record.holder.clear();
  record.duration_seconds = kReleasedSeconds;
  record.acquire_time = MicroTimeText(wall);
  record.renew_time = record.acquire_time;
  return record;
}

}  // namespace pmem::extender
