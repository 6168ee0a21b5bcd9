// SPDX-License-Identifier: Apache-2.0
// What tests wait for instead of sleeping.
#pragma once

#include "common/io/mutex.h"

namespace pmem {

// Something that happens once. Thread-safe.
class Event {
 public:
  void Set() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    is_set_ = true;
    changed_.SignalAll();
  }
  void Wait() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (!is_set_) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool is_set_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace pmem
