// SPDX-License-Identifier: Apache-2.0
// The node's persistent memory as the driver uses it: read into a report as the agent reads it,
// written by one maker a kind.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "capacity-agent/core/device_state.h"
#include "capacity-agent/core/name_pattern.h"
#include "capacity-agent/device/pool_reader.h"
#include "capacity-agent/device/volume_maker.h"
#include "common/io/mutex.h"
#include "common/pure/capacity_report.h"

namespace pmem::driver {

struct Devices {
  std::string node;
  agent::NamePatterns volume_groups;
  agent::NamePatterns regions;
  std::vector<std::unique_ptr<agent::PoolReader>> readers;
  std::map<PoolKind, std::unique_ptr<agent::VolumeMaker>> makers;
  Mutex reading;  // Readers take one call at a time.
};

// All that the readers find now. As below.
absl::StatusOr<agent::DeviceState> ReadDeviceState(Devices* devices);

// What the devices hold now. Unavailable when a source cannot be read: half a report would say
// that the other half is empty. Thread-safe.
struct NodeReading {
  CapacityReport report;
  std::string disabled;  // As agent::DisabledNamespace says it.
};
absl::StatusOr<NodeReading> ReadNode(Devices* devices);
absl::StatusOr<CapacityReport> ReadDevices(Devices* devices);

}  // namespace pmem::driver
