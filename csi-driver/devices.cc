// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/devices.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/hidden_groups.h"
#include "capacity-agent/core/own_groups.h"
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

absl::StatusOr<agent::DeviceState> ReadSource(Devices* devices, agent::PoolReader* reader) {
  auto found = devices->readings.Of(*reader).Get([reader] { return reader->Read(); });
  if (found.ok()) return found;
  return absl::UnavailableError(
      absl::StrCat(AbslView(reader->source()), ": ", found.status().message()));
}

// VolumeGroups are judged by the regions that were read with them. Where those cannot be read
// nothing is placed or grown; what there is, is served by the judgement that LVM was called with,
// of that very moment (LvmCommand::Options), and LvmMaker looks again before it opens a volume.
NodeReading NodeOf(const Devices& devices, absl::Time observed_at, agent::DeviceState state,
                   bool has_regions = true) {
  if (has_regions) agent::KeepOwnGroups(&state);
  const agent::BuilderOptions options = {.node = devices.node,
                                         .boot_id = "-",
                                         .volume_groups = devices.volume_groups,
                                         .regions = devices.regions};
  const agent::Reading reading = {
      .devices = state, .observed_at = observed_at, .has_regions = has_regions};
  std::vector<std::string> origins;
  for (const agent::VolumeGroup& group : state.volume_groups) {
    origins.insert(origins.end(), group.origins.begin(), group.origins.end());
  }
  return {.report = agent::BuildReport(options, reading, nullptr),
          .disabled = agent::DisabledNamespace(state, devices.regions),
          .origins = std::move(origins)};
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

SharedReading& SharedReadings::Of(const agent::PoolReader& reader) {
  MutexLock lock(&mu_);
  return readings_[&reader];
}

NodeReading ReadUntil(Devices* devices, const IsEnough& is_enough) {
  const absl::Time began = RealClock().WallNow();
  agent::DeviceState state;
  absl::Status missing;
  bool has_regions = true;
  for (const auto& reader : devices->readers) {
    absl::StatusOr<agent::DeviceState> found = ReadSource(devices, reader.get());
    missing.Update(found.status());
    if (!found.ok()) {
      has_regions = has_regions && !reader->Reads(PoolKind::kDirect);
      continue;
    }
    Append(*std::move(found), &state);
    NodeReading so_far = NodeOf(*devices, began, state, has_regions);
    if (is_enough(so_far.report)) return so_far;
  }
  NodeReading all = NodeOf(*devices, began, state, has_regions);
  all.missing = missing;
  return all;
}

absl::StatusOr<agent::DeviceState> ReadDeviceState(Devices* devices) {
  agent::DeviceState state;
  for (const auto& reader : devices->readers) {
    PMEM_ASSIGN_OR_RETURN(agent::DeviceState found, ReadSource(devices, reader.get()));
    Append(std::move(found), &state);
  }
  return state;
}

absl::StatusOr<NodeReading> ReadNode(Devices* devices) {
  const absl::Time began = RealClock().WallNow();
  PMEM_ASSIGN_OR_RETURN(const agent::DeviceState state, ReadDeviceState(devices));
  return NodeOf(*devices, began, state);
}

absl::StatusOr<CapacityReport> ReadDevicesFor(Devices* devices, PoolKind kind) {
  if (kind == PoolKind::kLvm) return ReadDevices(devices);
  const absl::Time began = RealClock().WallNow();
  agent::DeviceState state;
  for (const auto& reader : devices->readers) {
    if (!reader->Reads(kind)) continue;
    PMEM_ASSIGN_OR_RETURN(agent::DeviceState found, ReadSource(devices, reader.get()));
    Append(std::move(found), &state);
  }
  return NodeOf(*devices, began, state).report;
}

NodeReading GlanceAtGroups(Devices* devices) {
  const absl::Time began = RealClock().WallNow();
  agent::DeviceState state;
  if (devices->glance == nullptr) return NodeOf(*devices, began, state);
  for (const auto& reader : devices->readers) {
    if (!reader->Reads(PoolKind::kDirect)) continue;
    auto found = ReadSource(devices, reader.get());
    if (found.ok()) Append(*std::move(found), &state);
  }
  // LVM's commands cost more than all else that a direct volume needs.
  const bool may_be_any = agent::MayCarryGroups(state);
  auto groups = may_be_any ? ReadSource(devices, devices->glance.get()) : agent::DeviceState();
  if (groups.ok()) Append(*std::move(groups), &state);
  return NodeOf(*devices, began, std::move(state));
}

absl::StatusOr<CapacityReport> ReadDevices(Devices* devices) {
  PMEM_ASSIGN_OR_RETURN(NodeReading found, ReadNode(devices));
  return std::move(found.report);
}

}  // namespace pmem::driver
