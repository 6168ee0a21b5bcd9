// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/init_plan.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/free_extents.h"
#include "common/pure/absl_view.h"
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

// Whether it is one that GroupNameOf gives, of whatever region.
bool IsGroupName(std::string_view name) {
  if (!name.starts_with(kVolumeGroupPrefix)) return false;
  name.remove_prefix(kVolumeGroupPrefix.size());
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Of VolumeGroups: which are there, and which this plan gives.
class Names {
 public:
  explicit Names(const agent::DeviceState& devices) {
    for (const agent::VolumeGroup& group : devices.volume_groups) groups_.insert(group.name);
    for (const agent::Region& region : devices.regions) {
      // What a disabled one carries is not seen, and is most probably called as it is numbered.
      if (region.condition.state == PoolState::kInactive) others_.insert(GroupNameOf(region));
      for (const agent::NvdimmNamespace& each : region.nvdimm_namespaces) {
        others_.insert(each.alt_name);
      }
    }
  }

  // False: a VolumeGroup has it.
  bool Take(const std::string& name) { return groups_.insert(name).second; }
  // The region's own number. Where a region has it that had this number before, the lowest free.
  std::string TakeNew(const agent::Region& region) {
    std::string name = GroupNameOf(region);
    for (int number = 0; others_.count(name) > 0 || !Take(name); ++number) {
      name = absl::StrCat(AbslView(kVolumeGroupPrefix), number);
    }
    return name;
  }

 private:
  std::set<std::string> groups_;
  std::set<std::string> others_;  // That VolumeGroups which are not seen may have.
};

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
                                int64_t lvm_percent, Names* names) {
  if (HasOwnGroup(devices, region)) return {};
  InitStep group = {.action = Action::kCreateVolumeGroup, .region = region.name};
  for (const agent::NvdimmNamespace& each : region.nvdimm_namespaces) {
    // Of a run that was cut off, perhaps when the region had another number.
    if (IsGroupName(each.alt_name) && GroupOn(devices, each) == nullptr) {
      group.name = each.alt_name;
      group.is_disabled = each.is_disabled;
      if (names->Take(group.name)) return {group};
      return {Refuse(region, "a VolumeGroup " + group.name + " is there, on other devices")};
    }
    // A split region carries direct volumes, and whatever else fits beside.
    if (lvm_percent == 100) return {Refuse(region, NameOf(each) + " is there and not ours")};
  }
  group.name = names->TakeNew(region);
  const InitStep room = PlanNamespace(region, group.name, lvm_percent);
  if (room.action == Action::kRefuse) return {room};
  return {room, group};
}

// Of a run that was cut off before it gave the namespace its name: nobody's data is there.
bool IsUnfinished(const agent::DeviceState& devices, const agent::NvdimmNamespace& each) {
  const std::string_view name = each.alt_name;
  constexpr std::string_view kPrefix = kUnfinishedPrefix;
  return name.starts_with(kPrefix) && IsGroupName(name.substr(kPrefix.size())) &&
         GroupOn(devices, each) == nullptr;
}

// Leaves in *region what is there afterwards.
std::vector<InitStep> PlanRemovals(const agent::DeviceState& devices, agent::Region* region) {
  std::vector<InitStep> steps;
  std::erase_if(region->nvdimm_namespaces, [&](const agent::NvdimmNamespace& each) {
    if (!IsUnfinished(devices, each)) return false;
    steps.push_back(
        {.action = Action::kRemoveNamespace, .region = region->name, .name = each.alt_name});
    // At least as much as it took.
    region->extent_bytes_max = std::max(region->extent_bytes_max.value_or(0), each.bytes);
    return true;
  });
  if (steps.empty()) return steps;
  const auto extents =
      agent::FreeExtents(region->total_bytes, region->alignment_bytes, region->nvdimm_namespaces);
  if (extents) region->extent_bytes_max = agent::LargestBytes(*extents);
  return steps;
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
                                 const InitOptions& options, Names* names) {
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
  for (InitStep& step : PlanRemovals(devices, &region)) steps.push_back(std::move(step));
  if (options.lvm_percent == 0) return steps;
  for (InitStep& step : PlanGroup(devices, region, options.lvm_percent, names)) {
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

std::vector<InitStep> PlanInit(const agent::DeviceState& devices, const InitOptions& options) {
  std::vector<InitStep> steps;
  Names names(devices);
  for (const agent::Region& region : devices.regions) {
    if (!options.regions.Cover(region.name)) continue;
    for (InitStep& step : PlanRegion(devices, region, options, &names)) {
      steps.push_back(std::move(step));
    }
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
    case Action::kRemoveNamespace:
      return absl::StrCat(step.region, ": remove NVDIMM namespace ", step.name,
                          ", which was not finished");
    case Action::kCreateNamespace:
      return absl::StrCat(step.region, ": create NVDIMM namespace ", step.name, " of ", step.bytes,
                          " bytes, mode fsdax");
    case Action::kCreateVolumeGroup:
      return absl::StrCat(step.region, ": create VolumeGroup ", step.name, " on NVDIMM namespace ",
                          step.name,
                          step.is_disabled ? ", enabling it, unless it carries something" : "");
    case Action::kRefuse:
      return absl::StrCat(step.region, ": left alone: ", step.reason);
  }
  return step.region;
}

}  // namespace pmem::driver
