// SPDX-License-Identifier: Apache-2.0
// One function called again and again on a thread of its own while this process works, and now and
// then while it does not: for what must be looked at soon when much happens, whoever does it and
// however, and costs an idle program nothing. Nothing takes memory or descriptors without work.
#pragma once

#include <pthread.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"

namespace pmem {

// So much of the processor's time, of all threads of the process together, is work. In this time
// some ten megabytes come over the network.
inline constexpr absl::Duration kWork = absl::Milliseconds(10);

// Calls `tick` at once after Start. Calls never overlap. Thread-safe.
class WorkPacedTask {
 public:
  struct Pace {
    absl::Duration busy;  // After a tick the next one, when the process has worked since.
    absl::Duration idle;  // The next one at the latest. No shorter than `busy`.
  };
  // True: what it looks at does not wait for work, so the next one comes as when busy.
  using Tick = std::function<bool()>;

  WorkPacedTask(std::string name, Pace pace, Tick tick);
  ~WorkPacedTask();  // Stops.

  void Start();  // Once.
  // The running tick ends, no other begins. Not from a tick. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  // False: stopped.
  bool WaitBusy() ABSL_LOCKS_EXCLUDED(mu_);
  bool IsStopped() ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  CondVar changed_;
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  pthread_t runner_ ABSL_GUARDED_BY(mu_){};
  bool has_runner_ ABSL_GUARDED_BY(mu_) = false;  // A thread that may wait for its signal.
  const std::string name_;
  const Pace pace_;
  const Tick tick_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pmem
