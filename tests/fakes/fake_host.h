// SPDX-License-Identifier: Apache-2.0
// A node without a kernel: file systems by device, mounts by path.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_join.h"
#include "common/pure/status_macros.h"
#include "csi-driver/host.h"

namespace pmem::driver {

class FakeHost final : public Host {
 public:
  std::map<std::string, std::string> file_systems;  // Device -> type.
  std::map<std::string, std::string> data;          // Device -> what no probe knows.
  std::map<std::string, absl::Status> unreadable;   // Device -> what a look at it ends with.
  std::map<std::string, std::string> half_made;     // Device -> VolumeGroup.
  std::set<std::string> suspended;                  // Numbers of devices.
  std::set<std::string> marked;                     // Devices that are being formatted.
  std::map<std::string, Mount> mounts;              // Path -> what is on it.
  std::set<std::string> paths;                      // Made by us.
  std::vector<std::string> calls;                   // "mount /dev/x ext4 /staging noatime,dax"
  bool has_dax = true;
  std::function<void()> erases;  // What happens while a device is erased.
  absl::Status failure;          // Of the next call that changes something; then it is OK again.

  absl::StatusOr<std::string> FileSystemOn(const std::string& device) override {
    PMEM_RETURN_IF_ERROR(unreadable[device]);
    return file_systems[device];
  }
  absl::StatusOr<std::string> DataOn(const std::string& device) override { return data[device]; }
  absl::StatusOr<std::string> DataOnVolume(const std::string& device) override {
    return marked.count(device) > 0 ? "" : data[device];
  }
  absl::StatusOr<bool> HasHalfMadeGroup(const std::string& device,
                                        const std::string& group) override {
    return half_made[device] == group;
  }
  // One that fails leaves what no probe knows.
  absl::Status Format(const std::string& device, std::string_view type) override {
    marked.insert(device);
    data[device] = "half a file system";
    PMEM_RETURN_IF_ERROR(Note("mkfs " + std::string(type) + " " + device));
    file_systems[device] = std::string(type);
    return FinishFormat(device);
  }
  absl::Status FinishFormat(const std::string& device) override {
    marked.erase(device);
    return absl::OkStatus();
  }
  absl::Status Grow(const std::string& device, const std::string&, std::string_view type) override {
    return Note("grow " + std::string(type) + " " + device);
  }
  bool CanDax(const std::string&) override { return has_dax; }
  // Of a mounted device node: that of its source, which the fake keeps in `root`.
  absl::StatusOr<std::string> DeviceNumber(const std::string& device) override {
    const auto mount = mounts.find(device);
    return mount == mounts.end() ? "number of " + device : mount->second.root;
  }
  bool IsSuspended(const std::string& device_number) override {
    return suspended.contains(device_number);
  }
  absl::Status Erase(const std::string& device, Erasure erasure) override {
    if (erases) erases();
    for (const auto& [path, mount] : mounts) {
      if (mount.device_number == "number of " + device) {
        return absl::FailedPreconditionError(device + " is in use");
      }
    }
    PMEM_RETURN_IF_ERROR(Note("erase " + device));
    if (erasure != Erasure::kNone) file_systems.erase(device), data.erase(device);
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<Mount>> MountAt(const std::string& path) override {
    const auto found = mounts.find(path);
    if (found == mounts.end()) return std::nullopt;
    return found->second;
  }
  absl::Status MountOn(const MountRequest& request) override {
    PMEM_RETURN_IF_ERROR(Note("mount " + request.source + " " +
                              (request.type.empty() ? "bind" : request.type) + " " +
                              request.target + (request.is_read_only ? " ro " : " ") +
                              absl::StrJoin(request.options, ",")));
    Mount mount = {
        .device_number = "number of " + request.source,
        .root = "number of " + request.source,
        .type = request.type,
        .is_read_only = request.is_read_only || absl::c_linear_search(request.options, "ro")};
    if (const auto source = mounts.find(request.source); source != mounts.end()) {
      mount = source->second;
      mount.is_read_only = source->second.is_read_only || request.is_read_only;
    }
    mounts[request.target] = mount;
    return absl::OkStatus();
  }
  absl::Status MakeReadOnly(const std::string& path) override {
    PMEM_RETURN_IF_ERROR(Note("remount ro " + path));
    mounts.at(path).is_read_only = true;
    return absl::OkStatus();
  }
  absl::Status Unmount(const std::string& path) override {
    PMEM_RETURN_IF_ERROR(std::exchange(failure, absl::OkStatus()));
    mounts.erase(path);
    return absl::OkStatus();
  }
  absl::Status MakeDirectory(const std::string& path) override {
    paths.insert(path);
    return absl::OkStatus();
  }
  absl::Status MakeFile(const std::string& path) override { return MakeDirectory(path); }
  absl::Status RemovePath(const std::string& path) override {
    paths.erase(path);
    return absl::OkStatus();
  }
  absl::StatusOr<Usage> UsageAt(const std::string&) override {
    return Usage{.total_bytes = 100,
                 .used_bytes = 30,
                 .available_bytes = 70,
                 .total_inodes = 10,
                 .used_inodes = 3,
                 .available_inodes = 7};
  }

 private:
  absl::Status Note(const std::string& call) {
    PMEM_RETURN_IF_ERROR(std::exchange(failure, absl::OkStatus()));
    calls.push_back(call);
    return absl::OkStatus();
  }
};

}  // namespace pmem::driver
