// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/turns.h"

#include "absl/strings/str_cat.h"
#include "common/io/clock.h"

namespace pmem::driver {

absl::StatusOr<Turns::Turn> Turns::Take(const std::string& key, absl::Duration patience) {
  const RealClock clock;
  const absl::Time deadline = clock.SteadyNow() + patience;
  MutexLock lock(&mu_);
  Line& line = lines_[key];
  const int64_t mine = ++last_;
  line.push_back(mine);
  while (line.front() != mine) {
    const absl::Duration left = deadline - clock.SteadyNow();
    if (left <= absl::ZeroDuration()) {
      line.remove(mine);
      return absl::AbortedError(absl::StrCat(key, ": another operation is under way"));
    }
    changed_.WaitWithTimeout(&mu_, left);
  }
  return Turn(this, key);
}

int Turns::waiting(const std::string& key) const {
  MutexLock lock(&mu_);
  const auto found = lines_.find(key);
  return found == lines_.end() ? 0 : static_cast<int>(found->second.size()) - 1;
}

void Turns::End(const std::string& key) {
  MutexLock lock(&mu_);
  const auto found = lines_.find(key);
  found->second.pop_front();
  if (found->second.empty()) lines_.erase(found);
  changed_.SignalAll();
}

}  // namespace pmem::driver
