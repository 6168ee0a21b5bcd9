// SPDX-License-Identifier: Apache-2.0
// Changes in the description of simulated devices (docs/protocol.md): text in, text out. Members
// that are not spoken of here are kept as they are. Pure.
//
// `json` is one that ParseSimulatedDevices accepts; what comes out is accepted too. Errors:
// InvalidArgument for text that is not, NotFound for a pool or volume that is not there,
// AlreadyExists for a name that is there in any pool, ResourceExhausted for what does not fit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pmem::agent {

// Into the VolumeGroup or region `pool`. In a region: at the start of the lowest gap that is
// large enough.
absl::StatusOr<std::string> AddSimulatedVolume(std::string_view json, std::string_view pool,
                                               std::string_view name, int64_t bytes);

// In a VolumeGroup only.
absl::StatusOr<std::string> ResizeSimulatedVolume(std::string_view json, std::string_view pool,
                                                  std::string_view name, int64_t bytes);

absl::StatusOr<std::string> RemoveSimulatedVolume(std::string_view json, std::string_view pool,
                                                  std::string_view name);

}  // namespace pmem::agent
