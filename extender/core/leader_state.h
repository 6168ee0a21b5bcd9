// SPDX-License-Identifier: Apache-2.0
// Leader election over a coordination.k8s.io Lease, as client-go does it, without I/O and without a
// clock. It says what to read or write next; the elector does it.
//
//   candidate:
//     read the Lease; it is absent -> create it. Its holder is empty, or its content has not
//     changed for its lease duration by OUR clock (the times in it are never compared with our
//     time) -> write it with our name and one more transition. Its holder is us -> write it; but a
//     process that has not led yet was killed and began again: it first leaves what it sent last
//     the time that another replica would leave it, lease duration less renew deadline. Else wait
//     and read again.
//   leader:
//     write it with a new renew time every retry period, first on the version known from the last
//     write, and only when that fails after reading it.
//
// A write is always conditional on a resource version; losing that race is an ordinary failure. A
// leader that has not renewed for the renew deadline, counted from when its last good write was
// SENT, leads no more: IsLeader(now) says so whatever happened to the process meanwhile (stopped,
// swapped, cut off). Since the renew deadline is shorter than the lease, nobody else leads before
// that.
//
// Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pmem::extender {

// The spec of a Lease, and its version.
struct LeaseRecord {
  std::string holder;  // Empty: released.
  int64_t duration_seconds = 0;
  std::string acquire_time;  // MicroTime text, kept as it came.
  std::string renew_time;
  int64_t transitions = 0;
  std::string resource_version;
  bool operator==(const LeaseRecord&) const = default;
};

// RFC 3339 in UTC with exactly six digits of fraction: what the API server accepts as MicroTime.
std::string MicroTimeText(absl::Time time);

// From and to the API's JSON. Absent members are empty or 0. InvalidArgument with the JSON path.
absl::StatusOr<LeaseRecord> ParseLease(std::string_view json);
std::string LeaseJson(std::string_view kube_namespace, std::string_view name,
                      const LeaseRecord& record);

struct LeaderStep {
  enum class Action { kRead, kCreate, kWrite, kWait };
  Action action = Action::kRead;
  LeaseRecord record;       // kCreate, kWrite. Write with its resource_version.
  absl::Duration duration;  // kWait: how long. Else: how long the request may take.
};

class LeaderState {
 public:
  struct Options {
    std::string identity;  // Unique among the replicas.
    absl::Duration lease_duration = absl::Seconds(15);
    absl::Duration renew_deadline = absl::Seconds(10);
    absl::Duration retry_period = absl::Seconds(2);

    // lease > renew > 1.2 * retry > 0, and an identity; InvalidArgument names the values.
    absl::Status Validate() const;
  };

  explicit LeaderState(Options options) : options_(std::move(options)) {}

  // What to do now. `now` is of a clock that only moves forward, `wall` what is written into the
  // Lease, `jitter` in [0, 1).
  LeaderStep Next(absl::Time now, absl::Time wall, double jitter);

  // What became of it. `record` is what the API server answered, `sent` when the request was begun.
  void OnRead(LeaseRecord record, absl::Time now);
  void OnAbsent();
  void OnWritten(LeaseRecord record, absl::Time sent);
  void OnFailure();  // Refused (also 409), or no answer.

  bool IsLeader(absl::Time now) const;
  // The holder by the last record seen; empty: none, or not known.
  const std::string& holder() const { return observed_.holder; }

  // The record that gives the lease up, for a clean shutdown; nullopt when it is not ours.
  std::optional<LeaseRecord> Release(absl::Time now, absl::Time wall) const;

 private:
  enum class Phase { kBegin, kReading, kAbsent, kFree, kOver };

  LeaderStep Write(absl::Time now, absl::Time wall);
  absl::Duration Patience(absl::Time now) const;
  bool IsHeldByOther(absl::Time now) const;  // Or by an earlier process of our name.

  const Options options_;
  Phase phase_ = Phase::kBegin;
  bool is_known_ = false;  // observed_ is from the API server.
  LeaseRecord observed_;
  absl::Time observed_at_ = absl::InfinitePast();  // When its content last changed.
  absl::Time renewed_at_ = absl::InfinitePast();   // When the last good write was sent.
};

}  // namespace pmem::extender
