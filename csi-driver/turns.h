// SPDX-License-Identifier: Apache-2.0
// Who works on what: one at a time for each key (a volume, a kind of devices), first come, first
// served. The work may be slow; the lock inside is held only to look and to mark. Thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/mutex.h"

namespace pmem::driver {

class Turns {
 public:
  // Whoever holds it works; its end is the end of the turn. Must not outlive the Turns.
  class Turn {
   public:
    Turn(Turns* turns, std::string key) : turns_(turns), key_(std::move(key)) {}
    Turn(Turn&& other) noexcept
        : turns_(std::exchange(other.turns_, nullptr)), key_(std::move(other.key_)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (turns_ != nullptr) turns_->End(key_);
    }

   private:
    Turns* turns_;
    std::string key_;
  };

  // Aborted when somebody else has it still after `patience`.
  absl::StatusOr<Turn> Take(const std::string& key, absl::Duration patience)
      ABSL_LOCKS_EXCLUDED(mu_);
  int waiting(const std::string& key) const ABSL_LOCKS_EXCLUDED(mu_);  // For tests.

 private:
  // The first of each is at work. None is empty.
  using Line = std::list<int64_t>;

  void End(const std::string& key) ABSL_LOCKS_EXCLUDED(mu_);

  mutable Mutex mu_;
  CondVar changed_;
  int64_t last_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, Line> lines_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem::driver
