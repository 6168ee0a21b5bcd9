// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/simulated_reader.h"

#include "capacity-agent/core/simulated_parse.h"
#include "common/io/files.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {

absl::StatusOr<DeviceState> SimulatedReader::Read() {
  PMEM_ASSIGN_OR_RETURN(const std::string text, ReadFile(path_, kSimulatedFileBytesMax));
  absl::StatusOr<DeviceState> devices = ParseSimulatedDevices(text);
  if (!devices.ok()) return Annotate(devices.status(), path_);
  return devices;
}

}  // namespace pmem::agent
