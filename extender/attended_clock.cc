// SPDX-License-Identifier: Apache-2.0
#include "extender/attended_clock.h"

#include <algorithm>

#include "common/io/log.h"

namespace pmem::extender {

absl::Time AttendedClock::SteadyNow() const {
  absl::Duration more;
  absl::Time result;
  {
    MutexLock lock(&mu_);
    // Under the lock: who asks later must not get an earlier time.
    const absl::Time now = clock_->SteadyNow();
    more = std::max(now - asked_at_.value_or(now) - kSilenceMax, absl::ZeroDuration());
    asked_at_ = now;
    left_out_ += more;
    result = now - left_out_;
  }
  if (more > absl::ZeroDuration()) {
    LogWarning("clock", "this process stood still; what was to end meanwhile ends later",
               {{"seconds", absl::ToDoubleSeconds(more + kSilenceMax)}});
  }
  return result;
}

absl::Duration AttendedClock::LeftOut() const {
  MutexLock lock(&mu_);
  return left_out_;
}

}  // namespace pmem::extender
