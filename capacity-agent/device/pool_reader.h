// SPDX-License-Identifier: Apache-2.0
// The seam between the devices and everything above: one call, one reading. Not
// thread-safe: a reader takes one call at a time.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "capacity-agent/core/device_state.h"

namespace pmem::agent {

class PoolReader {
 public:
  virtual ~PoolReader() = default;

  // "lvm", "ndctl", "simulated": in errors, metrics and logs.
  virtual std::string_view source() const = 0;
  // Whether it tells of pools of this kind.
  virtual bool Reads(PoolKind) const { return true; }

  // Everything of its kind that the node has, read now. Blocks for a bounded time. One call at a
  // time. An error means that nothing is known; what was found before an error is not returned.
  virtual absl::StatusOr<DeviceState> Read() = 0;
};

}  // namespace pmem::agent
