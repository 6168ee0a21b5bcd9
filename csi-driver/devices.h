// SPDX-License-Identifier: Apache-2.0
// The node's persistent memory as the driver uses it: read into a report as the agent reads it,
// written by one maker a kind.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "capacity-agent/core/device_state.h"
#include "capacity-agent/core/name_pattern.h"
#include "capacity-agent/device/pool_reader.h"
#include "capacity-agent/device/volume_maker.h"
#include "common/io/mutex.h"
#include "common/pure/capacity_report.h"

namespace pmem::driver {

// One reading for all who wait for one. Thread-safe.
class SharedReading {
 public:
  using Result = absl::StatusOr<agent::DeviceState>;
  // What a call of `read` found that began after this call did; never two of them run at once.
  // Takes as long as two of them at most, however many wait.
  Result Get(const std::function<Result()>& read) ABSL_LOCKS_EXCLUDED(mu_);
  int waiting() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable Mutex mu_;
  CondVar ended_;
  bool is_reading_ ABSL_GUARDED_BY(mu_) = false;
  int64_t begun_ ABSL_GUARDED_BY(mu_) = 0;  // Readings, counted.
  int64_t done_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<const Result> last_ ABSL_GUARDED_BY(mu_);  // Of number done_.
  int waiting_ ABSL_GUARDED_BY(mu_) = 0;
};

// Readers take one call at a time, and are slow each in its own way: LVM hangs with any disk of the
// node, while its regions are read at once.
class SharedReadings {
 public:
  SharedReading& Of(const agent::PoolReader& reader) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  Mutex mu_;
  std::map<const agent::PoolReader*, SharedReading> readings_ ABSL_GUARDED_BY(mu_);
};

// What kind direct waits for LVM: it has nothing to do with it, and LVM may hang.
inline constexpr absl::Duration kGlanceMax = absl::Seconds(3);

struct Devices {
  std::string node;
  agent::NamePatterns volume_groups;
  agent::NamePatterns regions;
  std::vector<std::unique_ptr<agent::PoolReader>> readers;  // Of regions first.
  // Of VolumeGroups alone, and done within kGlanceMax. None: the readers are as quick.
  std::unique_ptr<agent::PoolReader> glance;
  std::map<PoolKind, std::unique_ptr<agent::VolumeMaker>> makers;
  SharedReadings readings;
};

// What the devices hold now, or what of it could be read. Thread-safe.
struct NodeReading {
  CapacityReport report;
  std::string disabled;              // As agent::DisabledNamespace says it.
  std::vector<std::string> origins;  // As agent::VolumeGroup's, of all.
  // OK: all sources that were asked are in it. Else Unavailable: what is not in the report may be
  // there all the same.
  absl::Status missing;
};

// One source after the other until `is_enough` says so of what was read by then.
using IsEnough = std::function<bool(const CapacityReport& report)>;
NodeReading ReadUntil(Devices* devices, const IsEnough& is_enough);

// All of them. Unavailable when a source cannot be read: half a report would say that the other
// half is empty.
absl::StatusOr<agent::DeviceState> ReadDeviceState(Devices* devices);
absl::StatusOr<NodeReading> ReadNode(Devices* devices);
absl::StatusOr<CapacityReport> ReadDevices(Devices* devices);
// What it takes to place or grow a volume of `kind`. Regions tell all of kind direct, whatever
// becomes of LVM; a VolumeGroup's own state is that of the regions under it, too.
absl::StatusOr<CapacityReport> ReadDevicesFor(Devices* devices, PoolKind kind);
// VolumeGroups, by `devices->glance`, beside the regions. None where it cannot.
NodeReading GlanceAtGroups(Devices* devices);

}  // namespace pmem::driver
