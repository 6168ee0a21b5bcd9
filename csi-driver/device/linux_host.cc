// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/device/linux_host.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/file_descriptor.h"
#include "common/io/files.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"
#include "csi-driver/core/format.h"
#include "csi-driver/core/half_made_group.h"
#include "csi-driver/core/mount_table.h"
#include "csi-driver/device/device_contents.h"
#include "csi-driver/device/mount_options.h"

namespace pmem::driver {
namespace {

using agent::ErrnoStatus;

constexpr int64_t kAttributeBytesMax = 4096;
constexpr int kBlkidNothingFound = 2;
constexpr size_t kStartBytes = size_t{1024} * 1024;

// 0 when it is no block device or not there.
dev_t BlockNumber(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 && S_ISBLK(info.st_mode) ? info.st_rdev : 0;
}

KernelVersion RunningKernel() {
  struct utsname names = {};
  return uname(&names) == 0 ? ParseKernelVersion(names.release) : KernelVersion();
}

// As the kernel's table of mounts has it: without links, "..", and slashes at the end. What is not
// there is taken as it is written.
std::string RealPath(const std::string& path) {
  std::error_code error;
  std::string real = std::filesystem::weakly_canonical(path, error).string();
  if (error) real = std::filesystem::path(path).lexically_normal().string();
  while (real.size() > 1 && real.ends_with('/')) real.pop_back();
  return real;
}

absl::Status Remount(const std::string& target) {
  // The kernel drops the flags that it is not told again.
  struct statvfs before = {};
  if (statvfs(target.c_str(), &before) != 0) return ErrnoStatus(errno, target);
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY;
  if ((before.f_flag & ST_NOSUID) != 0) flags |= MS_NOSUID;
  if ((before.f_flag & ST_NODEV) != 0) flags |= MS_NODEV;
  if ((before.f_flag & ST_NOEXEC) != 0) flags |= MS_NOEXEC;
  if ((before.f_flag & ST_NOATIME) != 0) flags |= MS_NOATIME;
  if (mount(nullptr, target.c_str(), nullptr, flags, nullptr) != 0) {
    return ErrnoStatus(errno, target);
  }
  return absl::OkStatus();
}

absl::Status BindMount(const MountRequest& request) {
  if (mount(request.source.c_str(), request.target.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return ErrnoStatus(errno, absl::StrCat("mount ", request.target));
  }
  if (!request.is_read_only) return absl::OkStatus();
  absl::Status status = Remount(request.target);
  // Never leave a writable mount where a read-only one was asked for.
  if (!status.ok()) umount2(request.target.c_str(), MNT_DETACH);
  return status;
}

absl::StatusOr<Usage> BlockUsage(const std::string& path) {
  const agent::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  uint64_t size = 0;
  if (!file.is_open() || ioctl(file.get(), BLKGETSIZE64, &size) != 0) {
    return ErrnoStatus(errno, path);
  }
  return Usage{.is_block = true, .total_bytes = static_cast<int64_t>(size)};
}

}  // namespace

absl::Status LinuxHost::Run(const std::string& device, std::vector<std::string> arguments) {
  return programs_
      .Run(device, {.arguments = std::move(arguments), .timeout = agent::kWritingFactor * timeout_})
      .status();
}

absl::StatusOr<std::string> LinuxHost::FileSystemOn(const std::string& device) {
  // The probe reads the device itself, past any cache. It refuses what looks like two things.
  PMEM_ASSIGN_OR_RETURN(
      const agent::CommandResult result,
      programs_.Run(device, {.arguments = ProbeArguments(device), .timeout = timeout_},
                    {0, kBlkidNothingFound}));
  if (result.exit_status == kBlkidNothingFound) {
    // Damaged memory looks empty to blkid: what cannot be read must not be formatted.
    PMEM_RETURN_IF_ERROR(ReadStart(device, kStartBytes).status());
    return "";
  }
  PMEM_ASSIGN_OR_RETURN(std::string type, ParseProbe(device, result.output));
  if (type != "xfs") return type;
  PMEM_ASSIGN_OR_RETURN(const std::string start, ReadStart(device, kStartBytes));
  return IsUnfinishedXfs(start) ? std::string(kUnfinishedXfs) : type;
}

absl::StatusOr<std::string> LinuxHost::DataOn(const std::string& device) {
  return driver::DataOn(device);
}

absl::StatusOr<std::string> LinuxHost::DataOnVolume(const std::string& device) {
  return driver::DataOnVolume(device);
}

absl::StatusOr<bool> LinuxHost::HasHalfMadeGroup(const std::string& device,
                                                 const std::string& group) {
  PMEM_ASSIGN_OR_RETURN(const std::string start, ReadStart(device, kGroupStartBytes));
  return IsHalfMadeGroup(start, group);
}

absl::Status LinuxHost::Format(const std::string& device, std::string_view type) {
  PMEM_RETURN_IF_ERROR(MarkFormatting(device));
  PMEM_RETURN_IF_ERROR(Run(device, FormatArguments(device, type, RunningKernel())));
  return FinishFormat(device);
}

absl::Status LinuxHost::FinishFormat(const std::string& device) { return UnmarkFormatting(device); }

absl::Status LinuxHost::Grow(const std::string& device, const std::string& path,
                             std::string_view type) {
  return Run(device, GrowArguments(device, path, type));
}

bool LinuxHost::CanDax(const std::string& device) {
  const dev_t number = BlockNumber(device);
  const auto attribute =
      ReadFile(absl::StrCat("/sys/dev/block/", major(number), ":", minor(number), "/queue/dax"),
               kAttributeBytesMax);
  return attribute.ok() && absl::StripAsciiWhitespace(*attribute) == "1";
}

absl::StatusOr<std::string> LinuxHost::DeviceNumber(const std::string& device) {
  const dev_t number = BlockNumber(device);
  if (number == 0) return absl::NotFoundError(device + ": no such block device");
  return absl::StrCat(major(number), ":", minor(number));
}

bool LinuxHost::IsSuspended(const std::string& device_number) {
  const auto attribute =
      ReadFile(absl::StrCat("/sys/dev/block/", device_number, "/dm/suspended"), kAttributeBytesMax);
  return attribute.ok() && absl::StripAsciiWhitespace(*attribute) == "1";
}

absl::Status LinuxHost::Erase(const std::string& device, Erasure erasure) {
  // A pod's block device is a device node bound to a path: the kernel knows of no user while the
  // pod does not have it open.
  PMEM_ASSIGN_OR_RETURN(const std::string table,
                        ReadFile("/proc/self/mountinfo", kMountTableBytesMax));
  const dev_t number = BlockNumber(device);
  for (const std::string& path : MountedNodes(table)) {
    if (number != 0 && BlockNumber(path) == number) {
      return absl::FailedPreconditionError(absl::StrCat(device, " is in use: published at ", path));
    }
  }
  return agent::EraseDevice(device, erasure);
}

absl::StatusOr<std::optional<Mount>> LinuxHost::MountAt(const std::string& path) {
  PMEM_ASSIGN_OR_RETURN(const std::string table,
                        ReadFile("/proc/self/mountinfo", kMountTableBytesMax));
  return FindMount(table, RealPath(path));
}

absl::Status LinuxHost::MountOn(const MountRequest& request) {
  if (request.type.empty()) return BindMount(request);
  const MountOptions options = MountOptionsOf(request.options);
  if (mount(request.source.c_str(), request.target.c_str(), request.type.c_str(),
            options.flags | (request.is_read_only ? MS_RDONLY : 0), options.text.c_str()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("mount ", request.source, " with options \"",
                                           options.text, "\" at ", request.target));
  }
  return absl::OkStatus();
}

absl::Status LinuxHost::MakeReadOnly(const std::string& path) { return Remount(path); }

absl::Status LinuxHost::Unmount(const std::string& path) {
  const std::string real = RealPath(path);
  while (true) {
    PMEM_ASSIGN_OR_RETURN(const auto mounted, MountAt(real));
    if (!mounted) return absl::OkStatus();
    if (umount2(real.c_str(), UMOUNT_NOFOLLOW) != 0) {
      return ErrnoStatus(errno, absl::StrCat("umount ", path));
    }
  }
}

absl::Status LinuxHost::MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

absl::Status LinuxHost::MakeFile(const std::string& path) {
  const agent::FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open()) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

absl::Status LinuxHost::RemovePath(const std::string& path) {
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, path);
  }
  const bool is_removed = S_ISDIR(info.st_mode) ? rmdir(path.c_str()) == 0
                                                : S_ISREG(info.st_mode) && info.st_size == 0 &&
                                                      unlink(path.c_str()) == 0;
  if (!is_removed) return absl::FailedPreconditionError(path + " is not empty");
  return absl::OkStatus();
}

absl::StatusOr<Usage> LinuxHost::UsageAt(const std::string& path) {
  if (BlockNumber(path) != 0) return BlockUsage(path);
  struct statvfs found = {};
  if (statvfs(path.c_str(), &found) != 0) return ErrnoStatus(errno, path);
  const auto blocks = [&found](fsblkcnt_t count) {
    return static_cast<int64_t>(count) * static_cast<int64_t>(found.f_frsize);
  };
  return Usage{.total_bytes = blocks(found.f_blocks),
               .used_bytes = blocks(found.f_blocks - found.f_bfree),
               .available_bytes = blocks(found.f_bavail),
               .total_inodes = static_cast<int64_t>(found.f_files),
               .used_inodes = static_cast<int64_t>(found.f_files - found.f_ffree),
               .available_inodes = static_cast<int64_t>(found.f_favail)};
}

}  // namespace pmem::driver
