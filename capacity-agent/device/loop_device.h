// SPDX-License-Identifier: Apache-2.0
// Files as block devices, by the kernel's loop driver. Needs root. Thread-safe.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pmem::agent {

// "/dev/loop3" that stands for this file, or nothing. `path` is absolute and without links, as the
// kernel tells it.
std::optional<std::string> FindLoopDevice(const std::string& path);

// The file's device, made when it has none; its size follows the file's. Errors: those of
// errno_status.h.
absl::StatusOr<std::string> AttachLoopDevice(const std::string& path);

// Gone once nobody has it open or mounted any more. No device: OK.
absl::Status DetachLoopDevice(const std::string& path);

}  // namespace pmem::agent
