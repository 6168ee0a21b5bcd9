// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/lvm_parse.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

constexpr JsonLimits kLimits = {
    .bytes_max = kLvmOutputBytesMax, .depth_max = 16, .values_max = int64_t{2} * 1000 * 1000};
constexpr std::string_view kDevicePrefix = "/dev/";
// data_percent has two decimals.
constexpr int64_t kFullBasisPoints = 10000;

// A size in bytes, written as a string of digits.
absl::StatusOr<int64_t> ReadBytes(const JsonValue& row, std::string_view column) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue value, row.Member(column));
  PMEM_ASSIGN_OR_RETURN(const std::string text, value.AsString());
  int64_t bytes = 0;
  const bool has_only_digits = text.find_first_not_of("0123456789") == text.npos;
  if (!has_only_digits || !absl::SimpleAtoi(text, &bytes) || bytes > kBytesMax) {
    return value.Error(absl::StrCat("\"", text.substr(0, 40), "\" is not a number of bytes"));
  }
  return bytes;
}

absl::StatusOr<std::string> ReadName(const JsonValue& row, std::string_view column) {
  PMEM_ASSIGN_OR_RETURN(std::string name, row.String(column));
  if (name.empty()) return row.Error(absl::StrCat(AbslView(column), " is empty"));
  return name;
}

// An attribute text such as "wz--n-"; at least `size_min` characters.
absl::StatusOr<std::string> ReadAttributes(const JsonValue& row, std::string_view column,
                                           size_t size_min) {
  PMEM_ASSIGN_OR_RETURN(std::string text, row.String(column));
  if (text.size() < size_min) return row.Error(absl::StrCat(AbslView(column), " is too short"));
  return text;
}

// "15.62" as 1562. Empty (an inactive pool) or anything else: unknown.
std::optional<int64_t> BasisPoints(std::string_view percent) {
  double value = 0;
  if (percent.empty() || !absl::SimpleAtod(AbslView(percent), &value)) return std::nullopt;
  // Rounded up: used space is not underestimated.
  const double basis_points = value * 100 + 0.999;
  if (!(basis_points >= 0 && basis_points <= kFullBasisPoints + 1)) return std::nullopt;
  return std::min(static_cast<int64_t>(basis_points), kFullBasisPoints);
}

Condition VolumeGroupCondition(const std::string& attributes) {
  if (attributes[3] == 'p') return {PoolState::kUnhealthy, "a physical volume is missing"};
  if (attributes[2] == 'x') return {PoolState::kInactive, "the VolumeGroup is exported"};
  if (attributes[0] != 'w') return {PoolState::kReadOnly, "the VolumeGroup is read-only"};
  return {};
}

absl::Status ReadPhysicalVolume(const JsonValue& row, VolumeGroup* group) {
  PMEM_ASSIGN_OR_RETURN(const std::string name, ReadName(row, "pv_name"));
  PMEM_ASSIGN_OR_RETURN(const std::string attributes, ReadAttributes(row, "pv_attr", 3));
  PMEM_ASSIGN_OR_RETURN(const int64_t free_bytes, ReadBytes(row, "pv_free"));
  const bool is_missing = attributes[2] == 'm';
  if (attributes[0] == 'a' && !is_missing) {
    group->available_bytes = AddBytes(group->available_bytes, free_bytes);
  }
  if (!is_missing && name.starts_with(kDevicePrefix)) {
    group->block_devices.push_back(name.substr(kDevicePrefix.size()));
  }
  return absl::OkStatus();
}

ThinPool MakeThinPool(const VolumeReport& volume, std::string_view data_percent) {
  ThinPool pool = {.name = volume.name, .total_bytes = volume.bytes};
  const std::optional<int64_t> used = BasisPoints(data_percent);
  if (used) {
    // Divided first: a size may be near the largest int64_t.
    pool.available_bytes = pool.total_bytes / kFullBasisPoints * (kFullBasisPoints - *used);
  } else {
    pool.condition = {PoolState::kInactive, "the thin pool is not active"};
  }
  return pool;
}

// Thin volumes wait in `thin_volumes`, by the name of their pool, until all pools are known.
absl::Status ReadLogicalVolume(const JsonValue& row, VolumeGroup* group,
                               std::map<std::string, std::vector<VolumeReport>>* thin_volumes) {
  VolumeReport volume;
  PMEM_ASSIGN_OR_RETURN(volume.name, ReadName(row, "lv_name"));
  PMEM_ASSIGN_OR_RETURN(volume.bytes, ReadBytes(row, "lv_size"));
  PMEM_ASSIGN_OR_RETURN(const std::string attributes, ReadAttributes(row, "lv_attr", 1));
  if (attributes[0] == 'V') {
    PMEM_ASSIGN_OR_RETURN(const std::string pool, ReadName(row, "pool_lv"));
    (*thin_volumes)[pool].push_back(std::move(volume));
    return absl::OkStatus();
  }
  if (attributes[0] == 't') {
    PMEM_ASSIGN_OR_RETURN(const std::string percent, row.String("data_percent"));
    group->thin_pools.push_back(MakeThinPool(volume, percent));
  }
  // 'O': a snapshot is being merged into it.
  if (attributes[0] == 'o' || attributes[0] == 'O') group->origins.push_back(volume.name);
  group->volumes.push_back(std::move(volume));
  return absl::OkStatus();
}

absl::StatusOr<VolumeGroup> ReadVolumeGroup(const JsonValue& report) {
  PMEM_ASSIGN_OR_RETURN(const auto group_rows, report.Array("vg", 1));
  if (group_rows.empty()) return report.Error("vg is empty");
  const JsonValue& row = group_rows[0];
  VolumeGroup group;
  PMEM_ASSIGN_OR_RETURN(group.name, ReadName(row, "vg_name"));
  PMEM_ASSIGN_OR_RETURN(const std::string attributes, ReadAttributes(row, "vg_attr", 4));
  group.condition = VolumeGroupCondition(attributes);
  PMEM_ASSIGN_OR_RETURN(group.total_bytes, ReadBytes(row, "vg_size"));
  PMEM_ASSIGN_OR_RETURN(group.extent_bytes, ReadBytes(row, "vg_extent_size"));
  if (group.extent_bytes < 1) return row.Error("vg_extent_size is 0");
  PMEM_ASSIGN_OR_RETURN(const auto physical_rows, report.Array("pv"));
  for (const JsonValue& physical : physical_rows) {
    PMEM_RETURN_IF_ERROR(ReadPhysicalVolume(physical, &group));
  }
  PMEM_ASSIGN_OR_RETURN(const auto volume_rows, report.Array("lv"));
  std::map<std::string, std::vector<VolumeReport>> thin_volumes;
  for (const JsonValue& volume : volume_rows) {
    PMEM_RETURN_IF_ERROR(ReadLogicalVolume(volume, &group, &thin_volumes));
  }
  for (ThinPool& pool : group.thin_pools) pool.volumes = std::move(thin_volumes[pool.name]);
  return group;
}

}  // namespace

std::vector<std::string> LvmReportArguments() {
  return {"fullreport", "--reportformat", "json", "--units", "b", "--nosuffix", "--configreport",
          "vg", "-o", "vg_name,vg_attr,vg_size,vg_extent_size", "--configreport", "pv", "-o",
          "pv_name,pv_attr,pv_free", "--configreport", "lv", "-o",
          "lv_name,lv_attr,lv_size,pool_lv,data_percent",
          // These two cannot be left out; one column keeps them small.
          "--configreport", "pvseg", "-o", "pvseg_start", "--configreport", "seg", "-o",
          "seg_start"};
}

absl::StatusOr<std::vector<VolumeGroup>> ParseLvmReport(std::string_view json) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(json, kLimits));
  PMEM_ASSIGN_OR_RETURN(const auto reports, document.root().Array("report"));
  std::vector<VolumeGroup> groups;
  for (const JsonValue& report : reports) {
    // Physical volumes that belong to no VolumeGroup come as a report of their own.
    PMEM_ASSIGN_OR_RETURN(const auto group_rows, report.OptionalArray("vg"));
    if (group_rows.empty()) continue;
    PMEM_ASSIGN_OR_RETURN(VolumeGroup group, ReadVolumeGroup(report));
    groups.push_back(std::move(group));
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const VolumeGroup& a, const VolumeGroup& b) { return a.name < b.name; });
  return groups;
}

}  // namespace pmem::agent
