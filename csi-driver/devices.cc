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

absl::StatusOr<agent::DeviceState> ReadAllSources(Devices* devices) {
  agent::DeviceState state;
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

}  // namespace

SharedReading::Result SharedReading::Get(const std::function<Result()>& read) {
  std::shared_ptr<const Result> found;
  {
    MutexLock lock(&mu_);
    const int64_t wanted = begun_ + 1;
    ++waiting_;
    while (is_reading_ && done_ < wanted) ended_.WaitWithTimeout(&mu_, absl::InfiniteDuration());
    --waiting_;
    if (done_ >= wanted) {
      found = last_;
    } else {
      is_reading_ = true;
      begun_ = wanted;
    }
  }
  if (found != nullptr) return *found;
  found = std::make_shared<const Result>(read());
  MutexLock lock(&mu_);
  last_ = found;
  done_ = begun_;
  is_reading_ = false;
  ended_.SignalAll();
  return *found;
}

int SharedReading::waiting() const {
  MutexLock lock(&mu_);
  return waiting_;
}

absl::StatusOr<agent::DeviceState> ReadDeviceState(Devices* devices) {
  return devices->reading.Get([devices] { return ReadAllSources(devices); });
}

absl::StatusOr<NodeReading> ReadNode(Devices* devices) {
  agent::Reading reading{.observed_at = RealClock().WallNow()};
  PMEM_ASSIGN_OR_RETURN(reading.devices, ReadDeviceState(devices));
  const agent::BuilderOptions options = {.node = devices->node,
                                         .boot_id = "-",
                                         .volume_groups = devices->volume_groups,
                                         .regions = devices->regions};
  std::vector<std::string> origins;
  for (const agent::VolumeGroup& group : reading.devices.volume_groups) {
    origins.insert(origins.end(), group.origins.begin(), group.origins.end());
  }
  return NodeReading{.report = agent::BuildReport(options, reading, nullptr),
                     .disabled = agent::DisabledNamespace(reading.devices, devices->regions),
                     .origins = std::move(origins)};
}

absl::StatusOr<CapacityReport> ReadDevices(Devices* devices) {
  PMEM_ASSIGN_OR_RETURN(NodeReading found, ReadNode(devices));
  return std::move(found.report);
}

}  // namespace pmem::driver
