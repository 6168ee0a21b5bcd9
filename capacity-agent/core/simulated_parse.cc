// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/simulated_parse.h"

#include <algorithm>
#include <climits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/free_extents.h"
#include "common/pure/json_reader.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

constexpr JsonLimits kLimits = {
    .bytes_max = kSimulatedFileBytesMax, .depth_max = 16, .values_max = int64_t{2} * 1000 * 1000};
constexpr int64_t kExtentBytesDefault = 4 * kMiB;
constexpr int64_t kAlignmentBytesDefault = 16 * kMiB;
constexpr std::string_view kModes[] = {"fsdax", "devdax", "sector", "raw"};

// A name that `seen` does not have yet.
absl::StatusOr<std::string> ReadNewName(const JsonValue& value, std::set<std::string>* seen) {
  PMEM_ASSIGN_OR_RETURN(std::string name, value.String("name"));
  if (name.empty()) return value.Error("name is empty");
  if (static_cast<int64_t>(name.size()) > kReportNameBytesMax) {
    return value.Error(
        absl::StrCat("name of ", name.size(), " bytes, at most ", kReportNameBytesMax));
  }
  if (!seen->insert(name).second) return value.Error("name " + name + " is there twice");
  return name;
}

absl::StatusOr<int64_t> ReadSize(const JsonValue& value) {
  return value.Int("size_bytes", 1, kBytesMax);
}

absl::StatusOr<std::optional<int>> ReadNumaNode(const JsonValue& value) {
  PMEM_ASSIGN_OR_RETURN(const auto number, value.OptionalInt("numa_node", -1, INT_MAX));
  if (!number || *number < 0) return std::nullopt;
  return static_cast<int>(*number);
}

absl::StatusOr<Condition> ReadCondition(const JsonValue& value) {
  PMEM_ASSIGN_OR_RETURN(const auto given, value.OptionalString("state"));
  const std::string name = given.value_or(std::string(PoolStateName(PoolState::kOk)));
  const PoolState state = PoolStateFromName(name);
  if (PoolStateName(state) != name) return value.Error("state " + name + " is not known");
  if (state == PoolState::kOk) return Condition{};
  return Condition{state, "simulated as " + name};
}

absl::StatusOr<VolumeGroup> ReadVolumeGroup(const JsonValue& value, std::set<std::string>* names) {
  VolumeGroup group;
  PMEM_ASSIGN_OR_RETURN(group.name, ReadNewName(value, names));
  PMEM_ASSIGN_OR_RETURN(const int64_t size_bytes, ReadSize(value));
  PMEM_ASSIGN_OR_RETURN(const auto extent,
                        value.OptionalInt("extent_size_bytes", 1, kReportAlignmentBytesMax));
  group.extent_bytes = extent.value_or(kExtentBytesDefault);
  group.total_bytes = AlignDown(size_bytes, group.extent_bytes);
  PMEM_ASSIGN_OR_RETURN(group.numa_node, ReadNumaNode(value));
  PMEM_ASSIGN_OR_RETURN(group.condition, ReadCondition(value));
  PMEM_ASSIGN_OR_RETURN(const auto rows, value.OptionalArray("volumes", kReportVolumesMax));
  std::set<std::string> volume_names;
  int64_t used_bytes = 0;
  for (const JsonValue& row : rows) {
    VolumeReport volume;
    PMEM_ASSIGN_OR_RETURN(volume.name, ReadNewName(row, &volume_names));
    PMEM_ASSIGN_OR_RETURN(volume.bytes, ReadSize(row));
    volume.bytes = AlignUp(volume.bytes, group.extent_bytes);
    used_bytes = AddBytes(used_bytes, volume.bytes);
    group.volumes.push_back(std::move(volume));
  }
  if (used_bytes > group.total_bytes) {
    return value.Error(
        absl::StrCat("volumes of ", used_bytes, " bytes in a VolumeGroup of ", group.total_bytes));
  }
  group.available_bytes = group.total_bytes - used_bytes;
  return group;
}

absl::StatusOr<NvdimmNamespace> ReadNvdimmNamespace(const JsonValue& row,
                                                    std::set<std::string>* names) {
  NvdimmNamespace nvdimm_namespace;
  PMEM_ASSIGN_OR_RETURN(nvdimm_namespace.alt_name, ReadNewName(row, names));
  nvdimm_namespace.device_name = nvdimm_namespace.alt_name;
  PMEM_ASSIGN_OR_RETURN(nvdimm_namespace.offset_bytes, row.Int("offset_bytes", 0, kBytesMax));
  PMEM_ASSIGN_OR_RETURN(nvdimm_namespace.bytes, ReadSize(row));
  PMEM_ASSIGN_OR_RETURN(const auto mode, row.OptionalString("mode"));
  if (mode && std::find(std::begin(kModes), std::end(kModes), *mode) == std::end(kModes)) {
    return row.Error("mode " + *mode + " is none of fsdax, devdax, sector, raw");
  }
  return nvdimm_namespace;
}

absl::Status ReadLabelSlots(const JsonValue& value, Region* region) {
  PMEM_ASSIGN_OR_RETURN(const auto slots,
                        value.OptionalInt("label_slots", 0, kReportLabelSlotsMax));
  if (!slots) return absl::OkStatus();
  const int64_t used = static_cast<int64_t>(region->nvdimm_namespaces.size());
  if (used > *slots) {
    return value.Error(absl::StrCat(used, " namespaces with ", *slots, " label slots"));
  }
  region->label_slots_free = *slots - used;
  return absl::OkStatus();
}

absl::StatusOr<Region> ReadRegion(const JsonValue& value, std::set<std::string>* names) {
  Region region;
  PMEM_ASSIGN_OR_RETURN(region.name, ReadNewName(value, names));
  PMEM_ASSIGN_OR_RETURN(region.total_bytes, ReadSize(value));
  PMEM_ASSIGN_OR_RETURN(const auto alignment,
                        value.OptionalInt("align_bytes", 1, kReportAlignmentBytesMax));
  region.alignment_bytes = alignment.value_or(kAlignmentBytesDefault);
  PMEM_ASSIGN_OR_RETURN(region.numa_node, ReadNumaNode(value));
  PMEM_ASSIGN_OR_RETURN(region.condition, ReadCondition(value));
  PMEM_ASSIGN_OR_RETURN(const auto rows, value.OptionalArray("namespaces", kReportVolumesMax));
  std::set<std::string> volume_names;
  for (const JsonValue& row : rows) {
    PMEM_ASSIGN_OR_RETURN(NvdimmNamespace nvdimm_namespace,
                          ReadNvdimmNamespace(row, &volume_names));
    region.nvdimm_namespaces.push_back(std::move(nvdimm_namespace));
  }
  if (!FreeExtents(region.total_bytes, region.alignment_bytes, region.nvdimm_namespaces)) {
    return value.Error("namespaces overlap or reach beyond the region");
  }
  PMEM_RETURN_IF_ERROR(ReadLabelSlots(value, &region));
  return region;
}

}  // namespace

absl::StatusOr<DeviceState> ParseSimulatedDevices(std::string_view json) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(json, kLimits));
  const JsonValue root = document.root();
  DeviceState devices;
  PMEM_ASSIGN_OR_RETURN(const auto groups, root.OptionalArray("volume_groups", kReportPoolsMax));
  std::set<std::string> group_names;
  for (const JsonValue& value : groups) {
    PMEM_ASSIGN_OR_RETURN(VolumeGroup group, ReadVolumeGroup(value, &group_names));
    devices.volume_groups.push_back(std::move(group));
  }
  PMEM_ASSIGN_OR_RETURN(const auto regions, root.OptionalArray("regions", kReportPoolsMax));
  std::set<std::string> region_names;
  for (const JsonValue& value : regions) {
    PMEM_ASSIGN_OR_RETURN(Region region, ReadRegion(value, &region_names));
    devices.regions.push_back(std::move(region));
  }
  return devices;
}

}  // namespace pmem::agent
