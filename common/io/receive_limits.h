// SPDX-License-Identifier: Apache-2.0
// How much a server may send in answer to one request of ours. cpprestsdk reads a whole header, or
// a whole chunk, into memory before anybody sees a byte of it, so what a socket has received is
// asked of the kernel, and one that received more than its limit is shut down.
//
// Looks are cheap as long as nothing happens: they come with the growth of the process's resident
// memory, in which such an answer shows, and now and then. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"

namespace pmem {

inline constexpr absl::Duration kReceivePeriod = absl::Milliseconds(100);
// A look comes when the memory has grown by so much, or with each so manieth period.
inline constexpr int64_t kReceiveStepBytes = int64_t{16} * 1024 * 1024;
inline constexpr int kReceivePeriodsMax = 20;
// What an answer may take beside its body: the header, and of TLS and chunks a share of the body.
inline constexpr int64_t kAnswerHeaderBytesMax = int64_t{1024} * 1024;
inline constexpr int64_t kAnswerFramingShare = 4;

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
  // Of the looking thread.
  int64_t least_bytes_ = INT64_MAX;  // Resident since the last look.
  int periods_ = 0;
  std::optional<PeriodicTask> task_;  // Last: it ends first.
};

}  // namespace pmem
