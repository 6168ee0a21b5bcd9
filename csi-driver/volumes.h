// SPDX-License-Identifier: Apache-2.0
// The volumes of this node: made, grown, opened and removed, each at most once at a time and one of
// a kind after the other. Remembers nothing: the devices are asked each time.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/pure/capacity_report.h"
#include "csi-driver/core/creation.h"
#include "csi-driver/devices.h"
#include "csi-driver/host.h"
#include "csi-driver/turns.h"

namespace pmem::driver {

inline constexpr absl::Duration kKindPatience = absl::Seconds(30);
// Of whoever has erased a volume, though nobody waits for the answer any more: the next call would
// overwrite it all again.
inline constexpr absl::Duration kErasedPatience = absl::Minutes(10);

struct VolumeOrder {
  std::string name;
  std::string kind;  // "lvm" or "direct" as asked for; empty: that of a volume which is there,
                     // or the only one that the node has.
  SizeRange range;
  int64_t bytes_min = 0;  // Of the file system that will be on it.
  // Asked twice: when nobody is before us any more and no such volume is there, and once its room
  // is taken, while nobody else of its kind is let in. What it refuses is not made.
  std::function<absl::Status()> check_wanted = absl::OkStatus;
};

// Thread-safe. Errors of all: Aborted while another call works on the volume, or its kind is busy
// for longer than kKindPatience; Unavailable when the devices that it takes cannot be read; those
// of VolumeMaker, of creation.h and of Host.
class Volumes {
 public:
  // `kind_patience`: for tests.
  Volumes(Devices* devices, Host* host, Erasure erasure,
          absl::Duration kind_patience = kKindPatience)
      : devices_(devices), host_(host), erasure_(erasure), kind_patience_(kind_patience) {}

  // The volume of that name, made unless it is there already and is the same. Errors beside those
  // of all: what `order.check_wanted` says; AlreadyExists for one that differs, also in its kind,
  // as far as LVM tells within kGlanceMax of it; Unavailable where it may fit once a half-made one
  // is gone that another call is removing.
  absl::StatusOr<Volume> Create(const VolumeOrder& order);
  // Wiped, then removed; what was wiped and could not be removed is not wiped again. Of both kinds,
  // should both have it: LVM is not waited for longer than kGlanceMax for that. Not there: OK;
  // Unavailable while it may be where nothing is seen (CheckGone). FailedPrecondition while it is
  // in use, or has snapshots.
  absl::Status Delete(const std::string& id);
  absl::StatusOr<Volume> Extend(const std::string& id, const SizeRange& range);
  // Its block device. While the volume's turn is held.
  absl::StatusOr<std::string> Open(const Volume& volume);
  absl::Status Close(const Volume& volume);

  // NotFound for whatever the devices do not show now, as FindVolume. One that is seen is found
  // also while others cannot be read.
  absl::StatusOr<Volume> Find(const std::string& id);
  absl::StatusOr<NodeReading> ReadAll() { return ReadNode(devices_); }
  absl::StatusOr<CapacityReport> Read() { return ReadDevices(devices_); }

  // OK when any of the devices can be read. Else Unavailable.
  absl::Status Probe();

  // Half-made volumes that this driver or one before it left, also while others are made and
  // removed. Those that are gone. What cannot be removed is logged, and left to the next call or
  // the next Create, which may never come: no claim is sent to a node that is full.
  std::vector<std::string> RemoveUnfinished();
  // Until RemoveUnfinished has seen all and removed all that it found, also what others had and
  // what was in regions that are disabled; again from when something was left since.
  bool MayHaveUnfinished() const { return may_have_unfinished_; }
  // From now on none is begun with: the process ends, and the next one removes them.
  void LeaveUnfinished() { leaves_unfinished_ = true; }

  // For as long as it lives nobody else works on the volume.
  absl::StatusOr<Turns::Turn> TakeTurn(const std::string& id) {
    return turns_.Take("volume " + id, absl::ZeroDuration());
  }

 private:
  absl::StatusOr<Turns::Turn> TakeKind(PoolKind kind) { return TakeKind(kind, kind_patience_); }
  absl::StatusOr<Turns::Turn> TakeKind(PoolKind kind, absl::Duration patience);
  absl::StatusOr<CapacityReport> ReadFor(PoolKind kind) { return ReadDevicesFor(devices_, kind); }
  absl::StatusOr<PoolKind> KindFor(const VolumeOrder& order, const std::string& id);
  // A kind whose turn is held, and its devices as they are then.
  struct KindInTurn {
    Turns::Turn turn;
    CapacityReport report;
  };
  absl::StatusOr<KindInTurn> TakeAndRead(PoolKind kind);
  // The same without what an earlier call left half-made. While the turn of volume `id` is held.
  absl::StatusOr<KindInTurn> TakeWhole(PoolKind kind, const std::string& id);
  // A half-made volume, and what keeps others from it. None: it is of a volume whose turn is held.
  struct Leftover {
    agent::VolumePlace place;
    std::optional<Turns::Turn> turn;
  };
  struct Leftovers {
    std::vector<Leftover> taken;
    bool is_any_busy = false;          // What somebody else is making or removing is left to him.
    bool is_any_out_of_reach = false;  // In a pool that is not in order, perhaps.
  };
  Leftovers TakeUnfinished(const CapacityReport& report, PoolKind kind, const std::string& id);
  // Without the kind's turn. One that cannot be removed is logged, and keeps nobody from his
  // volume. The names of the others.
  std::vector<std::string> RemoveLeftovers(PoolKind kind, std::vector<Leftover> leftovers);
  agent::VolumeMaker& Maker(PoolKind kind) { return *devices_->makers.at(kind); }
  NodeReading LookFor(const std::string& id);
  absl::Status CheckNoLogicalVolume(const std::string& id, const SizeRange& range);
  // Where an order fits. As PlaceVolume, but Unavailable while a half-made volume that somebody
  // else has may be all that is in its way.
  absl::StatusOr<Volume> Place(const CapacityReport& report, const std::string& id, PoolKind kind,
                               const VolumeOrder& order);
  absl::Status DeleteOne(const Volume& volume);
  absl::Status EraseVolume(const Volume& volume);
  absl::Status Remove(PoolKind kind, const agent::VolumePlace& place, absl::Duration patience);
  absl::Status RemoveErased(const Volume& volume);
  // Of a volume that is not there: what an earlier call could not remove.
  absl::Status RemoveDisowned(const CapacityReport& report, const std::string& id);

  Devices* const devices_;
  Host* const host_;
  const Erasure erasure_;
  const absl::Duration kind_patience_;
  Turns turns_;
  std::atomic<bool> leaves_unfinished_ = false;
  std::atomic<bool> may_have_unfinished_ = true;
};

}  // namespace pmem::driver
