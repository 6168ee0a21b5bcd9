// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pmem {

// A whole file, also one without a size (/proc, /sys, a pipe). NotFound when there is none,
// PermissionDenied, ResourceExhausted when it is longer than `bytes_max`, Unavailable for the rest.
// The message names the path. Thread-safe.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t bytes_max);

// Puts `text` into the file in one step: readers see the old or the new text, never a part, also
// after a crash. Keeps the permissions of a file that is there; a new one is for its owner alone.
// Two at once for the same path are the caller's to prevent. Errors: as above.
absl::Status ReplaceFile(const std::string& path, const std::string& text);

}  // namespace pmem
