// SPDX-License-Identifier: Apache-2.0
// What the device readers found, before anything is decided: regions with their NVDIMM namespaces,
// and VolumeGroups with their LogicalVolumes. Values. Absent optionals mean "not known", never
// zero.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pure/capacity_report.h"

namespace pmem::agent {

// What keeps a pool from taking volumes. kOk has no trouble text.
struct Condition {
  PoolState state = PoolState::kOk;
  std::string trouble;  // For people; becomes an error of the report.
  bool operator==(const Condition&) const = default;
};

// A device object of libnvdimm that takes room from its region, whatever its mode and whoever made
// it.
struct NvdimmNamespace {
  std::string device_name;              // "namespace1.0"
  std::string alt_name;                 // May be empty.
  int64_t bytes = 0;                    // What it takes; a file system on it has less.
  std::optional<int64_t> offset_bytes;  // From the start of the region.
  std::string block_device;             // "pmem1"; empty: none (devdax, disabled).
  bool is_disabled = false;             // What is on it is seen by nobody.
  bool operator==(const NvdimmNamespace&) const = default;
};

struct Region {
  std::string name;  // "region1"
  int64_t total_bytes = 0;
  std::optional<int64_t> available_bytes;   // As the kernel counts.
  std::optional<int64_t> extent_bytes_max;  // Largest free range, as the kernel counts.
  int64_t alignment_bytes = 1;
  std::optional<int> numa_node;
  std::optional<int64_t> label_slots_free;
  Condition condition;
  std::vector<NvdimmNamespace> nvdimm_namespaces;  // Without empty ones.
  bool operator==(const Region&) const = default;
};

struct ThinPool {
  std::string name;
  int64_t total_bytes = 0;
  int64_t available_bytes = 0;  // Of its data; meaningless unless the condition is kOk.
  Condition condition;
  std::vector<VolumeReport> volumes;  // Virtual sizes: together they may exceed the pool.
  bool operator==(const ThinPool&) const = default;
};

struct VolumeGroup {
  std::string name;
  int64_t total_bytes = 0;
  int64_t available_bytes = 0;  // On physical volumes that may be used.
  int64_t extent_bytes = 1;
  std::optional<int> numa_node;
  Condition condition;
  std::vector<std::string> block_devices;  // Of its physical volumes, without "/dev/".
  std::vector<VolumeReport> volumes;       // Thin pools included, thin volumes not.
  std::vector<ThinPool> thin_pools;
  std::vector<std::string> origins;  // Volumes that have snapshots, which would go with them.
  // Device names of what it is hidden on (hidden_groups.h): that has no block device to go by.
  std::vector<std::string> hidden_on;
  bool operator==(const VolumeGroup&) const = default;
};

struct DeviceState {
  std::vector<Region> regions;
  std::vector<VolumeGroup> volume_groups;
  bool operator==(const DeviceState&) const = default;
};

// Null: there is none.
inline const Region* FindRegion(const DeviceState& devices, std::string_view name) {
  const auto found = std::ranges::find(devices.regions, name, &Region::name);
  return found == devices.regions.end() ? nullptr : &*found;
}

}  // namespace pmem::agent
