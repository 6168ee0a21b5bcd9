// SPDX-License-Identifier: Apache-2.0
// Arguments of the programs that look for, make and grow file systems, and the answer of the
// first. Pure.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pmem::driver {

// Of blkid: "TYPE=ext4" lines, exit status 2 when there is nothing.
std::vector<std::string> ProbeArguments(const std::string& device);
// "ext4"; FailedPrecondition for a partition table or what is no file system.
absl::StatusOr<std::string> ParseProbe(const std::string& device, std::string_view output);

// mkfs.xfs writes the superblock first, marked as being in progress, and takes the mark away last.
// Interrupted between, it leaves what the probe calls xfs and the kernel does not mount. The first
// bytes of the device tell.
inline constexpr int kXfsMarkEnd = 127;
bool IsUnfinishedXfs(std::string_view start);
// What such a device is said to carry. Nobody ever had data on it where it was our mkfs
// (device_contents.h); other programs that write an xfs mark it alike.
inline constexpr std::string_view kUnfinishedXfs = "an xfs that mkfs did not finish";

// Where mkfs.ext4 leaves the first copy of its superblock, as `e2fsck -b` counts.
inline constexpr int64_t kBlockBytes = 4096;
inline constexpr int64_t kExt4BackupBlock = 32768;
inline constexpr size_t kExt4SuperblockBytes = 1024;
bool IsExt4Superblock(std::string_view block);

// For people: what is on a device that no probe recognizes and whose byte `first` is not zero.
std::string DescribeData(int64_t first, bool has_ext4_backup);

// "6.1.0-13-amd64" is 6.1. What cannot be read is 0.0, older than all.
struct KernelVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
};
KernelVersion ParseKernelVersion(std::string_view release);

// Kernels before it refuse two features that mkfs.xfs turns on by itself (xfsprogs 5.15).
inline constexpr KernelVersion kXfsBigTimeKernel = {5, 10};

// Blocks of the page size, which DAX needs, aligned to 2 MiB, so that large pages can be mapped.
// Nothing is discarded: pmem cannot, and where a loop device can, the mark that a mkfs is under way
// (device_contents.h) would be gone. Nor are the inode tables of an ext4 written, of a terabyte
// 16 GB: the kernel does so once it is mounted. By itself mkfs.ext4 leaves them to it only where
// the kernel has its ext4 loaded already. `type` is ext4 or xfs, `kernel` the one that will mount
// it.
std::vector<std::string> FormatArguments(const std::string& device, std::string_view type,
                                         const KernelVersion& kernel);

// xfs grows by its path, ext4 by its device.
std::vector<std::string> GrowArguments(const std::string& device, const std::string& path,
                                       std::string_view type);

}  // namespace pmem::driver
