// SPDX-License-Identifier: Apache-2.0
// VolumeGroups, by LVM's own report command: it alone knows how to read the metadata.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "capacity-agent/device/command.h"
#include "capacity-agent/device/lvm_command.h"
#include "capacity-agent/device/pool_reader.h"

namespace pmem::agent {

// Not thread-safe.
class LvmReader final : public PoolReader {
 public:
  // As LvmCommand's.
  LvmReader(const std::string& command, absl::Duration timeout,
            ListGroupDevices group_devices = ReadGroupDevices);

  std::string_view source() const override { return "lvm"; }
  bool Reads(PoolKind kind) const override { return kind == PoolKind::kLvm; }
  // Errors: those of LvmCommand and ParseLvmReport; FailedPrecondition for an exit status other
  // than 0, even with output: VolumeGroups may be missing from it.
  absl::StatusOr<DeviceState> Read() override;

 private:
  const LvmCommand command_;
  const absl::Duration timeout_;
  CommandRunner runner_;
};

}  // namespace pmem::agent
