// SPDX-License-Identifier: Apache-2.0
// NVDIMM regions and their namespaces, by libndctl. No type and no sentinel (ULLONG_MAX, -1)
// of it leaves ndctl_reader.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "capacity-agent/device/pool_reader.h"

namespace pmem::agent {

// Needs no right but to read sysfs; offsets of namespaces are readable by root only and else stay
// unknown. Opens a new libndctl context for each reading, because a context keeps its first list of
// namespaces. Not thread-safe, like libndctl.
class NdctlReader final : public PoolReader {
 public:
  std::string_view source() const override { return "ndctl"; }
  bool Reads(PoolKind kind) const override { return kind == PoolKind::kDirect; }

  // Regions of type pmem, sorted by name; none when the node has no NVDIMM. Errors: Unavailable
  // when libndctl cannot be set up, Aborted when a size vanished during the reading (try again).
  absl::StatusOr<DeviceState> Read() override;
};

// The block devices, without "/dev/", of all namespaces that are no volumes (own_groups.h): where
// a VolumeGroup may lie. Unavailable when libndctl cannot be set up. Thread-safe.
absl::StatusOr<std::vector<std::string>> ReadGroupDevices();

}  // namespace pmem::agent
