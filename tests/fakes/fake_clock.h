// SPDX-License-Identifier: Apache-2.0
// Time that stands still until a test moves it.
#pragma once

#include "common/io/clock.h"
#include "common/io/mutex.h"

namespace pmem {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  absl::Time WallNow() const override ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return now_ - set_back_;
  }
  absl::Time SteadyNow() const override { return Now(); }
  void Advance(absl::Duration by) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    now_ += by;
  }
  // As somebody who sets the wall clock.
  void SetBack(absl::Duration by) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    set_back_ += by;
  }

 private:
  absl::Time Now() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return now_;
  }
  mutable Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_) = absl::FromUnixSeconds(1000000);
  absl::Duration set_back_ ABSL_GUARDED_BY(mu_);  // Of the wall clock.
};

}  // namespace pmem
