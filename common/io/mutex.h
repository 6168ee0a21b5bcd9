// SPDX-License-Identifier: Apache-2.0
// The only lock of the project: absl::Mutex, annotated for clang's thread-safety analysis and
// visible to TSan. (Debian's abseil is built without TSan, so a bare absl::Mutex gives false
// reports.)
//
// Waits are measured on the steady clock. Those of absl::CondVar end at a time of the wall clock:
// set back by an hour, it stops all that is done every second for an hour.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#if defined(__SANITIZE_THREAD__)
#define PMEM_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PMEM_TSAN 1
#endif
#endif

#ifdef PMEM_TSAN
extern "C" void __tsan_acquire(void* addr);
extern "C" void __tsan_release(void* addr);
#endif

namespace pmem {

// From now on nobody looks at the order in which locks are taken. Abseil as Debian builds it does
// so at each lock, with one spin lock for the whole process, and ends the process that breaks an
// order: right for tests, which keep it, and nothing for a program that serves. First thing in
// main.
inline void TrustLockOrder() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    mu_.Lock();
    Acquired();
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    Releasing();
    mu_.Unlock();
  }

 private:
  void Acquired() {
#ifdef PMEM_TSAN
    __tsan_acquire(this);
#endif
  }
  void Releasing() {
#ifdef PMEM_TSAN
    __tsan_release(this);
#endif
  }
  absl::Mutex mu_;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mu) ABSL_EXCLUSIVE_LOCK_FUNCTION(mu) : mu_(mu) { mu_->Lock(); }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mu_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mu_;
};

class CondVar {
 public:
  // Waits for a signal, at most `timeout`. True: timed out. Spurious wake-ups occur.
  bool WaitWithTimeout(Mutex* mu, absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu) {
    // Beyond that the end of the wait cannot be told in nanoseconds.
    const absl::Duration at_most = std::min(timeout, absl::Hours(24 * 365));
    const auto end = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(at_most);
    Held held{mu};
    return cv_.wait_until(held, end) == std::cv_status::timeout;
  }
  void Signal() { cv_.notify_one(); }
  void SignalAll() { cv_.notify_all(); }

 private:
  // As the standard library calls it.
  struct Held {
    void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mu->Lock(); }
    void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mu->Unlock(); }
    Mutex* mu;
  };
  std::condition_variable_any cv_;
};

}  // namespace pmem
