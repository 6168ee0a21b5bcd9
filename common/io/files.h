// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace pmem {

// A whole file, also one without a size (/proc, /sys, a pipe). NotFound when there is none,
// PermissionDenied, ResourceExhausted when it is longer than `bytes_max`, Unavailable for the rest.
// The message names the path. Thread-safe.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t bytes_max);

}  // namespace pmem
