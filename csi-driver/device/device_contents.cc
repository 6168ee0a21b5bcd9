// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/device/device_contents.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "capacity-agent/device/erase.h"
#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/file_descriptor.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"
#include "csi-driver/core/format.h"

namespace pmem::driver {
namespace {

using agent::ErrnoStatus;
using agent::FileDescriptor;

constexpr int64_t kMarkBytes = 512;
constexpr int64_t kMarkBeforeEndBytes = 160 * kKiB;
constexpr std::string_view kMark = "pmem-csi-driver: mkfs is under way or was killed, no data\n";

std::string MarkBlock() {
  std::string block(kMark);
  block.resize(kMarkBytes, '\0');
  return block;
}

absl::StatusOr<FileDescriptor> Open(const std::string& device, int flags) {
  FileDescriptor file(open(device.c_str(), flags | O_CLOEXEC));
  if (!file.is_open()) return ErrnoStatus(errno, device);
  return file;
}

// Shorter at the device's end.
absl::StatusOr<std::string> ReadAt(const FileDescriptor& file, const std::string& device,
                                   size_t bytes, int64_t offset) {
  std::string text(bytes, '\0');
  size_t got = 0;
  while (got < bytes) {
    const ssize_t step =
        pread(file.get(), text.data() + got, bytes - got, offset + static_cast<int64_t>(got));
    if (step < 0 && errno == EINTR) continue;
    if (step < 0) return ErrnoStatus(errno, device);
    if (step == 0) break;
    got += static_cast<size_t>(step);
  }
  text.resize(got);
  return text;
}

absl::StatusOr<int64_t> MarkOffset(const FileDescriptor& file, const std::string& device) {
  const int64_t end = lseek(file.get(), 0, SEEK_END);
  if (end < 0) return ErrnoStatus(errno, device);
  return std::max<int64_t>(0, end - kMarkBeforeEndBytes);
}

absl::StatusOr<bool> IsMarked(const FileDescriptor& file, const std::string& device) {
  PMEM_ASSIGN_OR_RETURN(const int64_t offset, MarkOffset(file, device));
  PMEM_ASSIGN_OR_RETURN(const std::string found, ReadAt(file, device, kMarkBytes, offset));
  return found == MarkBlock();
}

// O_EXCL: whoever has it mounted, and a mkfs that is still at work, keep it.
absl::Status WriteMark(const std::string& device, const std::string& block) {
  PMEM_ASSIGN_OR_RETURN(const FileDescriptor file, Open(device, O_RDWR | O_EXCL));
  PMEM_ASSIGN_OR_RETURN(const int64_t offset, MarkOffset(file, device));
  const ssize_t written = pwrite(file.get(), block.data(), block.size(), offset);
  if (written != static_cast<ssize_t>(block.size()) || fsync(file.get()) != 0) {
    return ErrnoStatus(written < 0 ? errno : EIO, device);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadStart(const std::string& device, size_t bytes) {
  PMEM_ASSIGN_OR_RETURN(const FileDescriptor file, Open(device, O_RDONLY));
  return ReadAt(file, device, bytes, 0);
}

absl::StatusOr<std::string> DataOn(const std::string& device) {
  PMEM_ASSIGN_OR_RETURN(const FileDescriptor file, Open(device, O_RDONLY));
  PMEM_ASSIGN_OR_RETURN(const std::string start, ReadAt(file, device, agent::kSignatureBytes, 0));
  const size_t first = start.find_first_not_of('\0');
  if (first == std::string::npos) return std::string();
  // A hint for people only: that it cannot be read changes nothing.
  const auto backup = ReadAt(file, device, kExt4SuperblockBytes, kExt4BackupBlock * kBlockBytes);
  return DescribeData(static_cast<int64_t>(first), backup.ok() && IsExt4Superblock(*backup));
}

absl::StatusOr<std::string> DataOnVolume(const std::string& device) {
  {
    PMEM_ASSIGN_OR_RETURN(const FileDescriptor file, Open(device, O_RDONLY));
    PMEM_ASSIGN_OR_RETURN(const bool is_marked, IsMarked(file, device));
    if (is_marked) return std::string();
  }
  return DataOn(device);
}

absl::Status MarkFormatting(const std::string& device) { return WriteMark(device, MarkBlock()); }

absl::Status UnmarkFormatting(const std::string& device) {
  {
    PMEM_ASSIGN_OR_RETURN(const FileDescriptor file, Open(device, O_RDONLY));
    PMEM_ASSIGN_OR_RETURN(const bool is_marked, IsMarked(file, device));
    if (!is_marked) return absl::OkStatus();
  }
  return WriteMark(device, std::string(kMarkBytes, '\0'));
}

}  // namespace pmem::driver
