// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/erase.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/file_descriptor.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

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

}  // namespace

absl::Status EraseDevice(const std::string& device, Erasure erasure) {
  // O_EXCL on a block device: fails when it is mounted or part of another.
  const FileDescriptor file(open(device.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  if (!file.is_open() && errno == EBUSY) {
    return absl::FailedPreconditionError(device + " is in use");
  }
  if (!file.is_open()) return ErrnoStatus(errno, device);
  uint64_t size = 0;
  if (ioctl(file.get(), BLKGETSIZE64, &size) != 0) return ErrnoStatus(errno, device);
  const int64_t bytes = static_cast<int64_t>(size);
  if (erasure == Erasure::kAll) return Zero(file.get(), device, 0, bytes);
  if (erasure == Erasure::kNone) return absl::OkStatus();
  PMEM_RETURN_IF_ERROR(Zero(file.get(), device, 0, std::min(bytes, kSignatureBytes)));
  return Zero(file.get(), device, std::max<int64_t>(0, bytes - kSignatureBytes), bytes);
}

}  // namespace pmem::agent
