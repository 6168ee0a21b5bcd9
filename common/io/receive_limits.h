// SPDX-License-Identifier: Apache-2.0
// How much a server may send in answer to one request of ours: a socket that received more is shut
// down. When somebody looks, and why: memory_growth.h. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "common/io/memory_growth.h"
#include "common/io/mutex.h"
#include "common/io/work_paced_task.h"

namespace pmem {

class ReceiveLimits {
 public:
  static constexpr int64_t kNone = INT64_MAX;  // No limit.

  // That of all clients, since they share one pool too. It looks by itself while one of them lives.
  static std::shared_ptr<ReceiveLimits> Shared();

  // Looks only when it is told.
  ReceiveLimits() = default;

  // Now, the TCP socket is asked for a body of at most `body_bytes_max`. Again for each request
  // that it carries; until it is closed.
  void Expect(int fd, int64_t body_bytes_max) ABSL_LOCKS_EXCLUDED(mu_);

  // Shuts down the sockets that received more since they were asked. Returns how many.
  int Look() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Limit {
    uint64_t cookie = 0;  // Of the socket: its number may be another's by now.
    uint64_t received_max = 0;
  };

  void Tick();

  Mutex mu_;
  std::map<int, Limit> limits_ ABSL_GUARDED_BY(mu_);
  MemoryGrowth growth_;                // Of the looking thread.
  std::optional<WorkPacedTask> task_;  // Last: it ends first.
};

}  // namespace pmem
