// SPDX-License-Identifier: Apache-2.0
// How a volume will be used, and whether that can be. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace pmem::driver {

inline constexpr int kMountOptionsMax = 64;
inline constexpr int kMountOptionBytesMax = 256;

struct VolumeUse {
  bool is_block = false;
  bool is_single_node = true;
  bool is_read_only = false;
  std::string file_system = "ext4";  // Means nothing for a block device.
  std::vector<std::string> mount_options;
  bool operator==(const VolumeUse&) const = default;
};

// InvalidArgument: more than one node, a file system that is neither ext4 nor xfs, mount options
// that would be another kind of mount or are too many.
absl::Status CheckUse(const VolumeUse& use);

// Smallest block device that all of the uses accept; 0: any.
int64_t VolumeBytesMin(absl::Span<const VolumeUse> uses);

}  // namespace pmem::driver
