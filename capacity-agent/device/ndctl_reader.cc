// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/ndctl_reader.h"

#include <linux/ndctl.h>
#include <ndctl/libndctl.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/own_groups.h"
#include "capacity-agent/core/region_condition.h"
#include "capacity-agent/device/ndctl_context.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

std::string Text(const char* text) { return text == nullptr ? "" : text; }

// libndctl says ULLONG_MAX for "cannot read".
std::optional<int64_t> Bytes(unsigned long long value) {
  if (value > static_cast<unsigned long long>(kBytesMax)) return std::nullopt;
  return static_cast<int64_t>(value);
}

absl::StatusOr<int64_t> KnownBytes(unsigned long long value, const std::string& device) {
  const std::optional<int64_t> bytes = Bytes(value);
  if (!bytes) return absl::AbortedError(absl::StrCat(device, ": its size is not readable"));
  return *bytes;
}

// The device that a file system or LVM sees: of the part that owns the namespace, or of itself.
std::string BlockDevice(ndctl_namespace* source) {
  ndctl_btt* const btt = ndctl_namespace_get_btt(source);
  if (btt != nullptr) return Text(ndctl_btt_get_block_device(btt));
  ndctl_pfn* const pfn = ndctl_namespace_get_pfn(source);
  if (pfn != nullptr) return Text(ndctl_pfn_get_block_device(pfn));
  if (ndctl_namespace_get_dax(source) != nullptr) return "";
  return Text(ndctl_namespace_get_block_device(source));
}

absl::StatusOr<NvdimmNamespace> ReadNvdimmNamespace(ndctl_namespace* source,
                                                    std::optional<int64_t> region_start) {
  NvdimmNamespace found;
  found.device_name = Text(ndctl_namespace_get_devname(source));
  found.alt_name = Text(ndctl_namespace_get_alt_name(source));
  PMEM_ASSIGN_OR_RETURN(found.bytes,
                        KnownBytes(ndctl_namespace_get_size(source), found.device_name));
  const std::optional<int64_t> start = Bytes(ndctl_namespace_get_resource(source));
  // Unprivileged readers get no address, or 0.
  if (start && region_start && *region_start > 0 && *start >= *region_start) {
    found.offset_bytes = *start - *region_start;
  }
  found.block_device = BlockDevice(source);
  found.is_disabled = found.block_device.empty() && ndctl_namespace_get_dax(source) == nullptr;
  return found;
}

absl::Status ReadNvdimmNamespaces(ndctl_region* source, Region* region) {
  const std::optional<int64_t> region_start = Bytes(ndctl_region_get_resource(source));
  ndctl_namespace* each = nullptr;
  ndctl_namespace_foreach(source, each) {
    // Every region has an empty one, from which the next will be made.
    if (ndctl_namespace_get_size(each) == 0) continue;
    PMEM_ASSIGN_OR_RETURN(NvdimmNamespace found, ReadNvdimmNamespace(each, region_start));
    region->nvdimm_namespaces.push_back(std::move(found));
  }
  std::sort(region->nvdimm_namespaces.begin(), region->nvdimm_namespaces.end(),
            [](const NvdimmNamespace& a, const NvdimmNamespace& b) {
              return a.device_name < b.device_name;
            });
  return absl::OkStatus();
}

void AddFailures(ndctl_dimm* dimm, std::vector<std::string>* failures) {
  const std::string name = Text(ndctl_dimm_get_devname(dimm));
  const auto add = [&name, failures](int is_set, const char* what) {
    if (is_set > 0) failures->push_back(absl::StrCat(name, ": ", what));
  };
  add(ndctl_dimm_failed_save(dimm), "the last save to the media failed");
  add(ndctl_dimm_failed_restore(dimm), "the last restore from the media failed");
  add(ndctl_dimm_failed_flush(dimm), "the last flush to persistence failed");
  add(ndctl_dimm_failed_arm(dimm), "not armed to save on power loss");
  add(ndctl_dimm_failed_map(dimm), "not mapped");
  add(ndctl_dimm_locked(dimm), "locked");
}

// A volume takes a label on every NVDIMM of its region: the one with the fewest counts.
std::optional<int64_t> LabelSlotsFree(ndctl_region* source) {
  std::optional<int64_t> fewest;
  ndctl_dimm* dimm = nullptr;
  ndctl_dimm_foreach_in_region(source, dimm) {
    const unsigned long slots = ndctl_dimm_get_available_labels(dimm);
    if (slots == ULONG_MAX) return std::nullopt;
    fewest = std::min(fewest.value_or(INT64_MAX), static_cast<int64_t>(slots));
  }
  return fewest;
}

RegionFacts ReadFacts(ndctl_region* source) {
  RegionFacts facts;
  facts.is_enabled = ndctl_region_is_enabled(source) == 1;
  facts.is_read_only = ndctl_region_get_ro(source) == 1;
  facts.has_labels = ndctl_region_get_nstype(source) != ND_DEVICE_NAMESPACE_IO;
  ndctl_dimm* dimm = nullptr;
  ndctl_dimm_foreach_in_region(source, dimm) { AddFailures(dimm, &facts.nvdimm_failures); }
  std::sort(facts.nvdimm_failures.begin(), facts.nvdimm_failures.end());
  return facts;
}

absl::StatusOr<Region> ReadRegion(ndctl_region* source) {
  Region region;
  region.name = Text(ndctl_region_get_devname(source));
  PMEM_ASSIGN_OR_RETURN(region.total_bytes, KnownBytes(ndctl_region_get_size(source), region.name));
  // Before what is free: a volume that is made in between is not listed, and has its room and its
  // labels all the same. Listed, it would end what is held for it, beside numbers of before it.
  PMEM_RETURN_IF_ERROR(ReadNvdimmNamespaces(source, &region));
  region.available_bytes = Bytes(ndctl_region_get_available_size(source));
  region.extent_bytes_max = Bytes(ndctl_region_get_max_available_extent(source));
  const unsigned long alignment = ndctl_region_get_align(source);
  // Kernels before 5.7 have no such attribute and place by pages.
  region.alignment_bytes =
      alignment == 0 || alignment == ULONG_MAX ? 4 * kKiB : static_cast<int64_t>(alignment);
  const int numa_node = ndctl_region_get_numa_node(source);
  if (numa_node >= 0) region.numa_node = numa_node;
  region.condition = JudgeRegion(ReadFacts(source));
  if (region.condition.state != PoolState::kLabelLess) {
    region.label_slots_free = LabelSlotsFree(source);
  }
  return region;
}

std::vector<ndctl_region*> PmemRegions(ndctl_ctx* context) {
  std::vector<ndctl_region*> regions;
  ndctl_bus* bus = nullptr;
  ndctl_bus_foreach(context, bus) {
    ndctl_region* source = nullptr;
    ndctl_region_foreach(bus, source) {
      if (ndctl_region_get_type(source) == ND_DEVICE_REGION_PMEM) regions.push_back(source);
    }
  }
  return regions;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ReadGroupDevices() {
  PMEM_ASSIGN_OR_RETURN(const NdctlContext context, NewNdctlContext());
  std::vector<std::string> devices;
  for (ndctl_region* const region : PmemRegions(context.get())) {
    ndctl_namespace* each = nullptr;
    ndctl_namespace_foreach(region, each) {
      if (IsVolumeName(Text(ndctl_namespace_get_alt_name(each)))) continue;
      std::string device = BlockDevice(each);
      if (!device.empty()) devices.push_back(std::move(device));
    }
  }
  std::sort(devices.begin(), devices.end());
  return devices;
}

absl::StatusOr<DeviceState> NdctlReader::Read() {
  PMEM_ASSIGN_OR_RETURN(const NdctlContext context, NewNdctlContext());
  DeviceState devices;
  for (ndctl_region* const source : PmemRegions(context.get())) {
    PMEM_ASSIGN_OR_RETURN(Region region, ReadRegion(source));
    devices.regions.push_back(std::move(region));
  }
  std::sort(devices.regions.begin(), devices.regions.end(),
            [](const Region& a, const Region& b) { return a.name < b.name; });
  return devices;
}

}  // namespace pmem::agent
