// SPDX-License-Identifier: Apache-2.0
// Whose bytes are waited for, and until when. One look now and then for all of them: to start and
// to cancel a timer for each cost a change of threads. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "common/io/mutex.h"

namespace pmem {

class LateBodies {
 public:
  class Waiter {
   public:
    virtual ~Waiter() = default;
    // Once at most, on the thread that looks; it may be too late.
    virtual void Expire() noexcept = 0;
  };
  using Key = std::pair<absl::Time, int64_t>;  // The deadline, and a number of its own.

  // What goes away needs not be removed.
  Key Add(absl::Time deadline, std::weak_ptr<Waiter> waiter) ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(const Key& key) ABSL_LOCKS_EXCLUDED(mu_);
  // Those whose deadline is not after `now` are told, and forgotten.
  // False: nobody's bytes are waited for any more.
  bool Look(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Mutex mu_;
  int64_t last_ ABSL_GUARDED_BY(mu_) = 0;
  absl::btree_map<Key, std::weak_ptr<Waiter>> waiters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem
