// SPDX-License-Identifier: Apache-2.0
// The seam to the API server for what the cache lacks. The shell implements it, a fake in tests.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "extender/core/ledger.h"

namespace pmem::extender {

// Reads objects that the cache lacks from the API server, once, for one decision. Blocks.
// Thread-safe.
class LiveReader {
 public:
  // Claims and classes of one pod. More are OutOfRange, which asking again does not change.
  static constexpr size_t kObjectsMax = 64;
  // For all reads of one decision together. Who asks waits for 2 s as shipped (httpTimeout), of
  // which a filter call may wait 250 ms for others' holds (--hold-wait-max); that claims are unread
  // must be said before it goes on without us.
  static constexpr absl::Duration kTimeMax = absl::Milliseconds(1500);

  virtual ~LiveReader() = default;
  // All of it within `time`; what takes longer is DeadlineExceeded.
  virtual absl::StatusOr<LiveObjects> Read(const std::vector<ObjectKey>& claims,
                                           const std::vector<std::string>& classes,
                                           absl::Duration time) = 0;
};

}  // namespace pmem::extender
