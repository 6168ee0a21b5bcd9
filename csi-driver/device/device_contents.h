// SPDX-License-Identifier: Apache-2.0
// What is on a block device that no probe recognizes: whether it may be written over.
//
// A volume is made with zeros at its start (erase.h, kSignatureBytes), and only mkfs or its user
// writes there. Hence the rule: where zeros are, nobody has data. mkfs.ext4 writes the superblock
// last, so that one that was killed leaves what looks like a damaged file system. Therefore a mark
// is written before mkfs and taken away after it, before the file system is first mounted: where
// the mark is, nobody has data either. It lies where neither mkfs writes: 160 KiB before the end.
// (Both overwrite at most the last 128 KiB; of the last group, mkfs.ext4 leaves 50 blocks free.)
//
// Thread-safe for different devices. Errors of all: those of ErrnoStatus.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pmem::driver {

// The first bytes of a device. Fails where the memory is damaged, which looks empty to a probe.
absl::StatusOr<std::string> ReadStart(const std::string& device, size_t bytes);

// Of a device that no probe recognizes: "" when its start is zeros; else what is there, for people.
absl::StatusOr<std::string> DataOn(const std::string& device);
// The same of a volume: "" also where the mark is. Of nothing else: what lies below volumes may end
// where a volume does, and show its mark as its own.
absl::StatusOr<std::string> DataOnVolume(const std::string& device);

// Of a device that nobody uses: FailedPrecondition when somebody does.
absl::Status MarkFormatting(const std::string& device);
// No mark there: OK, nothing is written.
absl::Status UnmarkFormatting(const std::string& device);

}  // namespace pmem::driver
