// SPDX-License-Identifier: Apache-2.0
// What the flags --devices and --lvm-command mean, for whoever uses the devices. Pure.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pmem::agent {

inline constexpr std::string_view kNoLvm = "none";

// "real" or "simulated:FILE" into *simulated_file, which is empty for the real ones.
absl::Status ParseDevices(const std::string& text, std::string* simulated_file);

inline bool HasLvm(std::string_view lvm_command) {
  return !lvm_command.empty() && lvm_command != kNoLvm;
}

}  // namespace pmem::agent
