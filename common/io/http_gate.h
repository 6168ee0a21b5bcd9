// SPDX-License-Identifier: Apache-2.0
// What a server waits for when it stops. Thread-safe.
#pragma once

#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"

namespace pmem {

// Counts open requests and answers under way, and keeps the server alive while one of its handlers
// or answers runs. It outlives the server: Responders share it.
class HttpGate {
 public:
  explicit HttpGate(int open_max) : open_max_(open_max) {}

  bool Open() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (draining_ || open_ >= open_max_) return false;
    ++open_;
    return true;
  }
  void Done() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --open_;
    changed_.SignalAll();
  }
  // An answer is handed over, and its last byte is written.
  void Sending(int change) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    sending_ += change;
    changed_.SignalAll();
  }
  bool Enter() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (closed_) return false;
    ++busy_;
    return true;
  }
  void Leave() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    --busy_;
    changed_.SignalAll();
  }
  // Waits at most `drain` for open requests and their answers, then for as long as something is
  // inside.
  void Close(absl::Duration drain) ABSL_LOCKS_EXCLUDED(mu_) {
    const RealClock clock;
    const absl::Time end = clock.SteadyNow() + drain;
    MutexLock lock(&mu_);
    draining_ = true;
    for (absl::Time now = clock.SteadyNow(); open_ + sending_ > 0 && now < end;
         now = clock.SteadyNow()) {
      changed_.WaitWithTimeout(&mu_, end - now);
    }
    closed_ = true;
    while (busy_ > 0) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
  }

 private:
  Mutex mu_;
  CondVar changed_;
  const int open_max_;
  int open_ ABSL_GUARDED_BY(mu_) = 0;
  int sending_ ABSL_GUARDED_BY(mu_) = 0;
  int busy_ ABSL_GUARDED_BY(mu_) = 0;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace pmem
