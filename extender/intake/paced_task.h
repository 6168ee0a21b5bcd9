// SPDX-License-Identifier: Apache-2.0
// One function that is called on a thread of its own when it has something to do, and else as
// rarely as it says: what looks for changes by a period of its own (PeriodicTask) wakes the
// processor all day long on a cluster in which nothing happens.
//
//   tick --"in 2 s"--> sleeps ------- 2 s ------------------------------> tick
//   tick --"in 2 s"--> sleeps --woken--> until `spacing` is over --------> tick
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"

namespace pmem::extender {

// Calls never overlap. Thread-safe.
class PacedTask {
 public:
  // `tick` returns how long it need not be called again unless somebody wakes it; nothing: at once.
  // Woken it is called `spacing` after the last call ended, or when that was longer ago now.
  PacedTask(std::string name, absl::Duration spacing, std::function<absl::Duration()> tick);
  ~PacedTask();  // Stops.

  void Start();  // Once. The first call comes at once.
  // The running call ends, no other begins. Not from a call. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);
  // There is something to look at; also in the middle of a call. Wakes do not pile up.
  void Wake() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  bool WaitForNext(absl::Duration pause) ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  CondVar changed_;
  bool is_woken_ ABSL_GUARDED_BY(mu_) = false;
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  const std::string name_;
  const absl::Duration spacing_;
  const std::function<absl::Duration()> tick_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pmem::extender
