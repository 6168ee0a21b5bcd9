// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/format.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/pure/absl_view.h"

namespace pmem::driver {

std::vector<std::string> ProbeArguments(const std::string& device) {
  return {"blkid", "--probe", "--output", "export", device};
}

absl::StatusOr<std::string> ParseProbe(const std::string& device, std::string_view output) {
  std::string type;
  std::string usage;
  for (const absl::string_view line : absl::StrSplit(AbslView(output), '\n')) {
    const std::string_view text = StdView(line);
    if (text.starts_with("PTTYPE=")) {
      return absl::FailedPreconditionError(device + " carries a partition table");
    }
    if (text.starts_with("TYPE=")) type = text.substr(5);
    if (text.starts_with("USAGE=")) usage = text.substr(6);
  }
  if (usage == "filesystem" && !type.empty()) return type;
  return absl::FailedPreconditionError(
      absl::StrCat(device, " carries something that is no file system: ", type));
}

bool IsUnfinishedXfs(std::string_view start) {
  return start.size() >= size_t{kXfsMarkEnd} && start.starts_with("XFSB") &&
         start[kXfsMarkEnd - 1] != 0;
}

bool IsExt4Superblock(std::string_view block) {
  constexpr size_t kMagicOffset = 0x38;
  return block.size() >= kMagicOffset + 2 && block[kMagicOffset] == '\x53' &&
         block[kMagicOffset + 1] == '\xEF';
}

std::string DescribeData(int64_t first, bool has_ext4_backup) {
  return absl::StrCat(
      "something at byte ", first,
      has_ext4_backup ? absl::StrCat(", the copy of an ext4 superblock at block ", kExt4BackupBlock)
                      : "");
}

KernelVersion ParseKernelVersion(std::string_view release) {
  KernelVersion version;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(AbslView(release), absl::ByAnyChar(".-+ "));
  if (parts.size() < 2 || !absl::SimpleAtoi(parts[0], &version.major) ||
      !absl::SimpleAtoi(parts[1], &version.minor)) {
    return {};
  }
  return version;
}

std::vector<std::string> FormatArguments(const std::string& device, std::string_view type,
                                         const KernelVersion& kernel) {
  if (type == "xfs") {
    std::string features = "reflink=0";
    if (kernel < kXfsBigTimeKernel) features += ",bigtime=0,inobtcount=0";
    return {"mkfs.xfs", "-f", "-q", "-K", "-b", "size=4096", "-m", std::move(features), device};
  }
  return {"mkfs.ext4", "-F", "-q",  "-b", "4096", "-E", "stride=512,nodiscard,lazy_itable_init=1",
          "-m",        "0",  device};
}

std::vector<std::string> GrowArguments(const std::string& device, const std::string& path,
                                       std::string_view type) {
  if (type == "xfs") return {"xfs_growfs", "-d", path};
  return {"resize2fs", device};
}

}  // namespace pmem::driver
