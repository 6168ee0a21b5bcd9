// SPDX-License-Identifier: Apache-2.0
// The newest report, and who waits for the next one.
//
// A published report is immutable and replaced whole. A waiter costs no thread: it is a callback
// that is called exactly once, from whichever thread brings its end: a report of another generation
// (Publish), its deadline (ExpireWaiters), or the end of the agent (Close).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/io/mutex.h"
#include "common/pure/capacity_report.h"

namespace pmem::agent {

// Of waiters at a time. Beyond it a reader is told to come back.
inline constexpr int64_t kWaitersMax = 1024;

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
  // Gets the report that is current then.
  using Waiter = std::function<void(const Snapshot&)>;

  // Null before the first Publish.
  Snapshot Current() const ABSL_LOCKS_EXCLUDED(mu_);
  void Publish(CapacityReport report) ABSL_LOCKS_EXCLUDED(mu_);

  // `waiter` ends when the generation is not `generation` any more, or with Close, at once if that
  // already holds; or with the first ExpireWaiters at or after `deadline` (steady time). False:
  // kWaitersMax wait already, and `waiter` is never called.
  bool Wait(int64_t generation, absl::Time deadline, Waiter waiter) ABSL_LOCKS_EXCLUDED(mu_);
  void ExpireWaiters(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);
  // From now on nobody waits. Idempotent.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  int64_t waiters() const ABSL_LOCKS_EXCLUDED(mu_);

  void SetHealth(CollectorHealth health) ABSL_LOCKS_EXCLUDED(mu_);
  CollectorHealth health() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Parked {
    int64_t generation;
    absl::Time deadline;
    Waiter waiter;
  };

  mutable Mutex mu_;
  Snapshot current_ ABSL_GUARDED_BY(mu_);
  std::vector<Parked> parked_ ABSL_GUARDED_BY(mu_);
  bool is_closed_ ABSL_GUARDED_BY(mu_) = false;
  CollectorHealth health_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem::agent
