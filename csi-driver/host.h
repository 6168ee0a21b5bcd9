// SPDX-License-Identifier: Apache-2.0
// What the driver does to the node beside its persistent memory: file systems, mounts, wiping.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "capacity-agent/device/erase.h"
#include "csi-driver/core/mount_table.h"

namespace pmem::driver {

using agent::Erasure;

struct MountRequest {
  std::string source;
  std::string target;
  std::string type;  // Empty: a bind mount.
  std::vector<std::string> options;
  bool is_read_only = false;
};

struct Usage {
  bool is_block = false;
  int64_t total_bytes = 0;
  int64_t used_bytes = 0;       // Not of a block device.
  int64_t available_bytes = 0;  // Likewise, and what follows.
  int64_t total_inodes = 0;
  int64_t used_inodes = 0;
  int64_t available_inodes = 0;
};

// Thread-safe. Blocks for bounded times, but for Erase of all. Errors of all: NotFound for a device
// or path that is not there, InvalidArgument for options that are not allowed, FailedPrecondition
// for a device in use, Unavailable when the kernel or a program failed otherwise.
class Host {
 public:
  virtual ~Host() = default;

  // "ext4", "xfs", …, kUnfinishedXfs (format.h), or "" for a device that nothing is on.
  // FailedPrecondition when it cannot be told.
  virtual absl::StatusOr<std::string> FileSystemOn(const std::string& device) = 0;
  // Of a device that FileSystemOn finds nothing on: "" when nobody can have data there, or else
  // what there is, for people.
  virtual absl::StatusOr<std::string> DataOn(const std::string& device) = 0;
  // The same of a volume, where a Format that did not come to its end left no data either: "".
  virtual absl::StatusOr<std::string> DataOnVolume(const std::string& device) = 0;
  // Whether all that is on it is what a vgcreate of that name left that was cut off
  // (half_made_group.h).
  virtual absl::StatusOr<bool> HasHalfMadeGroup(const std::string& device,
                                                const std::string& group) = 0;
  // Makes one that can be mounted with DAX. Never asks whether something was there.
  virtual absl::Status Format(const std::string& device, std::string_view type) = 0;
  // Before a file system is mounted: a Format that was cut off after its last but one step is done,
  // and DataOnVolume no longer takes the device for one without data.
  virtual absl::Status FinishFormat(const std::string& device) = 0;
  // Grows the mounted file system to its device.
  virtual absl::Status Grow(const std::string& device, const std::string& path,
                            std::string_view type) = 0;
  virtual bool CanDax(const std::string& device) = 0;
  virtual absl::StatusOr<std::string> DeviceNumber(const std::string& device) = 0;
  // Of the device of that number: whoever writes to it hangs until it is resumed.
  virtual bool IsSuspended(const std::string& device_number) = 0;
  // Of a device that nobody has mounted, published or open for himself.
  virtual absl::Status Erase(const std::string& device, Erasure erasure) = 0;

  // The topmost mount at exactly this path, wherever its links lead; nothing when there is none.
  virtual absl::StatusOr<std::optional<Mount>> MountAt(const std::string& path) = 0;
  virtual absl::Status MountOn(const MountRequest& request) = 0;
  // What is bound there can no longer be written through this path. FailedPrecondition while
  // somebody writes through it.
  virtual absl::Status MakeReadOnly(const std::string& path) = 0;
  // Nothing mounted there: OK.
  virtual absl::Status Unmount(const std::string& path) = 0;

  // There already: OK.
  virtual absl::Status MakeDirectory(const std::string& path) = 0;
  virtual absl::Status MakeFile(const std::string& path) = 0;
  // An empty directory, or a file. Not there: OK.
  virtual absl::Status RemovePath(const std::string& path) = 0;

  virtual absl::StatusOr<Usage> UsageAt(const std::string& path) = 0;
};

}  // namespace pmem::driver
