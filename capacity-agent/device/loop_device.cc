// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/loop_device.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/file_descriptor.h"
#include "common/io/files.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

constexpr int64_t kBackingFileBytesMax = int64_t{64} * 1024;
// Another program may take the free device between the question for it and the use of it.
constexpr int kTriesMax = 16;

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

absl::StatusOr<FileDescriptor> Open(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.is_open()) return ErrnoStatus(errno, path);
  return file;
}

absl::Status Configure(const std::string& device, const std::string& path, int file) {
  PMEM_ASSIGN_OR_RETURN(const FileDescriptor loop, Open(device));
  loop_config config = {};
  config.fd = static_cast<uint32_t>(file);
  const size_t size = std::min(path.size(), sizeof(config.info.lo_file_name) - 1);
  std::copy_n(path.begin(), size, reinterpret_cast<char*>(config.info.lo_file_name));
  if (ioctl(loop.get(), LOOP_CONFIGURE, &config) != 0) return ErrnoStatus(errno, device);
  return absl::OkStatus();
}

}  // namespace

std::optional<std::string> FindLoopDevice(const std::string& path) {
  const std::unique_ptr<DIR, CloseDirectory> directory(opendir("/sys/block"));
  if (directory == nullptr) return std::nullopt;
  for (const dirent* entry = readdir(directory.get()); entry != nullptr;
       entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (!name.starts_with("loop")) continue;
    auto backing =
        ReadFile(absl::StrCat("/sys/block/", name, "/loop/backing_file"), kBackingFileBytesMax);
    if (!backing.ok()) continue;
    absl::StripTrailingAsciiWhitespace(&*backing);
    if (*backing == path) return "/dev/" + name;
  }
  return std::nullopt;
}

absl::StatusOr<std::string> AttachLoopDevice(const std::string& path) {
  if (const auto found = FindLoopDevice(path)) {
    PMEM_ASSIGN_OR_RETURN(const FileDescriptor loop, Open(*found));
    if (ioctl(loop.get(), LOOP_SET_CAPACITY, 0) != 0) return ErrnoStatus(errno, *found);
    return *found;
  }
  PMEM_ASSIGN_OR_RETURN(const FileDescriptor file, Open(path));
  PMEM_ASSIGN_OR_RETURN(const FileDescriptor control, Open("/dev/loop-control"));
  absl::Status status;
  for (int i = 0; i < kTriesMax; ++i) {
    const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return ErrnoStatus(errno, "/dev/loop-control");
    const std::string device = absl::StrCat("/dev/loop", number);
    status = Configure(device, path, file.get());
    if (status.ok()) return device;
    if (!absl::IsFailedPrecondition(status)) return status;
  }
  return absl::UnavailableError(status.message());
}

absl::Status DetachLoopDevice(const std::string& path) {
  const auto found = FindLoopDevice(path);
  if (!found) return absl::OkStatus();
  PMEM_ASSIGN_OR_RETURN(const FileDescriptor loop, Open(*found));
  if (ioctl(loop.get(), LOOP_CLR_FD, 0) != 0 && errno != ENXIO) return ErrnoStatus(errno, *found);
  return absl::OkStatus();
}

}  // namespace pmem::agent
