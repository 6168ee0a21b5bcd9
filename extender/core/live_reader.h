// SPDX-License-Identifier: Apache-2.0
// The seam to the API server for what the cache lacks. The shell implements it, a fake in tests.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "extender/core/ledger.h"

namespace pmem::extender {

// Reads objects that the cache lacks from the API server, once, for one decision. Blocks.
// Thread-safe.
class LiveReader {
 public:
  // Claims and classes of one pod. More are OutOfRange, which asking again does not change.
  static constexpr size_t kObjectsMax = 64;

  virtual ~LiveReader() = default;
  virtual absl::StatusOr<LiveObjects> Read(const std::vector<ObjectKey>& claims,
                                           const std::vector<std::string>& classes) = 0;
};

}  // namespace pmem::extender
