// SPDX-License-Identifier: Apache-2.0
// Reads the description of simulated devices (docs/protocol.md, "Simulated devices") into the same
// DeviceState that real devices give. Pure.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "capacity-agent/core/device_state.h"

namespace pmem::agent {

// Of the file.
inline constexpr int64_t kSimulatedFileBytesMax = int64_t{16} * 1024 * 1024;

// Free space is worked out from the volumes and namespaces in the text. Refused, with the JSON
// path: what is not JSON or of the wrong type; sizes that are not positive; names that repeat;
// volumes larger than their VolumeGroup in all; namespaces that overlap, reach beyond their region
// or are more than its label slots. "state" (ok, inactive, …) may be given to a VolumeGroup or
// region to play a broken one. Unknown members are ignored.
absl::StatusOr<DeviceState> ParseSimulatedDevices(std::string_view json);

}  // namespace pmem::agent
