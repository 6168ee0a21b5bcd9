// SPDX-License-Identifier: Apache-2.0
// A few named threads for work that may block for a moment, so that the I/O pool never does. The
// queue is bounded: who finds it full is told, and refuses. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/io/mutex.h"
#include "common/io/periodic_task.h"

namespace pmem {

class WorkerPool {
 public:
  WorkerPool(const std::string& name, int threads, size_t queued_max);
  ~WorkerPool();  // Stops.

  // False: the queue is full, or the pool is stopped; `work` was not taken. An
  // exception of it is logged, and ends nothing else.
  bool Submit(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mu_);

  // Running work ends, queued work is dropped (its captures are destroyed). Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  std::function<void()> Next() ABSL_LOCKS_EXCLUDED(mu_);  // Empty: stopped.

  const size_t queued_max_;
  Mutex mu_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace pmem
