// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/volume_use.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "csi-driver/core/creation.h"

namespace pmem::driver {
namespace {

// They ask the kernel for something else than to mount this file system there.
constexpr std::string_view kForbidden[] = {
    "bind",    "loop",   "move",   "private", "rbind",      "remount",    "rprivate",
    "rshared", "rslave", "shared", "slave",   "unbindable", "runbindable"};

absl::Status CheckOption(const std::string& option) {
  if (option.empty() || static_cast<int>(option.size()) > kMountOptionBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a mount option of ", option.size(),
                                                   " bytes, at most ", kMountOptionBytesMax));
  }
  if (option.find(',') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("mount option ", option, " is several: give one each"));
  }
  const std::string_view name = std::string_view(option).substr(0, option.find('='));
  if (std::find(std::begin(kForbidden), std::end(kForbidden), name) != std::end(kForbidden)) {
    return absl::InvalidArgumentError(absl::StrCat("mount option ", option, " is not allowed"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckUse(const VolumeUse& use) {
  if (!use.is_single_node) {
    return absl::InvalidArgumentError(
        "access mode: a volume of persistent memory is used on its own node alone");
  }
  if (use.is_block) return absl::OkStatus();
  if (use.file_system != "ext4" && use.file_system != "xfs") {
    return absl::InvalidArgumentError(
        absl::StrCat("fs_type ", use.file_system, " is neither ext4 nor xfs"));
  }
  if (use.mount_options.size() > size_t{kMountOptionsMax}) {
    return absl::InvalidArgumentError(
        absl::StrCat(use.mount_options.size(), " mount options, at most ", kMountOptionsMax));
  }
  for (const std::string& option : use.mount_options) {
    if (absl::Status status = CheckOption(option); !status.ok()) return status;
  }
  return absl::OkStatus();
}

int64_t VolumeBytesMin(absl::Span<const VolumeUse> uses) {
  const bool has_xfs = std::any_of(uses.begin(), uses.end(), [](const VolumeUse& use) {
    return !use.is_block && use.file_system == "xfs";
  });
  return has_xfs ? kXfsBytesMin : 0;
}

}  // namespace pmem::driver
