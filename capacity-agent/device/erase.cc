// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/erase.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/file_descriptor.h"
#include "common/io/files.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kAttributeBytesMax = 4096;
// One request to the kernel; also how often an unfinished one can be interrupted.
constexpr int64_t kStepBytes = 256 * kMiB;

absl::Status Zero(int fd, const std::string& device, int64_t begin, int64_t end) {
  for (int64_t at = begin; at < end; at += kStepBytes) {
    uint64_t range[2] = {static_cast<uint64_t>(at),
                         static_cast<uint64_t>(std::min(kStepBytes, end - at))};
    if (ioctl(fd, BLKZEROOUT, &range) != 0) return ErrnoStatus(errno, device);
  }
  return absl::OkStatus();
}

void AddHolders(const fs::path& directory, std::set<std::string>* holders) {
  std::error_code error;
  for (const auto& each : fs::directory_iterator(directory / "holders", error)) {
    const auto name = ReadFile((each.path() / "dm/name").string(), kAttributeBytesMax);
    holders->insert(
        absl::StrCat(each.path().filename().string(),
                     name.ok() ? absl::StrCat(" (", absl::StripAsciiWhitespace(*name), ")") : ""));
  }
}

// For people: behind "is in use".
std::string ByHolders(const std::string& device) {
  struct stat info = {};
  if (stat(device.c_str(), &info) != 0) return "";
  const std::string holders =
      HoldersIn(absl::StrCat("/sys/dev/block/", major(info.st_rdev), ":", minor(info.st_rdev)));
  return holders.empty() ? "" : absl::StrCat(" by ", holders);
}

struct Unused {
  FileDescriptor file;
  int64_t bytes = 0;
};

absl::StatusOr<Unused> OpenUnused(const std::string& device) {
  // O_EXCL on a block device: fails when it is mounted or part of another.
  FileDescriptor file(open(device.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  if (!file.is_open() && errno == EBUSY) {
    return absl::FailedPreconditionError(absl::StrCat(device, " is in use", ByHolders(device)));
  }
  if (!file.is_open()) return ErrnoStatus(errno, device);
  uint64_t size = 0;
  if (ioctl(file.get(), BLKGETSIZE64, &size) != 0) return ErrnoStatus(errno, device);
  return Unused{std::move(file), static_cast<int64_t>(size)};
}

}  // namespace

std::string HoldersIn(const std::string& directory) {
  std::set<std::string> holders;
  AddHolders(directory, &holders);
  std::error_code error;
  for (const auto& each : fs::directory_iterator(directory, error)) {
    if (fs::exists(each.path() / "partition", error)) AddHolders(each.path(), &holders);
  }
  return absl::StrJoin(holders, ", ");
}

absl::Status EraseDevice(const std::string& device, Erasure erasure) {
  PMEM_ASSIGN_OR_RETURN(const Unused unused, OpenUnused(device));
  const int fd = unused.file.get();
  if (erasure == Erasure::kAll) return Zero(fd, device, 0, unused.bytes);
  if (erasure == Erasure::kNone) return absl::OkStatus();
  PMEM_RETURN_IF_ERROR(Zero(fd, device, 0, std::min(unused.bytes, kSignatureBytes)));
  return Zero(fd, device, std::max<int64_t>(0, unused.bytes - kSignatureBytes), unused.bytes);
}

absl::StatusOr<Work> EraseStartLater(const std::string& device, int64_t bytes) {
  PMEM_ASSIGN_OR_RETURN(Unused opened, OpenUnused(device));
  // Shared, as functions can be copied.
  const auto unused = std::make_shared<const Unused>(std::move(opened));
  return [unused, device, bytes] {
    return Zero(unused->file.get(), device, 0, std::min(unused->bytes, bytes));
  };
}

}  // namespace pmem::agent
