// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/init_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/pure/names.h"
#include "common/pure/units.h"

namespace pmem::driver {
namespace {

using Action = InitStep::Action;

constexpr std::string_view kRegionPrefix = "region";
// What page metadata, LVM's metadata and one extent leave nothing useful of is not worth a
// VolumeGroup.
constexpr int64_t kGroupBytesMin = 64 * kMiB;

// region3 -> pmemvgregion3
std::string GroupNameOf(const agent::Region& region) {
  std::string_view number = region.name;
  if (number.starts_with(kRegionPrefix)) number.remove_prefix(kRegionPrefix.size());
  return std::string(kVolumeGroupPrefix) + std::string(number);
}

const agent::VolumeGroup* GroupOn(const agent::DeviceState& devices,
                                  const agent::NvdimmNamespace& nvdimm_namespace) {
  for (const agent::VolumeGroup& group : devices.volume_groups) {
    const auto& on = group.block_devices;
    if (!nvdimm_namespace.block_device.empty() &&
        std::find(on.begin(), on.end(), nvdimm_namespace.block_device) != on.end()) {
      return &group;
    }
  }
  return nullptr;
}

bool HasGroup(const agent::DeviceState& devices, std::string_view name) {
  return std::any_of(devices.volume_groups.begin(), devices.volume_groups.end(),
                     [name](const agent::VolumeGroup& group) { return group.name == name; });
}

InitStep Refuse(const agent::Region& region, std::string reason) {
  return {.action = Action::kRefuse, .region = region.name, .reason = std::move(reason)};
}

std::string NameOf(const agent::NvdimmNamespace& nvdimm_namespace) {
  return absl::StrCat(nvdimm_namespace.device_name, " (", nvdimm_namespace.alt_name, ", ",
                      nvdimm_namespace.bytes, " bytes)");
}

// Whether the region carries a VolumeGroup of ours already, whatever its number: kernels number
// regions anew at each boot.
bool HasOwnGroup(const agent::DeviceState& devices, const agent::Region& region) {
  return std::any_of(region.nvdimm_namespaces.begin(), region.nvdimm_namespaces.end(),
                     [&devices](const agent::NvdimmNamespace& each) {
                       const agent::VolumeGroup* const group = GroupOn(devices, each);
                       return group != nullptr && group->name.starts_with(kVolumeGroupPrefix);
                     });
}

InitStep PlanNamespace(const agent::Region& region, const std::string& name, int64_t lvm_percent) {
  const int64_t whole_bytes = AlignDown(region.total_bytes, region.alignment_bytes);
  const int64_t share_bytes =
      whole_bytes / 100 * lvm_percent + whole_bytes % 100 * lvm_percent / 100;
  const int64_t bytes =
      AlignDown(std::min(share_bytes, region.extent_bytes_max.value_or(0)), region.alignment_bytes);
  if (bytes < kGroupBytesMin) {
    return Refuse(region, absl::StrCat("its free room of ", bytes, " bytes in one piece is below ",
                                       kGroupBytesMin));
  }
  return {.action = Action::kCreateNamespace, .region = region.name, .name = name, .bytes = bytes};
}

std::vector<InitStep> PlanGroup(const agent::DeviceState& devices, const agent::Region& region,
                                int64_t lvm_percent) {
  const std::string name = GroupNameOf(region);
  if (HasOwnGroup(devices, region)) return {};
  if (HasGroup(devices, name)) {
    return {Refuse(region, "a VolumeGroup " + name + " is there, on other devices")};
  }
  const InitStep group = {
      .action = Action::kCreateVolumeGroup, .region = region.name, .name = name};
  for (const agent::NvdimmNamespace& each : region.nvdimm_namespaces) {
    if (each.alt_name == name && GroupOn(devices, each) == nullptr) return {group};
    // A split region carries direct volumes, and whatever else fits beside.
    if (lvm_percent == 100) return {Refuse(region, NameOf(each) + " is there and not ours")};
  }
  const InitStep room = PlanNamespace(region, name, lvm_percent);
  if (room.action == Action::kRefuse) return {room};
  return {room, group};
}

// Without labels the whole region is one namespace. One that is disabled, or that applications map
// as it is (devdax), cannot be probed, and may hold anything.
InitStep PlanLabels(const agent::Region& region, bool initializes_labels) {
  if (!initializes_labels) {
    return Refuse(region, "its label area is not initialized (--init-labels does it)");
  }
  for (const agent::NvdimmNamespace& each : region.nvdimm_namespaces) {
    if (!each.block_device.empty()) continue;
    return Refuse(region, each.device_name + " has no block device: what is on it cannot be told");
  }
  return {.action = Action::kInitLabels, .region = region.name};
}

std::vector<InitStep> PlanRegion(const agent::DeviceState& devices, agent::Region region,
                                 const InitOptions& options) {
  std::vector<InitStep> steps;
  if (region.condition.state == PoolState::kLabelLess) {
    steps.push_back(PlanLabels(region, options.initializes_labels));
    if (steps.front().action == Action::kRefuse) return steps;
    // What is there afterwards: an empty region.
    region.condition = {};
    region.nvdimm_namespaces.clear();
    region.extent_bytes_max = region.total_bytes;
  }
  if (region.condition.state != PoolState::kOk) return {Refuse(region, region.condition.trouble)};
  if (options.lvm_percent == 0) return steps;
  for (InitStep& step : PlanGroup(devices, region, options.lvm_percent)) {
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

std::vector<InitStep> PlanInit(const agent::DeviceState& devices, const InitOptions& options) {
  std::vector<InitStep> steps;
  for (const agent::Region& region : devices.regions) {
    if (!options.regions.Cover(region.name)) continue;
    for (InitStep& step : PlanRegion(devices, region, options)) steps.push_back(std::move(step));
  }
  return steps;
}

std::string DescribeInit(const agent::DeviceState& devices, const InitOptions& options, int changed,
                         bool is_dry) {
  const auto matching = std::count_if(
      devices.regions.begin(), devices.regions.end(),
      [&options](const agent::Region& region) { return options.regions.Cover(region.name); });
  return absl::StrCat(matching == 0 ? "warning: no region to make ready: " : "",
                      devices.regions.size(), " regions seen, ", matching,
                      " match --region-pattern, ", changed, is_dry ? " to change" : " changed");
}

std::string DescribeStep(const InitStep& step) {
  switch (step.action) {
    case Action::kInitLabels:
      return step.region + ": initialize the label areas of its NVDIMMs";
    case Action::kCreateNamespace:
      return absl::StrCat(step.region, ": create NVDIMM namespace ", step.name, " of ", step.bytes,
                          " bytes, mode fsdax");
    case Action::kCreateVolumeGroup:
      return absl::StrCat(step.region, ": create VolumeGroup ", step.name, " on NVDIMM namespace ",
                          step.name);
    case Action::kRefuse:
      return absl::StrCat(step.region, ": left alone: ", step.reason);
  }
  return step.region;
}

}  // namespace pmem::driver
