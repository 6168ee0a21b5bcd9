// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/devices.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/hidden_groups.h"
#include "capacity-agent/core/report_builder.h"
#include "common/io/clock.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {
namespace {

void Append(agent::DeviceState found, agent::DeviceState* all) {
  for (auto& region : found.regions) all->regions.push_back(std::move(region));
  for (auto& group : found.volume_groups) all->volume_groups.push_back(std::move(group));
}

}  // namespace

absl::StatusOr<agent::DeviceState> ReadDeviceState(Devices* devices) {
  agent::DeviceState state;
  MutexLock lock(&devices->reading);
  for (const auto& reader : devices->readers) {
    absl::StatusOr<agent::DeviceState> found = reader->Read();
    if (!found.ok()) {
      return absl::UnavailableError(
          absl::StrCat(AbslView(reader->source()), ": ", found.status().message()));
    }
    Append(*std::move(found), &state);
  }
  return state;
}

absl::StatusOr<NodeReading> ReadNode(Devices* devices) {
  agent::Reading reading{.observed_at = RealClock().WallNow()};
  PMEM_ASSIGN_OR_RETURN(reading.devices, ReadDeviceState(devices));
  const agent::BuilderOptions options = {.node = devices->node,
                                         .boot_id = "-",
                                         .volume_groups = devices->volume_groups,
                                         .regions = devices->regions};
  return NodeReading{.report = agent::BuildReport(options, reading, nullptr),
                     .disabled = agent::DisabledNamespace(reading.devices, devices->regions)};
}

absl::StatusOr<CapacityReport> ReadDevices(Devices* devices) {
  PMEM_ASSIGN_OR_RETURN(NodeReading found, ReadNode(devices));
  return std::move(found.report);
}

}  // namespace pmem::driver
