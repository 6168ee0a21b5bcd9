// SPDX-License-Identifier: Apache-2.0
// How the lvm program is called: what it may see, and for how long it may take.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "capacity-agent/device/command.h"
#include "capacity-agent/device/ndctl_reader.h"

namespace pmem::agent {

// Where a VolumeGroup of ours may lie. Another one than ReadGroupDevices: for tests.
using ListGroupDevices = std::function<absl::StatusOr<std::vector<std::string>>()>;

// Thread-safe if the list is.
class LvmCommand {
 public:
  // `command`: words separated by spaces, e.g. "lvm" or "nsenter --target 1 --mount lvm".
  LvmCommand(const std::string& command, ListGroupDevices group_devices);

  absl::StatusOr<std::vector<std::string>> GroupDevices() const { return group_devices_(); }
  // A call that sees nothing but the group devices of now. To look for them is of its `timeout`:
  // DeadlineExceeded when nothing of it is left. Other errors: those of the list.
  absl::StatusOr<CommandOptions> Options(const std::vector<std::string>& arguments,
                                         absl::Duration timeout) const;

 private:
  const std::vector<std::string> command_;
  const ListGroupDevices group_devices_;
};

}  // namespace pmem::agent
