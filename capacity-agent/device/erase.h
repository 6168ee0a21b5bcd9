// SPDX-License-Identifier: Apache-2.0
// Makes what was on a block device unreadable.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace pmem::agent {

enum class Erasure { kNone, kSignatures, kAll };

// kSignatures: what tells file systems and partitions, at both ends. kAll: every byte, in steps, as
// long as it takes. kNone: only looks whether somebody uses it. FailedPrecondition when somebody
// does; NotFound; Unavailable. Thread-safe for different devices.
absl::Status EraseDevice(const std::string& device, Erasure erasure);

}  // namespace pmem::agent
