// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/simulated_edit.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/device_state.h"
#include "capacity-agent/core/free_extents.h"
#include "capacity-agent/core/simulated_parse.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/json_writer.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

constexpr std::string_view kGroups = "volume_groups";
constexpr std::string_view kRegions = "regions";

constexpr std::string_view RowsOf(std::string_view pools) {
  return pools == kGroups ? "volumes" : "namespaces";
}

using Members = std::vector<std::pair<std::string, JsonValue>>;

// One volume of the pool that changes: its new JSON; nothing: it goes.
using EditRow = std::function<absl::StatusOr<std::optional<std::string>>(const JsonValue& row)>;

struct Edit {
  std::string_view pools;  // kGroups or kRegions.
  std::string_view pool;
  EditRow row;        // May be empty.
  std::string added;  // One more row, or nothing.
};

absl::Status WriteRows(const JsonValue& pool, const Edit& edit, JsonWriter* out) {
  out->BeginArray();
  PMEM_ASSIGN_OR_RETURN(const auto rows, pool.OptionalArray(RowsOf(edit.pools)));
  for (const JsonValue& row : rows) {
    std::optional<std::string> text = row.Dump();
    if (edit.row) {
      PMEM_ASSIGN_OR_RETURN(text, edit.row(row));
    }
    if (text) out->Raw(*text);
  }
  if (!edit.added.empty()) out->Raw(edit.added);
  out->EndArray();
  return absl::OkStatus();
}

absl::Status WritePool(const JsonValue& pool, const Edit& edit, JsonWriter* out) {
  PMEM_ASSIGN_OR_RETURN(const std::string name, pool.String("name"));
  if (name != edit.pool) {
    out->Raw(pool.Dump());
    return absl::OkStatus();
  }
  PMEM_ASSIGN_OR_RETURN(const Members members, pool.AsObject());
  out->BeginObject();
  for (const auto& [key, value] : members) {
    if (key != RowsOf(edit.pools)) out->Raw(key, value.Dump());
  }
  out->Key(RowsOf(edit.pools));
  PMEM_RETURN_IF_ERROR(WriteRows(pool, edit, out));
  out->EndObject();
  return absl::OkStatus();
}

absl::StatusOr<std::string> Apply(std::string_view json, const Edit& edit) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(json));
  PMEM_ASSIGN_OR_RETURN(const Members members, document.root().AsObject());
  JsonWriter out;
  out.BeginObject();
  for (const auto& [key, value] : members) {
    out.Key(key);
    if (key != edit.pools) {
      out.Raw(value.Dump());
      continue;
    }
    PMEM_ASSIGN_OR_RETURN(const auto pools, value.AsArray());
    out.BeginArray();
    for (const JsonValue& pool : pools) PMEM_RETURN_IF_ERROR(WritePool(pool, edit, &out));
    out.EndArray();
  }
  out.EndObject();
  std::string text = out.Take();
  // What follows reads this file: never leave one that nobody accepts.
  PMEM_RETURN_IF_ERROR(ParseSimulatedDevices(text).status());
  return text;
}

const VolumeGroup* FindGroup(const DeviceState& devices, std::string_view name) {
  const auto found = std::find_if(devices.volume_groups.begin(), devices.volume_groups.end(),
                                  [name](const VolumeGroup& each) { return each.name == name; });
  return found == devices.volume_groups.end() ? nullptr : &*found;
}

bool HasVolume(const DeviceState& devices, std::string_view name) {
  for (const VolumeGroup& group : devices.volume_groups) {
    for (const VolumeReport& volume : group.volumes) {
      if (volume.name == name) return true;
    }
  }
  for (const Region& region : devices.regions) {
    for (const NvdimmNamespace& each : region.nvdimm_namespaces) {
      if (each.alt_name == name) return true;
    }
  }
  return false;
}

absl::Status NoRoom(std::string_view pool, int64_t bytes) {
  return absl::ResourceExhaustedError(absl::StrCat(AbslView(pool), ": no room for ", bytes));
}

absl::Status NoPool(std::string_view pool) {
  return absl::NotFoundError(absl::StrCat("no VolumeGroup or region ", AbslView(pool)));
}

std::string VolumeRow(std::string_view name, int64_t bytes) {
  JsonWriter row;
  return row.BeginObject().String("name", name).Int("size_bytes", bytes).EndObject().Take();
}

std::string NvdimmNamespaceRow(std::string_view name, int64_t offset_bytes, int64_t bytes) {
  JsonWriter row;
  row.BeginObject().String("name", name).Int("offset_bytes", offset_bytes);
  return row.Int("size_bytes", bytes).String("mode", "fsdax").EndObject().Take();
}

// As the kernel chooses.
absl::StatusOr<int64_t> LowestGap(const Region& region, int64_t bytes) {
  if (region.label_slots_free && *region.label_slots_free < 1) return NoRoom(region.name, bytes);
  const std::vector<FreeExtent> gaps =
      FreeExtents(region.total_bytes, region.alignment_bytes, region.nvdimm_namespaces)
          .value_or(std::vector<FreeExtent>());
  for (const FreeExtent& gap : gaps) {
    if (gap.bytes >= bytes) return gap.offset_bytes;
  }
  return NoRoom(region.name, bytes);
}

}  // namespace

absl::StatusOr<std::string> AddSimulatedVolume(std::string_view json, std::string_view pool,
                                               std::string_view name, int64_t bytes) {
  PMEM_ASSIGN_OR_RETURN(const DeviceState devices, ParseSimulatedDevices(json));
  if (HasVolume(devices, name)) {
    return absl::AlreadyExistsError(absl::StrCat(AbslView(name), " is there"));
  }
  if (const VolumeGroup* const group = FindGroup(devices, pool)) {
    if (bytes > group->available_bytes) return NoRoom(pool, bytes);
    return Apply(json, {.pools = kGroups, .pool = pool, .added = VolumeRow(name, bytes)});
  }
  const Region* const region = FindRegion(devices, pool);
  if (region == nullptr) return NoPool(pool);
  PMEM_ASSIGN_OR_RETURN(const int64_t offset_bytes, LowestGap(*region, bytes));
  return Apply(
      json,
      {.pools = kRegions, .pool = pool, .added = NvdimmNamespaceRow(name, offset_bytes, bytes)});
}

absl::StatusOr<std::string> ResizeSimulatedVolume(std::string_view json, std::string_view pool,
                                                  std::string_view name, int64_t bytes) {
  PMEM_ASSIGN_OR_RETURN(const DeviceState devices, ParseSimulatedDevices(json));
  const VolumeGroup* const group = FindGroup(devices, pool);
  if (group == nullptr) return NoPool(pool);
  const auto volume = std::find_if(group->volumes.begin(), group->volumes.end(),
                                   [name](const VolumeReport& each) { return each.name == name; });
  if (volume == group->volumes.end()) {
    return absl::NotFoundError(absl::StrCat("no volume ", AbslView(name)));
  }
  if (bytes - volume->bytes > group->available_bytes) return NoRoom(pool, bytes);
  const EditRow resize = [name, bytes](const JsonValue& row) -> decltype(EditRow()(row)) {
    PMEM_ASSIGN_OR_RETURN(const std::string found, row.String("name"));
    return found == name ? VolumeRow(name, bytes) : row.Dump();
  };
  return Apply(json, {.pools = kGroups, .pool = pool, .row = resize});
}

absl::StatusOr<std::string> RemoveSimulatedVolume(std::string_view json, std::string_view pool,
                                                  std::string_view name) {
  PMEM_ASSIGN_OR_RETURN(const DeviceState devices, ParseSimulatedDevices(json));
  const bool is_group = FindGroup(devices, pool) != nullptr;
  if (!is_group && FindRegion(devices, pool) == nullptr) return NoPool(pool);
  const EditRow remove = [name](const JsonValue& row) -> decltype(EditRow()(row)) {
    PMEM_ASSIGN_OR_RETURN(const std::string found, row.String("name"));
    if (found == name) return std::nullopt;
    return row.Dump();
  };
  return Apply(json, {.pools = is_group ? kGroups : kRegions, .pool = pool, .row = remove});
}

}  // namespace pmem::agent
