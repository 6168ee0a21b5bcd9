// SPDX-License-Identifier: Apache-2.0
// LogicalVolumes, made and removed by LVM's own commands, each bounded in time. Not
// thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "capacity-agent/core/lvm_commands.h"
#include "capacity-agent/device/command.h"
#include "capacity-agent/device/lvm_command.h"
#include "capacity-agent/device/volume_maker.h"

namespace pmem::agent {

// Room is the caller's to check, in a report read just before: LVM tells a full VolumeGroup by its
// messages alone, so that it comes as Unavailable here, and the next try sees it in the report.
class LvmMaker final : public VolumeMaker {
 public:
  // As LvmReader's; but the commands here write, and have kWritingFactor times the `timeout`.
  // `root`, where /dev and /sys are: for tests.
  LvmMaker(const std::string& command, absl::Duration timeout,
           ListGroupDevices group_devices = ReadGroupDevices, std::string root = "");

  absl::Status Create(const VolumePlace& place, int64_t bytes, const Work& once_taken) override;
  absl::Status Extend(const VolumePlace& place, int64_t bytes) override;
  // FailedPrecondition when another VolumeGroup's volume has the device's name, Unavailable while
  // the path leads to another volume's device.
  absl::StatusOr<std::string> Open(const VolumePlace& place) override;
  std::optional<std::string> OpenDevice(const VolumePlace& place) override;
  // LogicalVolumes stay active: it costs nothing, and saves a command at the next Open.
  absl::Status Close(const VolumePlace&) override { return absl::OkStatus(); }
  absl::Status Remove(const VolumePlace& place) override;
  absl::Status Disown(const VolumePlace& place) override;

  // On a device that nothing is on: LVM refuses others. `is_half_made`: or what an earlier call
  // left that was cut off. One that is still at work has LVM's lock: then the group is there.
  absl::Status CreateGroup(const std::string& group, const std::string& device, bool is_half_made) {
    return Run(LvmCreateGroupArguments(group, device, is_half_made));
  }

 private:
  absl::Status Run(const std::vector<std::string>& arguments);
  absl::Status Finish(const VolumePlace& unfinished, const std::string& name);
  std::string PathOf(const VolumePlace& place) const {
    return root_ + MapperPath(place.pool, place.name);
  }
  // What sysfs has of the device: a path. Not there: one of nothing.
  std::string SysfsPathOf(const VolumePlace& place) const;
  bool IsSuspended(const VolumePlace& place) const;
  // A command that is killed between suspending the device and resuming it leaves it so: whatever
  // touches it hangs.
  absl::Status Resume(const VolumePlace& place);
  absl::Status CheckName(const VolumePlace& place) const;
  absl::Status CheckOwn(const VolumePlace& place) const;
  // Whether that device of the volume, or of a layer of LVM's under it, lies on `own` alone.
  absl::Status CheckSlaves(const VolumePlace& place, const std::string& sysfs_path,
                           const std::vector<std::string>& own, int layers_max) const;

  const LvmCommand command_;
  const absl::Duration timeout_;
  const std::string root_;
  CommandRunner runner_;
};

}  // namespace pmem::agent
