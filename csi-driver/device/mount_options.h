// SPDX-License-Identifier: Apache-2.0
// Words of a mount's options -> flags of mount(2) and the text that the file system reads. Pure.
#pragma once

#include <string>
#include <vector>

namespace pmem::driver {

struct MountOptions {
  unsigned long flags = 0;
  std::string text;  // "dax,discard"
  bool operator==(const MountOptions&) const = default;
};

// Words that mount(2) has a flag for set or clear it; all others are the file system's.
MountOptions MountOptionsOf(const std::vector<std::string>& words);

}  // namespace pmem::driver
