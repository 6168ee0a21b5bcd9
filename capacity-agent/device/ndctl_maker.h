// SPDX-License-Identifier: Apache-2.0
// Volumes as NVDIMM namespaces of mode fsdax, one each, told by their alt name. No type of
// libndctl leaves ndctl_maker.cc. Not thread-safe.
#pragma once

#include <optional>
#include <string>

#include "capacity-agent/device/volume_maker.h"

namespace pmem::agent {

// A volume takes `bytes` of its region; its block device is smaller by the page metadata at its
// begin (about 1.6 %). Kernel names (namespace1.0, pmem1) change with every boot and are never
// kept. Needs root.
class NdctlMaker final : public VolumeMaker {
 public:
  absl::Status Create(const VolumePlace& place, int64_t bytes, const Work& once_taken) override;
  absl::Status Extend(const VolumePlace& place, int64_t bytes) override;
  absl::StatusOr<std::string> Open(const VolumePlace& place) override;
  std::optional<std::string> OpenDevice(const VolumePlace& place) override;
  absl::Status Close(const VolumePlace&) override { return absl::OkStatus(); }
  // With what the kernel keeps at its begin: of a terabyte 16 GB. Once that is begun it has the
  // name of a half-made one.
  absl::Status Remove(const VolumePlace& place) override;
  absl::StatusOr<Removal> BeginRemoval(const VolumePlace& place) override;
  absl::Status Disown(const VolumePlace& place) override;
  absl::Status Disable(const VolumePlace& place) override;
};

}  // namespace pmem::agent
