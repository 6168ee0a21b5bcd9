// SPDX-License-Identifier: Apache-2.0
#include "common/pure/capacity_report.h"

#include <algorithm>
#include <climits>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/json_writer.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem {
namespace {

constexpr JsonLimits kReportJsonLimits = {
    .bytes_max = kReportBytesMax, .depth_max = 16, .values_max = int64_t{1000} * 1000};

struct StateName {
  PoolState state;
  std::string_view name;
};
constexpr StateName kStateNames[] = {
    {PoolState::kOk, "ok"},
    {PoolState::kInactive, "inactive"},
    {PoolState::kReadOnly, "read_only"},
    {PoolState::kLabelLess, "label_less"},
    {PoolState::kUnhealthy, "unhealthy"},
    {PoolState::kUnknown, "unknown"},
};

absl::StatusOr<std::string> ReadText(const JsonValue& object, std::string_view member,
                                     int64_t bytes_max) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue value, object.Member(member));
  PMEM_ASSIGN_OR_RETURN(std::string text, value.AsString());
  if (static_cast<int64_t>(text.size()) > bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat(value.path(), ": ", text.size(), " bytes, at most ", bytes_max));
  }
  return text;
}

absl::StatusOr<std::string> ReadName(const JsonValue& object, std::string_view member) {
  PMEM_ASSIGN_OR_RETURN(std::string name, ReadText(object, member, kReportNameBytesMax));
  if (name.empty()) return object.Error(absl::StrCat(AbslView(member), " is empty"));
  return name;
}

absl::StatusOr<int64_t> ReadBytes(const JsonValue& object, std::string_view member,
                                  int64_t min = 0) {
  return object.Int(member, min, kBytesMax);
}

absl::StatusOr<absl::Time> ReadTime(const JsonValue& object, std::string_view member) {
  PMEM_ASSIGN_OR_RETURN(const std::string text, object.String(member));
  absl::Time time;
  std::string problem;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &problem) ||
      time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return object.Error(absl::StrCat(AbslView(member), " is not an RFC 3339 time"));
  }
  return time;
}

absl::StatusOr<std::vector<VolumeReport>> ReadVolumes(const JsonValue& pool) {
  PMEM_ASSIGN_OR_RETURN(const auto elements, pool.OptionalArray("volumes", kReportVolumesMax));
  std::vector<VolumeReport> volumes;
  volumes.reserve(elements.size());
  for (const JsonValue& element : elements) {
    VolumeReport volume;
    PMEM_ASSIGN_OR_RETURN(volume.name, ReadName(element, "name"));
    PMEM_ASSIGN_OR_RETURN(volume.bytes, ReadBytes(element, "bytes"));
    volumes.push_back(std::move(volume));
  }
  std::stable_sort(volumes.begin(), volumes.end(),
                   [](const VolumeReport& a, const VolumeReport& b) { return a.name < b.name; });
  return volumes;
}

absl::StatusOr<std::vector<FreeExtent>> ReadExtents(const JsonValue& pool, int64_t total_bytes) {
  PMEM_ASSIGN_OR_RETURN(const auto elements, pool.OptionalArray("free_extents", kReportExtentsMax));
  std::vector<FreeExtent> extents;
  extents.reserve(elements.size());
  int64_t end_bytes = 0;
  for (const JsonValue& element : elements) {
    FreeExtent extent;
    PMEM_ASSIGN_OR_RETURN(extent.offset_bytes, ReadBytes(element, "offset_bytes"));
    PMEM_ASSIGN_OR_RETURN(extent.bytes, ReadBytes(element, "bytes", 1));
    if (extent.offset_bytes < end_bytes) return element.Error("overlaps or is out of order");
    if (extent.bytes > total_bytes - extent.offset_bytes) {
      return element.Error("ends beyond total_bytes");
    }
    end_bytes = extent.offset_bytes + extent.bytes;
    extents.push_back(extent);
  }
  return extents;
}

absl::Status CheckSums(const JsonValue& value, const PoolReport& pool) {
  if (pool.allocatable_bytes > pool.total_bytes) {
    return value.Error("allocatable_bytes above total_bytes");
  }
  if (pool.available_bytes > pool.allocatable_bytes) {
    return value.Error("available_bytes above allocatable_bytes");
  }
  if (pool.volume_bytes_max > pool.available_bytes) {
    return value.Error("max_volume_bytes above available_bytes");
  }
  return absl::OkStatus();
}

// Reads id, kind and state.
absl::Status ReadIdentity(const JsonValue& value, PoolReport* pool) {
  PMEM_ASSIGN_OR_RETURN(pool->id, ReadName(value, "id"));
  PMEM_ASSIGN_OR_RETURN(const std::string kind_name, value.String("kind"));
  const std::optional<PoolKind> kind = PoolKindFromName(kind_name);
  if (!kind) return value.Error("kind is neither lvm nor direct");
  pool->kind = *kind;
  const std::string prefix = kind_name + "/";
  if (!pool->id.starts_with(prefix) || pool->id.size() == prefix.size()) {
    return value.Error("id is not " + prefix + "<name>");
  }
  PMEM_ASSIGN_OR_RETURN(const std::string state, value.String("state"));
  pool->state = PoolStateFromName(state);
  return absl::OkStatus();
}

absl::Status ReadSizes(const JsonValue& value, PoolReport* pool) {
  PMEM_ASSIGN_OR_RETURN(pool->total_bytes, ReadBytes(value, "total_bytes"));
  PMEM_ASSIGN_OR_RETURN(pool->allocatable_bytes, ReadBytes(value, "allocatable_bytes"));
  PMEM_ASSIGN_OR_RETURN(pool->available_bytes, ReadBytes(value, "available_bytes"));
  PMEM_ASSIGN_OR_RETURN(pool->volume_bytes_max, ReadBytes(value, "max_volume_bytes"));
  PMEM_ASSIGN_OR_RETURN(pool->alignment_bytes,
                        value.Int("alignment_bytes", 1, kReportAlignmentBytesMax));
  return CheckSums(value, *pool);
}

absl::StatusOr<PoolReport> ReadPool(const JsonValue& value) {
  PoolReport pool;
  PMEM_RETURN_IF_ERROR(ReadIdentity(value, &pool));
  PMEM_RETURN_IF_ERROR(ReadSizes(value, &pool));
  PMEM_ASSIGN_OR_RETURN(const auto numa_node, value.OptionalInt("numa_node", 0, INT_MAX));
  if (numa_node) pool.numa_node = static_cast<int>(*numa_node);
  PMEM_ASSIGN_OR_RETURN(const auto thin, value.OptionalBool("thin"));
  pool.thin = thin.value_or(false);
  PMEM_ASSIGN_OR_RETURN(pool.volumes, ReadVolumes(value));
  if (pool.kind == PoolKind::kDirect) {
    PMEM_ASSIGN_OR_RETURN(pool.free_extents, ReadExtents(value, pool.total_bytes));
    PMEM_ASSIGN_OR_RETURN(pool.label_slots_free,
                          value.OptionalInt("label_slots_free", 0, kReportLabelSlotsMax));
  }
  return pool;
}

absl::Status ReadPools(const JsonValue& root, CapacityReport* report) {
  PMEM_ASSIGN_OR_RETURN(const auto elements, root.Array("pools", kReportPoolsMax));
  for (const JsonValue& element : elements) {
    PMEM_ASSIGN_OR_RETURN(PoolReport pool, ReadPool(element));
    report->pools.push_back(std::move(pool));
  }
  std::stable_sort(report->pools.begin(), report->pools.end(),
                   [](const PoolReport& a, const PoolReport& b) { return a.id < b.id; });
  for (size_t i = 1; i < report->pools.size(); ++i) {
    if (report->pools[i].id == report->pools[i - 1].id) {
      return absl::InvalidArgumentError(
          absl::StrCat("pools: ", report->pools[i].id, " is listed twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadErrors(const JsonValue& root, CapacityReport* report) {
  PMEM_ASSIGN_OR_RETURN(const auto elements, root.OptionalArray("errors", kReportErrorsMax));
  for (const JsonValue& element : elements) {
    ReportError error;
    PMEM_ASSIGN_OR_RETURN(error.source, ReadText(element, "source", kReportNameBytesMax));
    PMEM_ASSIGN_OR_RETURN(error.message, ReadText(element, "message", kReportMessageBytesMax));
    report->errors.push_back(std::move(error));
  }
  std::stable_sort(report->errors.begin(), report->errors.end(),
                   [](const ReportError& a, const ReportError& b) {
                     return std::tie(a.source, a.message) < std::tie(b.source, b.message);
                   });
  return absl::OkStatus();
}

void WriteVolumes(const std::vector<VolumeReport>& volumes, JsonWriter* writer) {
  writer->Key("volumes").BeginArray();
  for (const VolumeReport& volume : volumes) {
    writer->BeginObject().String("name", volume.name).Int("bytes", volume.bytes).EndObject();
  }
  writer->EndArray();
}

void WriteExtents(const std::vector<FreeExtent>& extents, JsonWriter* writer) {
  writer->Key("free_extents").BeginArray();
  for (const FreeExtent& extent : extents) {
    writer->BeginObject()
        .Int("offset_bytes", extent.offset_bytes)
        .Int("bytes", extent.bytes)
        .EndObject();
  }
  writer->EndArray();
}

void WritePool(const PoolReport& pool, JsonWriter* writer) {
  writer->BeginObject()
      .String("id", pool.id)
      .String("kind", PoolKindName(pool.kind))
      .Int("total_bytes", pool.total_bytes)
      .Int("allocatable_bytes", pool.allocatable_bytes)
      .Int("available_bytes", pool.available_bytes)
      .Int("max_volume_bytes", pool.volume_bytes_max)
      .Int("alignment_bytes", pool.alignment_bytes);
  if (pool.numa_node) writer->Int("numa_node", *pool.numa_node);
  writer->String("state", PoolStateName(pool.state));
  if (pool.thin) writer->Bool("thin", true);
  WriteVolumes(pool.volumes, writer);
  if (pool.kind == PoolKind::kDirect) {
    WriteExtents(pool.free_extents, writer);
    if (pool.label_slots_free) writer->Int("label_slots_free", *pool.label_slots_free);
  }
  writer->EndObject();
}

}  // namespace

std::string_view PoolKindName(PoolKind kind) { return kind == PoolKind::kLvm ? "lvm" : "direct"; }

std::optional<PoolKind> PoolKindFromName(std::string_view name) {
  if (name == "lvm") return PoolKind::kLvm;
  if (name == "direct") return PoolKind::kDirect;
  return std::nullopt;
}

std::optional<PoolKind> PoolKindFromClassName(std::string_view class_name) {
  if (class_name == kClassNameLvm) return PoolKind::kLvm;
  if (class_name == kClassNameDirect) return PoolKind::kDirect;
  return std::nullopt;
}

std::string_view PoolStateName(PoolState state) {
  for (const StateName& entry : kStateNames) {
    if (entry.state == state) return entry.name;
  }
  return "unknown";
}

PoolState PoolStateFromName(std::string_view name) {
  for (const StateName& entry : kStateNames) {
    if (entry.name == name) return entry.state;
  }
  return PoolState::kUnknown;
}

absl::StatusOr<CapacityReport> ParseCapacityReport(std::string_view json) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(json, kReportJsonLimits));
  const JsonValue root = document.root();
  PMEM_RETURN_IF_ERROR(root.Int("schema", kReportSchema, kReportSchema).status());
  CapacityReport report;
  PMEM_ASSIGN_OR_RETURN(report.node, ReadName(root, "node"));
  PMEM_ASSIGN_OR_RETURN(report.boot_id, ReadName(root, "boot_id"));
  PMEM_ASSIGN_OR_RETURN(report.generation, root.Int("generation", 0));
  PMEM_ASSIGN_OR_RETURN(report.observed_at, ReadTime(root, "observed_at"));
  PMEM_RETURN_IF_ERROR(ReadPools(root, &report));
  PMEM_RETURN_IF_ERROR(ReadErrors(root, &report));
  return report;
}

std::string SerialiseCapacityReport(const CapacityReport& report) {
  JsonWriter writer;
  writer.BeginObject()
      .Int("schema", kReportSchema)
      .String("node", report.node)
      .String("boot_id", report.boot_id)
      .Int("generation", report.generation)
      .String("observed_at",
              absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", report.observed_at, absl::UTCTimeZone()));
  writer.Key("pools").BeginArray();
  for (const PoolReport& pool : report.pools) WritePool(pool, &writer);
  writer.EndArray();
  writer.Key("errors").BeginArray();
  for (const ReportError& error : report.errors) {
    writer.BeginObject().String("source", error.source).String("message", error.message);
    writer.EndObject();
  }
  writer.EndArray().EndObject();
  return writer.Take();
}

std::vector<FreeExtent> KnownFreeExtents(const PoolReport& pool) {
  const bool is_known = !pool.free_extents.empty() || pool.volume_bytes_max == 0;
  if (pool.kind != PoolKind::kDirect || is_known) return pool.free_extents;
  return {{0, pool.volume_bytes_max}};
}

bool SameContent(const CapacityReport& a, const CapacityReport& b) {
  return a.node == b.node && a.boot_id == b.boot_id && a.pools == b.pools && a.errors == b.errors;
}

}  // namespace pmem
