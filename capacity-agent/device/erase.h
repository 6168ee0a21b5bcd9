// SPDX-License-Identifier: Apache-2.0
// Makes what was on a block device unreadable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/pure/units.h"

namespace pmem::agent {

enum class Erasure { kNone, kSignatures, kAll };

// Every signature that libblkid knows lies within this much of an end. That a volume is made with
// zeros there is what tells a new one from one with data (csi-driver/device/device_contents.h).
inline constexpr int64_t kSignatureBytes = 4 * kMiB;

// What keeps the block device of that directory of sysfs, or a partition of it: "dm-3 (vg-lv)". Not
// who has it mounted or open.
std::string HoldersIn(const std::string& directory);

// kSignatures: what tells file systems and partitions, kSignatureBytes at both ends. kAll: every
// byte, in steps, as long as it takes. kNone: only looks whether somebody uses it.
// FailedPrecondition when somebody does, with HoldersIn; NotFound; Unavailable. Thread-safe for
// different devices.
absl::Status EraseDevice(const std::string& device, Erasure erasure);
// Its first bytes alone. The device is opened now, with the same errors, and belongs to the result
// until that is gone: nobody else can use or remove it. The result erases, whatever has the
// device's name by then.
using Work = std::function<absl::Status()>;
absl::StatusOr<Work> EraseStartLater(const std::string& device, int64_t bytes);

}  // namespace pmem::agent
