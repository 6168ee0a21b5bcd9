// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/hidden_groups.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/own_groups.h"
#include "common/pure/names.h"

namespace pmem::agent {
namespace {

bool IsNamedAsVolume(std::string_view alt_name) {
  return alt_name.starts_with(kVolumeNamePrefix) || alt_name.starts_with(kUnfinishedPrefix);
}

std::string NameOf(const Region& region, const NvdimmNamespace& nvdimm_namespace) {
  const std::string& alt_name = nvdimm_namespace.alt_name;
  return absl::StrCat(region.name, ": ", nvdimm_namespace.device_name, alt_name.empty() ? "" : " (",
                      alt_name, alt_name.empty() ? "" : ")");
}

std::string WhyHidden(const NvdimmNamespace& nvdimm_namespace) {
  return nvdimm_namespace.is_disabled ? " is disabled" : " carries no VolumeGroup that is seen";
}

// Whether vgs shows what is on the namespace, or the VolumeGroup elsewhere.
bool IsSeen(const DeviceState& devices, const NvdimmNamespace& nvdimm_namespace) {
  return std::any_of(devices.volume_groups.begin(), devices.volume_groups.end(),
                     [&nvdimm_namespace](const VolumeGroup& group) {
                       return group.name == nvdimm_namespace.alt_name ||
                              Carries(nvdimm_namespace, group);
                     });
}

// What is wrong with one of the namespaces, or with its region. "": nothing.
std::string WhatDisables(const DeviceState& devices, const NamePatterns& regions,
                         const std::map<std::string, std::string>& carriers) {
  for (const Region& region : devices.regions) {
    if (!regions.Cover(region.name)) continue;
    for (const auto& [device_name, region_name] : carriers) {
      if (region_name == region.name && region.condition.state == PoolState::kInactive) {
        return absl::StrCat(region.name, ": ", region.condition.trouble);
      }
    }
    for (const NvdimmNamespace& each : region.nvdimm_namespaces) {
      if (each.is_disabled && carriers.count(each.device_name) > 0) {
        return NameOf(region, each) + WhyHidden(each);
      }
    }
  }
  return "";
}

bool MayCarryByName(const NvdimmNamespace& nvdimm_namespace, const NamePatterns& groups) {
  const std::string& name = nvdimm_namespace.alt_name;
  if (name.empty() || IsNamedAsVolume(name) || !groups.Cover(name)) return false;
  return nvdimm_namespace.is_disabled || name.starts_with(kVolumeGroupPrefix);
}

}  // namespace

bool Carries(const NvdimmNamespace& nvdimm_namespace, const VolumeGroup& group) {
  const auto& hidden_on = group.hidden_on;
  return std::any_of(group.block_devices.begin(), group.block_devices.end(),
                     [&nvdimm_namespace](const std::string& physical_volume) {
                       return LiesOn(physical_volume, nvdimm_namespace.block_device);
                     }) ||
         std::find(hidden_on.begin(), hidden_on.end(), nvdimm_namespace.device_name) !=
             hidden_on.end();
}

bool Carries(const Region& region, const VolumeGroup& group) {
  return std::any_of(region.nvdimm_namespaces.begin(), region.nvdimm_namespaces.end(),
                     [&group](const NvdimmNamespace& each) { return Carries(each, group); });
}

void AddHiddenByName(const NamePatterns& groups, const NamePatterns& regions,
                     DeviceState* devices) {
  for (const Region& region : devices->regions) {
    if (!regions.Cover(region.name)) continue;
    for (const NvdimmNamespace& each : region.nvdimm_namespaces) {
      if (!MayCarryByName(each, groups) || IsSeen(*devices, each)) continue;
      devices->volume_groups.push_back(
          {.name = each.alt_name,
           .total_bytes = each.bytes,
           .condition = {PoolState::kInactive, NameOf(region, each) + WhyHidden(each)},
           .hidden_on = {each.device_name}});
    }
  }
}

std::string DisabledNamespace(const DeviceState& devices, const NamePatterns& regions) {
  for (const Region& region : devices.regions) {
    if (!regions.Cover(region.name)) continue;
    for (const NvdimmNamespace& each : region.nvdimm_namespaces) {
      if (!each.is_disabled || IsNamedAsVolume(each.alt_name)) continue;
      return NameOf(region, each) + WhyHidden(each);
    }
  }
  return "";
}

void KnownGroups::Learn(const DeviceState& devices) {
  for (const VolumeGroup& group : devices.volume_groups) {
    std::map<std::string, std::string> carriers;
    for (const Region& region : devices.regions) {
      for (const NvdimmNamespace& each : region.nvdimm_namespaces) {
        if (Carries(each, group)) carriers[each.device_name] = region.name;
      }
    }
    // Without: it is elsewhere, or its regions were read when they were disabled already.
    if (!carriers.empty()) known_[group.name] = {.group = group, .carriers = std::move(carriers)};
  }
}

VolumeGroup KnownGroups::Hidden(const Known& known, const std::string& trouble) {
  VolumeGroup group = known.group;
  group.condition = {PoolState::kInactive, trouble};
  group.block_devices.clear();
  for (const auto& [device_name, region] : known.carriers) group.hidden_on.push_back(device_name);
  return group;
}

void KnownGroups::AddHidden(const NamePatterns& regions, absl::Time read_at, DeviceState* devices) {
  KeepOwnGroups(devices);
  Learn(*devices);
  std::set<std::string> seen;
  for (const VolumeGroup& group : devices->volume_groups) seen.insert(group.name);
  for (auto at = known_.begin(); at != known_.end();) {
    Known& known = at->second;
    std::string trouble = WhatDisables(*devices, regions, known.carriers);
    const bool is_missed = seen.count(at->first) == 0 && trouble.empty();
    if (!is_missed) known.missed_at.reset();
    if (is_missed && !known.missed_at) known.missed_at = read_at;
    if (is_missed && read_at > *known.missed_at) {
      at = known_.erase(at);
      continue;
    }
    if (is_missed) trouble = "is not seen any more";
    if (seen.count(at->first) == 0) devices->volume_groups.push_back(Hidden(known, trouble));
    ++at;
  }
}

}  // namespace pmem::agent
