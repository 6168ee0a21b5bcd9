// SPDX-License-Identifier: Apache-2.0
// The node itself: mount(2), mkfs, blkid and the like. Needs root. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "csi-driver/device/device_programs.h"
#include "csi-driver/host.h"

namespace pmem::driver {

// Programs are looked up in PATH, run without a shell and ended after `timeout`, those
// that write after kWritingFactor times that.
class LinuxHost final : public Host {
 public:
  explicit LinuxHost(absl::Duration timeout) : timeout_(timeout) {}

  absl::StatusOr<std::string> FileSystemOn(const std::string& device) override;
  absl::StatusOr<std::string> DataOn(const std::string& device) override;
  absl::StatusOr<std::string> DataOnVolume(const std::string& device) override;
  absl::StatusOr<bool> HasHalfMadeGroup(const std::string& device,
                                        const std::string& group) override;
  absl::Status Format(const std::string& device, std::string_view type) override;
  absl::Status FinishFormat(const std::string& device) override;
  absl::Status Grow(const std::string& device, const std::string& path,
                    std::string_view type) override;
  bool CanDax(const std::string& device) override;
  absl::StatusOr<std::string> DeviceNumber(const std::string& device) override;
  bool IsSuspended(const std::string& device_number) override;
  absl::Status Erase(const std::string& device, Erasure erasure) override;
  absl::StatusOr<std::optional<Mount>> MountAt(const std::string& path) override;
  absl::Status MountOn(const MountRequest& request) override;
  absl::Status MakeReadOnly(const std::string& path) override;
  absl::Status Unmount(const std::string& path) override;
  absl::Status MakeDirectory(const std::string& path) override;
  absl::Status MakeFile(const std::string& path) override;
  absl::Status RemovePath(const std::string& path) override;
  absl::StatusOr<Usage> UsageAt(const std::string& path) override;

 private:
  absl::Status Run(const std::string& device, std::vector<std::string> arguments);

  const absl::Duration timeout_;
  DevicePrograms programs_;
};

}  // namespace pmem::driver
