// SPDX-License-Identifier: Apache-2.0
// Which boot of the node this is, and how far it has come. Together they order reports: the boot id
// tells boots apart, and a generation that starts at the microseconds since boot is above every
// generation of an earlier agent of the same boot (that agent counted up by one per change, slower
// than time passes), whatever happens to the wall clock.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace pmem::agent {

// Of the host, also in a container. Errors: those of ReadFile; InvalidArgument when it is not one
// line.
absl::StatusOr<std::string> ReadBootId(const std::string& path = "/proc/sys/kernel/random/boot_id");

// Time since boot, suspended time included; at least 1.
int64_t MicrosecondsSinceBoot();

}  // namespace pmem::agent
