// SPDX-License-Identifier: Apache-2.0
// Reads the kernel's table of mounts, /proc/self/mountinfo. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pmem::driver {

// One line of the kernel's table of mounts.
struct Mount {
  std::string device_number;  // "259:1", of the file system; of a device node: its file system's.
  std::string root;           // What of the file system is mounted there: "/" or a path.
  std::string type;           // "ext4"
  bool is_read_only = false;
  bool operator==(const Mount&) const = default;
};

// Of the table: a node with thousands of pods has a few MiB.
inline constexpr int64_t kMountTableBytesMax = int64_t{64} * 1024 * 1024;

// The topmost mount at `path` (absolute, without links and "..").
std::optional<Mount> FindMount(std::string_view table, std::string_view path);

// Paths at which one file of a memory file system is mounted: where block volumes are published,
// which are device nodes. Others too; nothing of a file system that could hang when it is looked
// at.
std::vector<std::string> MountedNodes(std::string_view table);

}  // namespace pmem::driver
