// SPDX-License-Identifier: Apache-2.0
// Requests that a test keeps open: their Responders, until it takes them.
#pragma once

#include <utility>
#include <vector>

#include "common/io/http_server.h"
#include "common/io/mutex.h"

namespace pmem {

// Thread-safe.
class HeldResponders {
 public:
  void Add(Responder respond) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    held_.push_back(std::move(respond));
    changed_.SignalAll();
  }
  // Waits until there are so many and takes them all.
  std::vector<Responder> Take(size_t count) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (held_.size() < count) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
    return std::exchange(held_, {});
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<Responder> held_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem
