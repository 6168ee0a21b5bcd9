// SPDX-License-Identifier: Apache-2.0
// A flag that ends a wait for something else: who waits is woken when it is set, and needs not look
// at it now and then. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <set>
#include <utility>

#include "common/io/mutex.h"

namespace pmem {

class StopFlag {
 public:
  StopFlag() = default;
  StopFlag(const StopFlag&) = delete;
  StopFlag& operator=(const StopFlag&) = delete;

  bool is_set() const { return is_set_; }
  void Set() ABSL_LOCKS_EXCLUDED(mu_) {
    is_set_ = true;
    MutexLock lock(&mu_);
    for (const Waker* waker : wakers_) waker->wake_();
  }
  // False: it was not set.
  bool Clear() { return is_set_.exchange(false); }

  // While it lives, each Set calls `wake` on the thread that sets. What is set before is not told:
  // look at the flag once it lives. `wake` must not touch the flag.
  class Waker {
   public:
    Waker(const StopFlag& flag, std::function<void()> wake) : flag_(flag), wake_(std::move(wake)) {
      MutexLock lock(&flag_.mu_);
      flag_.wakers_.insert(this);
    }
    // When it returns, `wake` is not called any more.
    ~Waker() {
      MutexLock lock(&flag_.mu_);
      flag_.wakers_.erase(this);
    }
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;

   private:
    friend class StopFlag;
    const StopFlag& flag_;
    const std::function<void()> wake_;
  };

 private:
  std::atomic<bool> is_set_{false};
  mutable Mutex mu_;
  mutable std::set<const Waker*> wakers_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem
