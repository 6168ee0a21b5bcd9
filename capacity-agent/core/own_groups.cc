// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/own_groups.h"

#include <algorithm>
#include <cctype>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/pure/names.h"

namespace pmem::agent {
namespace {

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

bool HasDigitsOnly(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
}

// What the kernel puts between the name of a device and the number of its partition.
std::string_view PartitionInfix(std::string_view block_device) {
  return IsDigit(block_device.back()) ? "p" : "";
}

bool IsAnyOwn(const DeviceState& devices, const std::function<bool(std::string_view)>& is_wanted) {
  for (const Region& region : devices.regions) {
    for (const NvdimmNamespace& each : region.nvdimm_namespaces) {
      if (!IsVolumeName(each.alt_name) && is_wanted(each.block_device)) return true;
    }
  }
  return false;
}

bool LiesOnOwn(const DeviceState& devices, const std::string& physical_volume) {
  return IsAnyOwn(devices, [&physical_volume](std::string_view block_device) {
    return LiesOn(physical_volume, block_device);
  });
}

}  // namespace

bool IsVolumeName(std::string_view alt_name) {
  constexpr std::string_view kUnfinished = kUnfinishedPrefix;
  if (alt_name.starts_with(kUnfinished)) alt_name.remove_prefix(kUnfinished.size());
  return alt_name.starts_with(kVolumeNamePrefix);
}

bool LiesOn(std::string_view physical_volume, std::string_view block_device) {
  if (block_device.empty() || !physical_volume.starts_with(block_device)) return false;
  std::string_view rest = physical_volume.substr(block_device.size());
  if (rest.empty()) return true;
  const std::string_view infix = PartitionInfix(block_device);
  return rest.starts_with(infix) && HasDigitsOnly(rest.substr(infix.size()));
}

void KeepOwnGroups(DeviceState* devices) {
  std::erase_if(devices->volume_groups, [devices](const VolumeGroup& group) {
    return !std::all_of(group.block_devices.begin(), group.block_devices.end(),
                        [devices](const std::string& each) { return LiesOnOwn(*devices, each); });
  });
}

bool MayCarryGroups(const DeviceState& devices) {
  return IsAnyOwn(devices, [](std::string_view block_device) { return !block_device.empty(); });
}

// In an accepted name nothing but the dot means something else to LVM ("pmem1.2").
std::vector<std::string> LvmConfigArguments(absl::Span<const std::string> block_devices) {
  std::string filter;
  for (const std::string& each : block_devices) {
    const std::string_view infix = PartitionInfix(each);
    absl::StrAppend(&filter, "\"a|^/dev/", absl::StrReplaceAll(each, {{".", "[.]"}}), "(",
                    absl::string_view(infix.data(), infix.size()), "[0-9]+)?$|\",");
  }
  return {"--config",
          absl::StrCat("backup/archive=0 devices/global_filter=[", filter, "\"r|.*|\"]")};
}

}  // namespace pmem::agent
