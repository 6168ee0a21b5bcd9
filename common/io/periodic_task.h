// SPDX-License-Identifier: Apache-2.0
// The only owners of threads in the project (beside cpprestsdk's pool): Thread, a named thread that
// is always joined, and PeriodicTask, one function called again and again on such a thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "common/io/mutex.h"

namespace pmem {

// Runs `body` until it returns. `name` shows in ps and gdb (its first 15 characters). The signals
// of signals.h are blocked in it. `body` must not throw.
class Thread {
 public:
  Thread(std::string name, std::function<void()> body);
  ~Thread();  // Joins.
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

 private:
  std::thread thread_;
};

// Calls `tick` at once after Start, then `period` after each call ended, or earlier when woken.
// Calls never overlap. Thread-safe.
class PeriodicTask {
 public:
  // A suspended machine's time goes on, a sleep does not: it is no longer than this.
  static constexpr absl::Duration kSleepMax = absl::Seconds(5);

  PeriodicTask(std::string name, absl::Duration period, std::function<void()> tick);
  // `tick` tells the period until the next call. When woken, that comes `spacing` after the last
  // one ended, or now when that was longer ago.
  PeriodicTask(std::string name, std::function<absl::Duration()> tick,
               absl::Duration spacing = absl::ZeroDuration());
  ~PeriodicTask();  // Stops.

  void Start();  // Once.
  // The running tick ends, no other begins. Not from a tick. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);
  // The next tick begins now, or right after the running one, but for `spacing`. Wakes do not pile
  // up.
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);
  // One tick on the calling thread, for tests of what the tick does; without Start.
  void Tick() { tick_(); }

 private:
  void Run();
  bool WaitForNext(absl::Duration period) ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  CondVar changed_;
  bool is_woken_ ABSL_GUARDED_BY(mu_) = false;
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  const std::string name_;
  const std::function<absl::Duration()> tick_;
  const absl::Duration spacing_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pmem
