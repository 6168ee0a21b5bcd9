// SPDX-License-Identifier: Apache-2.0
// The newest report, and who waits for the next one.
//
// A published report is immutable and replaced whole. A waiter costs no thread: it is a callback
// that is called exactly once, from whichever thread brings its end: a report of another generation
// (Publish), its deadline (ExpireWaiters), or the end of the agent (Close).
//
// Whoever is answered may count on it that all changes which were noted kHoldMax before are in
// the report, or not in it because they were undone: a waiter that there is news for, or whose
// deadline is over, stays until they have been read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/io/mutex.h"
#include "common/pure/capacity_report.h"

namespace pmem::agent {

// Of waiters at a time. Beyond it a reader is answered at once; while a change is being read it is
// told to come back.
inline constexpr int64_t kWaitersMax = 1024;
// How long past its deadline, or past the news, a waiter stays for what is being read. Less than
// what the extender gives an agent for its answer (AgentPoller::Options::slack), and it ends a debt
// at an answer that speaks of the time after the creation (LedgerOptions::debt_grace).
inline constexpr absl::Duration kHoldMax = absl::Seconds(12);

struct PublishedReport {
  CapacityReport report;
  std::string body;  // As JSON.
  std::string etag;  // With its quotes: changes exactly when the content does.
};

// "<boot id>+<generation>" with quotes.
std::string ReportEtag(const CapacityReport& report);

// How reading goes, for /livez and /readyz.
struct SourceHealth {
  std::string source;
  bool has_succeeded = false;  // Since the agent started.
  std::string last_error;      // Empty: the last reading was good.
};
struct CollectorHealth {
  absl::Time tick_started = absl::InfinitePast();  // Steady time.
  std::vector<SourceHealth> sources;
};

// Thread-safe. Callbacks run without the lock.
class ReportStore {
 public:
  using Snapshot = std::shared_ptr<const PublishedReport>;
  // Gets the report that is current then. `is_read`: it has all that was noted kHoldMax before.
  using Waiter = std::function<void(const Snapshot&, bool is_read)>;

  // `on_due_sooner`: ExpireWaiters is due at once, or earlier than it has told. May be empty.
  explicit ReportStore(std::function<void()> on_due_sooner = nullptr)
      : on_due_sooner_(std::move(on_due_sooner)) {}

  // Null before the first Publish.
  Snapshot Current() const ABSL_LOCKS_EXCLUDED(mu_);
  // `report` has what the first `changes_read` of the noted changes brought. Fewer than the one
  // before: a source can be read again that could not, and has not seen the latest ones.
  void Publish(CapacityReport report, int64_t changes_read = 0) ABSL_LOCKS_EXCLUDED(mu_);

  // `waiter` ends when the generation is not `generation` any more, at once if that already holds,
  // or with the first ExpireWaiters at or after `deadline` (steady time); with what is being read
  // then, kHoldMax after it at the latest. With Close it ends at once. False: kWaitersMax wait
  // already, and `waiter` is never called.
  bool Wait(int64_t generation, absl::Time deadline, Waiter waiter) ABSL_LOCKS_EXCLUDED(mu_);
  // When it is due next, unless that becomes sooner.
  absl::Time ExpireWaiters(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);
  // From now on nobody waits. Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  int64_t waiters() const ABSL_LOCKS_EXCLUDED(mu_);

  // The devices changed: the report is behind until one with that is published.
  void NoteChange() ABSL_LOCKS_EXCLUDED(mu_);
  int64_t changes_noted() const ABSL_LOCKS_EXCLUDED(mu_);
  bool IsBehind() const ABSL_LOCKS_EXCLUDED(mu_);

  void SetHealth(CollectorHealth health) ABSL_LOCKS_EXCLUDED(mu_);
  CollectorHealth health() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Parked {
    int64_t generation;
    absl::Time deadline;
    Waiter waiter;
    // Changes to be read, once there is news or the deadline is over.
    std::optional<int64_t> awaits = std::nullopt;
  };
  // True: to be told.
  bool IsSoonerLocked(absl::Time due) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TellSooner(bool is_sooner) const;
  // Without those of which `stays` is false, which it returns.
  std::vector<Parked> TakeEndedLocked(const std::function<bool(const Parked&)>& stays)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::function<void()> on_due_sooner_;
  mutable Mutex mu_;
  absl::Time due_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();  // Of ExpireWaiters.
  Snapshot current_ ABSL_GUARDED_BY(mu_);
  std::vector<Parked> parked_ ABSL_GUARDED_BY(mu_);
  bool is_closed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t changes_noted_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t changes_read_ ABSL_GUARDED_BY(mu_) = 0;
  CollectorHealth health_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem::agent
