// SPDX-License-Identifier: Apache-2.0
// Takes part in the election of the one replica that answers and writes: the thread around
// LeaderState.
//
// IsLeader looks at the clock itself, so it is right even when this process was stopped for a while
// and its threads have not noticed yet. Leadership is no fence: whoever writes still writes
// conditionally.
//
// Start once. Stop gives the Lease up (bounded by a second), tells `on_change`, and ends the
// thread; idempotent, the destructor calls it. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"
#include "extender/core/leader_state.h"
#include "extender/intake/kube_client.h"

namespace pmem::extender {

inline constexpr absl::Duration kLeaseReleaseMax = absl::Seconds(1);

class LeaderElector {
 public:
  struct Options {
    std::string kube_namespace;
    std::string lease_name;
    LeaderState::Options timing;  // With the identity. Validated by the caller.
  };
  // Called on the elector's thread with true when this replica became the leader and with false
  // when it is no more; alternating, true first. Must not block for long.
  using OnChange = std::function<void(bool is_leader)>;

  LeaderElector(Options options, KubeClient* client, const Clock* clock, OnChange on_change);
  ~LeaderElector();

  void Start();
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);
  bool IsLeader() const ABSL_LOCKS_EXCLUDED(mu_);
  // Reads and writes of the Lease that failed, lost races included.
  int64_t failures() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  void Perform(const LeaderStep& step) ABSL_LOCKS_EXCLUDED(mu_);
  void Settle(const LeaderStep& step, const absl::StatusOr<ApiAnswer>& answer, absl::Time sent)
      ABSL_LOCKS_EXCLUDED(mu_);
  // Returns the error, when it is another one than before.
  std::string SettleLocked(bool is_read, absl::Time sent, absl::StatusOr<LeaseRecord> record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TellChange() ABSL_LOCKS_EXCLUDED(mu_);
  void WaitFor(absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_);
  void Release() ABSL_LOCKS_EXCLUDED(mu_);
  double Jitter();

  const Options options_;
  KubeClient* const client_;
  const Clock* const clock_;
  const OnChange on_change_;

  // Of the elector's thread only.
  bool was_leader_ = false;
  std::mt19937_64 random_;

  mutable Mutex mu_;
  CondVar stopped_;
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  LeaderState state_ ABSL_GUARDED_BY(mu_);
  int64_t failures_ ABSL_GUARDED_BY(mu_) = 0;
  std::string last_error_ ABSL_GUARDED_BY(mu_);  // Empty once one was good.
  std::unique_ptr<Thread> thread_;
};

}  // namespace pmem::extender
