// SPDX-License-Identifier: Apache-2.0
#include "common/io/late_bodies.h"

#include <vector>

namespace pmem {

LateBodies::Key LateBodies::Add(absl::Time deadline, std::weak_ptr<Waiter> waiter) {
  MutexLock lock(&mu_);
  const Key key(deadline, ++last_);
  waiters_.emplace(key, std::move(waiter));
  return key;
}

void LateBodies::Remove(const Key& key) {
  MutexLock lock(&mu_);
  waiters_.erase(key);
}

bool LateBodies::Look(absl::Time now) {
  std::vector<std::weak_ptr<Waiter>> late;
  bool is_waiting = false;
  {
    MutexLock lock(&mu_);
    const auto end = waiters_.upper_bound({now, INT64_MAX});
    for (auto it = waiters_.begin(); it != end; ++it) late.push_back(it->second);
    waiters_.erase(waiters_.begin(), end);
    is_waiting = !waiters_.empty();
  }
  for (const auto& waiter : late) {
    if (const auto still_there = waiter.lock()) still_there->Expire();
  }
  return is_waiting;
}

}  // namespace pmem
