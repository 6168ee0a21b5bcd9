// SPDX-License-Identifier: Apache-2.0
// Who works on what: one at a time for each key (a volume, a kind of devices). The work may be
// slow; the lock inside is held only to look and to mark. Thread-safe.
#pragma once

#include <set>
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

 private:
  void End(const std::string& key) ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  CondVar changed_;
  std::set<std::string> taken_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem::driver
