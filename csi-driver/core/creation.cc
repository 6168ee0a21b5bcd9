// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/creation.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "common/pure/placement.h"
#include "common/pure/sizing.h"
#include "common/pure/status_macros.h"
#include "csi-driver/core/volume_id.h"

namespace pmem::driver {
namespace {

const PoolReport* FindPool(const CapacityReport& report, PoolKind kind, std::string_view name) {
  for (const PoolReport& pool : report.pools) {
    if (pool.kind == kind && PoolNameOf(pool.id) == name) return &pool;
  }
  return nullptr;
}

std::string TroubleOf(const CapacityReport& report, const PoolReport& pool) {
  if (pool.state == PoolState::kOk) return "";
  for (const ReportError& error : report.errors) {
    if (error.source == pool.id) return error.message;
  }
  return std::string(PoolStateName(pool.state));
}

bool HasKind(const CapacityReport& report, PoolKind kind) {
  return std::any_of(report.pools.begin(), report.pools.end(),
                     [kind](const PoolReport& pool) { return pool.kind == kind; });
}

absl::Status CheckLimit(int64_t bytes, const SizeRange& range) {
  if (range.limit_bytes == 0 || bytes <= range.limit_bytes) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("a volume of ", bytes, " bytes, rounded to whole steps",
                                            " of its pool, passes limit_bytes ",
                                            range.limit_bytes));
}

absl::Status CheckUsable(PoolKind kind, int64_t bytes, int64_t min_bytes) {
  const int64_t usable_bytes = kind == PoolKind::kDirect ? DirectUsableBytes(bytes) : bytes;
  if (usable_bytes >= min_bytes) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("a direct volume of ", bytes, " bytes has ",
                                            usable_bytes, " beside its page metadata: such a file ",
                                            "system needs at least ", min_bytes));
}

std::string RefusalText(const CapacityReport& report, const Item& item) {
  const Room room = RoomOf(report);
  return absl::StrCat("a ", AbslView(PoolKindName(item.kind)), " volume of ", item.requested_bytes,
                      " bytes: ", AbslView(ReasonText(WhyNot(report, room, {&item, 1}))), " (free ",
                      FreeBytes(room, item.kind), ", largest possible ",
                      LargestVolumeBytes(room, item.kind), ")");
}

// Of each region the lowest extent that takes the item: the kernel asks nobody for another one.
void KeepLowestExtents(const Item& item, Room* room) {
  std::set<int32_t> regions;
  std::erase_if(room->bins, [&](const Bin& bin) {
    const PoolRoom& pool = room->pools[bin.pool];
    if (pool.kind != PoolKind::kDirect) return false;
    if (VolumeBytes(item.requested_bytes, pool.alignment_bytes) > bin.free_bytes) return true;
    return !regions.insert(bin.pool).second;
  });
}

}  // namespace

absl::StatusOr<int64_t> WantedBytes(const SizeRange& range, int64_t min_bytes) {
  if (range.required_bytes < 0 || range.limit_bytes < 0) {
    return absl::InvalidArgumentError("capacity_range: a negative number of bytes");
  }
  if (range.required_bytes > kBytesMax) {
    return absl::OutOfRangeError(absl::StrCat("required_bytes ", range.required_bytes,
                                              " is above the limit of ", kBytesMax));
  }
  if (range.limit_bytes != 0 && range.required_bytes > range.limit_bytes) {
    return absl::OutOfRangeError(absl::StrCat("required_bytes ", range.required_bytes,
                                              " is above limit_bytes ", range.limit_bytes));
  }
  int64_t bytes = range.required_bytes;
  if (bytes == 0) bytes = kVolumeBytesDefault;
  if (range.required_bytes == 0 && range.limit_bytes != 0) {
    bytes = std::min(bytes, range.limit_bytes);
  }
  if (bytes < min_bytes) {
    return absl::OutOfRangeError(
        absl::StrCat(bytes, " bytes: such a file system needs at least ", min_bytes));
  }
  return bytes;
}

absl::StatusOr<PoolKind> KindOf(std::string_view parameter, const CapacityReport& report) {
  if (!parameter.empty()) {
    if (const auto kind = PoolKindFromName(parameter)) return *kind;
    return absl::InvalidArgumentError(absl::StrCat("parameter ", AbslView(kPmemTypeParameter), ": ",
                                                   AbslView(parameter),
                                                   " is neither lvm nor direct"));
  }
  const bool has_lvm = HasKind(report, PoolKind::kLvm);
  if (has_lvm != HasKind(report, PoolKind::kDirect)) {
    return has_lvm ? PoolKind::kLvm : PoolKind::kDirect;
  }
  return absl::InvalidArgumentError(absl::StrCat("parameter ", AbslView(kPmemTypeParameter),
                                                 " is missing, and this node has ",
                                                 has_lvm ? "both kinds" : "no persistent memory"));
}

std::vector<Volume> VolumesOf(const CapacityReport& report) {
  std::vector<Volume> volumes;
  for (const PoolReport& pool : report.pools) {
    for (const VolumeReport& volume : pool.volumes) {
      if (!IsVolumeId(volume.name) || pool.thin) continue;
      volumes.push_back({.id = volume.name,
                         .kind = pool.kind,
                         .pool = std::string(PoolNameOf(pool.id)),
                         .bytes = volume.bytes,
                         .state = pool.state,
                         .trouble = TroubleOf(report, pool)});
    }
  }
  std::sort(volumes.begin(), volumes.end(),
            [](const Volume& a, const Volume& b) { return a.id < b.id; });
  return volumes;
}

std::vector<Volume> VolumesOf(const CapacityReport& report, std::string_view id) {
  std::vector<Volume> volumes = VolumesOf(report);
  std::erase_if(volumes, [id](const Volume& volume) { return volume.id != id; });
  return volumes;
}

absl::StatusOr<Volume> FindVolume(const CapacityReport& report, std::string_view id) {
  std::vector<Volume> found = VolumesOf(report, id);
  if (found.size() > 1) {
    return absl::FailedPreconditionError(
        absl::StrCat("volume ", AbslView(id), " is there twice, in ", found[0].pool, " and in ",
                     found[1].pool, ": remove the one that its claim does not use"));
  }
  if (!found.empty()) return std::move(found.front());
  return absl::NotFoundError(absl::StrCat("no volume ", AbslView(id), " on this node"));
}

absl::Status CheckGone(const CapacityReport& report, std::string_view disabled,
                       std::string_view id) {
  // Nothing of ours has another name, hidden or not; and no thin pool has anything of ours.
  if (!IsVolumeId(id)) return absl::OkStatus();
  std::string hiding(disabled);
  for (const PoolReport& pool : report.pools) {
    if (pool.state != PoolState::kInactive || pool.thin) continue;
    hiding = absl::StrCat(AbslView(PoolNameOf(pool.id)), ": ", TroubleOf(report, pool));
    break;
  }
  if (hiding.empty()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(hiding, ": whether it holds ", AbslView(id), " is not known"));
}

absl::Status CheckSame(const Volume& volume, PoolKind kind, const SizeRange& range) {
  if (volume.kind != kind) {
    return absl::AlreadyExistsError(absl::StrCat("volume ", volume.id, " is there and of kind ",
                                                 AbslView(PoolKindName(volume.kind)), ", not ",
                                                 AbslView(PoolKindName(kind)), " as asked"));
  }
  if (volume.bytes < range.required_bytes ||
      (range.limit_bytes != 0 && volume.bytes > range.limit_bytes)) {
    return absl::AlreadyExistsError(
        absl::StrCat("volume ", volume.id, " is there and has ", volume.bytes, " bytes"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Volume> PlaceVolume(const CapacityReport& report, std::string_view id, PoolKind kind,
                                   const SizeRange& range, int64_t min_bytes) {
  PMEM_ASSIGN_OR_RETURN(const int64_t wanted_bytes, WantedBytes(range, min_bytes));
  const Item item = {.claim_uid = std::string(id), .kind = kind, .requested_bytes = wanted_bytes};
  Room room = RoomOf(report);
  KeepLowestExtents(item, &room);
  const auto bins = Pack(room, {&item, 1});
  if (!bins) return absl::ResourceExhaustedError(RefusalText(report, item));
  const PoolRoom& pool = room.pools[room.bins[bins->front()].pool];
  const int64_t bytes = VolumeBytes(wanted_bytes, pool.alignment_bytes);
  PMEM_RETURN_IF_ERROR(CheckLimit(bytes, range));
  PMEM_RETURN_IF_ERROR(CheckUsable(kind, bytes, min_bytes));
  return Volume{.id = std::string(id),
                .kind = kind,
                .pool = std::string(PoolNameOf(pool.id)),
                .bytes = bytes};
}

absl::StatusOr<int64_t> GrownBytes(const CapacityReport& report, const Volume& volume,
                                   const SizeRange& range) {
  if (range.required_bytes <= volume.bytes) return volume.bytes;
  PMEM_ASSIGN_OR_RETURN(const int64_t wanted_bytes, WantedBytes(range, 0));
  if (volume.kind == PoolKind::kDirect) {
    return absl::OutOfRangeError(
        absl::StrCat("volume ", volume.id, " is direct and stays at ", volume.bytes, " bytes"));
  }
  const PoolReport* const pool = FindPool(report, volume.kind, volume.pool);
  if (pool == nullptr || pool->state != PoolState::kOk) {
    return absl::FailedPreconditionError(
        absl::StrCat("pool ", volume.pool, " of volume ", volume.id, ": ", volume.trouble));
  }
  const int64_t bytes = VolumeBytes(wanted_bytes, pool->alignment_bytes);
  PMEM_RETURN_IF_ERROR(CheckLimit(bytes, range));
  if (bytes - volume.bytes > pool->available_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("volume ", volume.id, " of ", volume.bytes, " bytes cannot grow to ", bytes,
                     ": ", volume.pool, " has ", pool->available_bytes, " free"));
  }
  return bytes;
}

Capacity CapacityOf(const CapacityReport& report, std::optional<PoolKind> kind) {
  const Room room = RoomOf(report);
  Capacity capacity;
  for (const PoolKind each : {PoolKind::kLvm, PoolKind::kDirect}) {
    if (kind && *kind != each) continue;
    capacity.available_bytes = AddBytes(capacity.available_bytes, FreeBytes(room, each));
    capacity.volume_bytes_max = std::max(capacity.volume_bytes_max, LargestVolumeBytes(room, each));
    for (const PoolRoom& pool : room.pools) {
      if (pool.kind != each) continue;
      const int64_t step = pool.alignment_bytes;
      capacity.volume_bytes_min =
          capacity.volume_bytes_min == 0 ? step : std::min(capacity.volume_bytes_min, step);
    }
  }
  return capacity;
}

}  // namespace pmem::driver
