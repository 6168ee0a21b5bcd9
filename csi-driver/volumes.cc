// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/volumes.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "common/io/log.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"
#include "csi-driver/core/volume_id.h"

namespace pmem::driver {
namespace {

agent::VolumePlace PlaceOf(const Volume& volume) {
  return {.pool = volume.pool, .name = volume.id};
}

// What the devices find wrong is no fault of who called us.
absl::Status DeviceStatus(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? absl::InternalError(status.message()) : status;
}

bool IsUnfinished(std::string_view name) {
  constexpr std::string_view kPrefix = kUnfinishedPrefix;
  return name.starts_with(kPrefix) && IsVolumeId(name.substr(kPrefix.size()));
}

// Of a pool that is not in order. What is in an inactive one is not seen; a thin one has none of
// ours.
bool MayHoldUnfinished(const PoolReport& pool) {
  if (pool.thin) return false;
  return pool.state == PoolState::kInactive ||
         absl::c_any_of(pool.volumes, [](const auto& volume) { return IsUnfinished(volume.name); });
}

std::vector<Volume> LogicalVolumesOf(const CapacityReport& report, const std::string& id) {
  std::vector<Volume> volumes = VolumesOf(report, id);
  std::erase_if(volumes, [](const Volume& each) { return each.kind != PoolKind::kLvm; });
  return volumes;
}

// NotFound only when all was read.
absl::StatusOr<Volume> FoundIn(const NodeReading& found, const std::string& id) {
  absl::StatusOr<Volume> volume = FindVolume(found.report, id);
  if (absl::IsNotFound(volume.status()) && !found.missing.ok()) return found.missing;
  return volume;
}

}  // namespace

absl::StatusOr<Turns::Turn> Volumes::TakeKind(PoolKind kind, absl::Duration patience) {
  return turns_.Take(absl::StrCat(AbslView(PoolKindName(kind)), " devices"), patience);
}

absl::StatusOr<PoolKind> Volumes::KindFor(const VolumeOrder& order, const std::string& id) {
  // What is on the node matters only to an order that leaves the kind open.
  if (!order.kind.empty()) return KindOf(order.kind, {});
  // Made by a call whose answer was lost. Whoever comes again for a claim that was deleted since
  // does so to delete the volume: without an answer nobody would.
  const auto made = Find(id);
  if (made.ok()) return made->kind;
  PMEM_ASSIGN_OR_RETURN(const CapacityReport report, Read());
  return KindOf(order.kind, report);
}

absl::StatusOr<Volumes::KindInTurn> Volumes::TakeAndRead(PoolKind kind) {
  PMEM_ASSIGN_OR_RETURN(Turns::Turn turn, TakeKind(kind));
  PMEM_ASSIGN_OR_RETURN(CapacityReport report, ReadFor(kind));
  return KindInTurn{std::move(turn), std::move(report)};
}

absl::StatusOr<Volumes::KindInTurn> Volumes::TakeWhole(PoolKind kind, const std::string& id) {
  std::vector<Leftover> leftovers;
  {
    PMEM_ASSIGN_OR_RETURN(KindInTurn found, TakeAndRead(kind));
    leftovers = TakeUnfinished(found.report, kind, id).taken;
    if (leftovers.empty()) return found;
  }
  RemoveLeftovers(kind, std::move(leftovers));
  return TakeAndRead(kind);
}

// Of an earlier call, when the class of that name asked for the other kind. What is placed in
// regions alone does not show it. None is made meanwhile: we have the volume's turn.
absl::Status Volumes::CheckNoLogicalVolume(const std::string& id, const SizeRange& range) {
  for (const Volume& volume : LogicalVolumesOf(GlanceAtGroups(devices_).report, id)) {
    PMEM_RETURN_IF_ERROR(CheckSame(volume, PoolKind::kDirect, range));
  }
  return absl::OkStatus();
}

absl::StatusOr<Volume> Volumes::Place(const CapacityReport& report, const std::string& id,
                                      PoolKind kind, const VolumeOrder& order) {
  absl::StatusOr<Volume> placed = PlaceVolume(report, id, kind, order.range, order.bytes_min);
  if (!absl::IsResourceExhausted(placed.status())) return placed;
  // Who has it removes it, and it may be of a claim that ended, whose room was promised to ours
  // since. Called full, the node would lose our claim.
  if (!TakeUnfinished(report, kind, id).is_any_busy) return placed;
  return absl::UnavailableError(
      absl::StrCat(placed.status().message(), "; half-made ones are being removed"));
}

absl::StatusOr<Volume> Volumes::Create(const VolumeOrder& order) {
  const std::string id = VolumeIdOf(order.name);
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, TakeTurn(id));
  PMEM_ASSIGN_OR_RETURN(const PoolKind kind, KindFor(order, id));
  if (kind == PoolKind::kDirect) PMEM_RETURN_IF_ERROR(CheckNoLogicalVolume(id, order.range));
  PMEM_ASSIGN_OR_RETURN(const KindInTurn devices, TakeWhole(kind, id));
  auto found = FindVolume(devices.report, id);
  if (found.ok()) PMEM_RETURN_IF_ERROR(CheckSame(*found, kind, order.range));
  // A disabled region may hide a volume of this name, which an earlier call made and whose answer
  // was lost. That is not CheckGone's to decide: nearly all names are new, nothing tells them from
  // this one, and to refuse them all would take the node's other pools away for as long as one
  // region is disabled, while pods are still sent here. What is hidden is empty, no claim having
  // come to use it, and once it is seen again FindVolume takes neither for the other.
  if (!absl::IsNotFound(found.status())) return found;
  // One that is there is answered without asking: whoever comes again for a claim that ended since
  // does so to delete it.
  PMEM_RETURN_IF_ERROR(order.check_wanted());
  PMEM_ASSIGN_OR_RETURN(Volume volume, Place(devices.report, id, kind, order));
  // And asked again, however long the room took: what is held for a claim that ends meanwhile may
  // be given to another, whose turn comes once this room is free again.
  const absl::Status made = Maker(kind).Create(PlaceOf(volume), volume.bytes, order.check_wanted);
  if (!made.ok()) {
    may_have_unfinished_ = true;
    return DeviceStatus(made);
  }
  return volume;
}

absl::Status Volumes::EraseVolume(const Volume& volume) {
  const auto device = [&]() -> absl::StatusOr<std::string> {
    PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, TakeKind(volume.kind));
    PMEM_ASSIGN_OR_RETURN(const bool may_hold_data,
                          Maker(volume.kind).MayHoldData(PlaceOf(volume)));
    if (!may_hold_data) return std::string();
    return Maker(volume.kind).Open(PlaceOf(volume));
  }();
  if (!device.ok()) return device.status();
  if (device->empty()) return absl::OkStatus();
  // Without the kind's turn: it may take minutes, and others wait for it.
  return host_->Erase(*device, erasure_);
}

absl::Status Volumes::Remove(PoolKind kind, const agent::VolumePlace& place,
                             absl::Duration patience) {
  agent::VolumeMaker::Removal removal;
  {
    PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, TakeKind(kind, patience));
    PMEM_RETURN_IF_ERROR(Maker(kind).Close(place));
    PMEM_ASSIGN_OR_RETURN(removal, Maker(kind).BeginRemoval(place));
    if (!removal.erase) return removal.finish();
  }
  // Without the kind's turn: of a large direct volume it takes many seconds.
  const absl::Status erased = removal.erase();
  removal.erase = nullptr;
  const absl::StatusOr<Turns::Turn> turn = TakeKind(kind, kErasedPatience);
  if (erased.ok()) return turn.ok() ? removal.finish() : turn.status();
  // What is on it may be data still, and anybody could read its device.
  if (turn.ok()) Maker(kind).Disown(place).IgnoreError();
  return erased;
}

absl::Status Volumes::RemoveErased(const Volume& volume) {
  absl::Status removed = DeviceStatus(Remove(volume.kind, PlaceOf(volume), kErasedPatience));
  // To overwrite terabytes once more, because something had it open for a moment, takes minutes. A
  // maker that hangs would hang again.
  if (removed.ok() || absl::IsDeadlineExceeded(removed)) return removed;
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, TakeKind(volume.kind, kErasedPatience));
  Maker(volume.kind).Disown(PlaceOf(volume)).IgnoreError();
  return removed;
}

absl::Status Volumes::RemoveDisowned(const CapacityReport& report, const std::string& id) {
  const std::string name = kUnfinishedPrefix + id;
  for (const PoolReport& pool : report.pools) {
    const auto is_it = [&name](const VolumeReport& volume) { return volume.name == name; };
    if (pool.thin || std::none_of(pool.volumes.begin(), pool.volumes.end(), is_it)) continue;
    PMEM_RETURN_IF_ERROR(DeviceStatus(Remove(
        pool.kind, {.pool = std::string(PoolNameOf(pool.id)), .name = name}, kind_patience_)));
  }
  return absl::OkStatus();
}

absl::Status Volumes::Delete(const std::string& id) {
  // Nothing of ours has such a name.
  if (!IsVolumeId(id)) return absl::OkStatus();
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, TakeTurn(id));
  NodeReading found = LookFor(id);
  std::vector<Volume> volumes = VolumesOf(found.report, id);
  if (volumes.empty()) {
    PMEM_RETURN_IF_ERROR(found.missing);
    PMEM_RETURN_IF_ERROR(CheckGone(found.report, found.disabled, id));
    return RemoveDisowned(found.report, id);
  }
  // The look ends with the first one. Should two have the name they go both: it is their claim that
  // is over, and nobody will ask for the other.
  if (volumes.size() == 1 && volumes.front().kind == PoolKind::kDirect) {
    NodeReading groups = GlanceAtGroups(devices_);
    found.origins = std::move(groups.origins);
    for (Volume& other : LogicalVolumesOf(groups.report, id)) volumes.push_back(std::move(other));
  }
  // LVM would remove them, too, and the erasure would fill what they may grow to.
  if (absl::c_linear_search(found.origins, id)) {
    return absl::FailedPreconditionError(id + " has snapshots, which somebody made by hand");
  }
  for (const Volume& volume : volumes) PMEM_RETURN_IF_ERROR(DeleteOne(volume));
  return absl::OkStatus();
}

absl::Status Volumes::DeleteOne(const Volume& volume) {
  PMEM_RETURN_IF_ERROR(EraseVolume(volume));
  return RemoveErased(volume);
}

absl::StatusOr<Volume> Volumes::Extend(const std::string& id, const SizeRange& range) {
  PMEM_ASSIGN_OR_RETURN(Volume volume, Find(id));
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn kind_turn, TakeKind(volume.kind));
  PMEM_ASSIGN_OR_RETURN(const CapacityReport report, ReadFor(volume.kind));
  PMEM_ASSIGN_OR_RETURN(const int64_t bytes, GrownBytes(report, volume, range));
  if (bytes != volume.bytes) {
    PMEM_RETURN_IF_ERROR(DeviceStatus(Maker(volume.kind).Extend(PlaceOf(volume), bytes)));
    volume.bytes = bytes;
  }
  return volume;
}

absl::StatusOr<std::string> Volumes::Open(const Volume& volume) {
  // To mount what is there waits for nobody's creation.
  if (auto device = Maker(volume.kind).OpenDevice(PlaceOf(volume))) return *std::move(device);
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, TakeKind(volume.kind));
  return Maker(volume.kind).Open(PlaceOf(volume));
}

absl::Status Volumes::Close(const Volume& volume) {
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, TakeKind(volume.kind));
  return Maker(volume.kind).Close(PlaceOf(volume));
}

absl::StatusOr<Volume> Volumes::Find(const std::string& id) { return FoundIn(LookFor(id), id); }

NodeReading Volumes::LookFor(const std::string& id) {
  return ReadUntil(devices_, [&id](const CapacityReport& report) {
    return !absl::IsNotFound(FindVolume(report, id).status());
  });
}

absl::Status Volumes::Probe() {
  bool is_any_read = false;
  const NodeReading found = ReadUntil(devices_, [&is_any_read](const CapacityReport&) {
    is_any_read = true;
    return true;
  });
  return is_any_read ? absl::OkStatus() : found.missing;
}

Volumes::Leftovers Volumes::TakeUnfinished(const CapacityReport& report, PoolKind kind,
                                           const std::string& id) {
  Leftovers found;
  for (const PoolReport& pool : report.pools) {
    if (pool.kind != kind) continue;
    // Nothing new is placed in a pool that is not in order, nor can much be removed there.
    if (pool.state != PoolState::kOk) {
      found.is_any_out_of_reach |= MayHoldUnfinished(pool);
      continue;
    }
    for (const VolumeReport& volume : pool.volumes) {
      if (!IsUnfinished(volume.name)) continue;
      Leftover leftover = {.place = {std::string(PoolNameOf(pool.id)), volume.name},
                           .turn = std::nullopt};
      const std::string whole = volume.name.substr(std::string_view(kUnfinishedPrefix).size());
      if (whole != id) {
        absl::StatusOr<Turns::Turn> turn = TakeTurn(whole);
        found.is_any_busy |= !turn.ok();
        if (!turn.ok()) continue;
        leftover.turn.emplace(*std::move(turn));
      }
      found.taken.push_back(std::move(leftover));
    }
  }
  return found;
}

std::vector<std::string> Volumes::RemoveLeftovers(PoolKind kind, std::vector<Leftover> leftovers) {
  std::vector<std::string> removed;
  for (Leftover& each : leftovers) {
    if (leaves_unfinished_) break;
    const absl::Status status = Remove(kind, each.place, kind_patience_);
    each.turn.reset();
    if (status.ok()) {
      removed.push_back(each.place.name);
    } else {
      may_have_unfinished_ = true;
      LogWarning("driver", "a half-made volume was not removed",
                 {{"pool", each.place.pool}, {"name", each.place.name}, {"error", status}});
    }
  }
  return removed;
}

std::vector<std::string> Volumes::RemoveUnfinished() {
  may_have_unfinished_ = false;
  std::vector<std::string> removed;
  for (const PoolKind kind : {PoolKind::kLvm, PoolKind::kDirect}) {
    Leftovers leftovers;
    {
      const auto found = TakeAndRead(kind);
      if (!found.ok()) {
        may_have_unfinished_ = true;
        LogWarning("driver", "half-made volumes were not looked for",
                   {{"kind", PoolKindName(kind)}, {"error", found.status()}});
        continue;
      }
      leftovers = TakeUnfinished(found->report, kind, "");
    }
    if (leftovers.is_any_busy || leftovers.is_any_out_of_reach) may_have_unfinished_ = true;
    const auto of_kind = RemoveLeftovers(kind, std::move(leftovers.taken));
    removed.insert(removed.end(), of_kind.begin(), of_kind.end());
  }
  return removed;
}

}  // namespace pmem::driver
