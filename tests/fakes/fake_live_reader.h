// SPDX-License-Identifier: Apache-2.0
// The API server as far as a verb reads it live: objects that a test put there, and how often it
// was asked. Thread-safe.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/io/mutex.h"
#include "extender/core/live_reader.h"
#include "tests/fakes/fake_clock.h"

namespace pmem::extender {

class FakeLiveReader final : public LiveReader {
 public:
  void Hold(std::vector<Claim> claims, std::vector<StorageClass> classes = {})
      ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    claims_ = std::move(claims);
    classes_ = std::move(classes);
  }
  void Add(Claim claim) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    claims_.push_back(std::move(claim));
  }
  // What every read answers from now on.
  void Fail(absl::Status failure) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    failure_ = std::move(failure);
  }
  // How long a read takes from now on, by `clock`, which must outlive the reader.
  void Take(absl::Duration duration, FakeClock* clock) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    duration_ = duration;
    clock_ = clock;
  }
  // Reads wait from now on, until Resume.
  void Pause() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    is_paused_ = true;
  }
  void Resume() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    is_paused_ = false;
    changed_.SignalAll();
  }
  void WaitForReads(int count) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    while (reads_ < count) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
  }
  int reads() const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return reads_;
  }

  absl::StatusOr<LiveObjects> Read(const std::vector<ObjectKey>& claims,
                                   const std::vector<std::string>& classes,
                                   absl::Duration time) override ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    ++reads_;
    changed_.SignalAll();
    while (is_paused_) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
    if (clock_ != nullptr) clock_->Advance(std::min(duration_, time));
    if (duration_ > time) return absl::DeadlineExceededError("silence");
    if (!failure_.ok()) return failure_;
    LiveObjects live;
    for (const ObjectKey& key : claims) {
      const auto it = std::find_if(claims_.begin(), claims_.end(),
                                   [&](const Claim& claim) { return claim.meta.key == key; });
      it != claims_.end() ? live.claims.push_back(*it) : live.absent_claims.push_back(key);
    }
    for (const std::string& name : classes) {
      const auto it = std::find_if(classes_.begin(), classes_.end(), [&](const StorageClass& one) {
        return one.meta.key.name == name;
      });
      it != classes_.end() ? live.classes.push_back(*it) : live.absent_classes.push_back(name);
    }
    return live;
  }

 private:
  mutable Mutex mu_;
  CondVar changed_;
  bool is_paused_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<Claim> claims_ ABSL_GUARDED_BY(mu_);
  std::vector<StorageClass> classes_ ABSL_GUARDED_BY(mu_);
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  int reads_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration duration_ ABSL_GUARDED_BY(mu_);
  FakeClock* clock_ ABSL_GUARDED_BY(mu_) = nullptr;  // Null: reads take no time.
};

}  // namespace pmem::extender
