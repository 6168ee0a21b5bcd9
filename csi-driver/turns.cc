// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/turns.h"

#include "absl/strings/str_cat.h"
#include "common/io/clock.h"

namespace pmem::driver {

absl::StatusOr<Turns::Turn> Turns::Take(const std::string& key, absl::Duration patience) {
  const RealClock clock;
  const absl::Time deadline = clock.SteadyNow() + patience;
  MutexLock lock(&mu_);
  while (taken_.contains(key)) {
    const absl::Duration left = deadline - clock.SteadyNow();
    if (left <= absl::ZeroDuration()) {
      return absl::AbortedError(absl::StrCat(key, ": another operation is under way"));
    }
    changed_.WaitWithTimeout(&mu_, left);
  }
  taken_.insert(key);
  return Turn(this, key);
}

void Turns::End(const std::string& key) {
  MutexLock lock(&mu_);
  taken_.erase(key);
  changed_.SignalAll();
}

}  // namespace pmem::driver
