// SPDX-License-Identifier: Apache-2.0
// When it is time to look for peers that send more than they may. cpprestsdk reads a whole header,
// or a whole chunk, into memory before anybody sees a byte of it, so what a socket has received is
// asked of the kernel. Such looks are cheap as long as nothing happens: they come with the growth
// of the process's resident memory, in which such a peer shows, and now and then. Not thread-safe.
// Who asks is a WorkPacedTask: memory does not grow without work.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace pmem {

// How often it is asked while the process works, and while it does not.
inline constexpr absl::Duration kReceivePeriod = absl::Milliseconds(100);
inline constexpr absl::Duration kReceiveIdlePeriod = absl::Milliseconds(2500);
// A look is due when the memory has grown by so much, or so long after the last one.
inline constexpr int64_t kReceiveStepBytes = int64_t{16} * 1024 * 1024;
inline constexpr absl::Duration kReceiveLookPeriod = absl::Seconds(2);

class MemoryGrowth {
 public:
  // At `now` of the steady clock. True: a look is due, and will be done.
  bool IsLookDue(absl::Time now);

 private:
  int64_t least_bytes_ = INT64_MAX;  // Resident since the last look.
  absl::Time next_look_ = absl::InfinitePast();
};

// What a message may take beside its body: the header, and of TLS and chunks a share of the body.
inline constexpr int64_t kHeaderBytesMax = int64_t{1024} * 1024;
inline constexpr int64_t kFramingShare = 4;
constexpr int64_t WithFraming(int64_t body_bytes) {
  return body_bytes + body_bytes / kFramingShare;
}
constexpr int64_t MessageBytesMax(int64_t body_bytes_max) {
  return WithFraming(body_bytes_max) + kHeaderBytesMax;
}

}  // namespace pmem
