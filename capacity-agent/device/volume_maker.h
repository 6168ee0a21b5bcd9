// SPDX-License-Identifier: Apache-2.0
// The writing half of the devices: volumes made, grown, opened and removed. The readers' half is
// pool_reader.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "capacity-agent/device/erase.h"

namespace pmem::agent {

// Where a volume lies: a VolumeGroup or region, and the LogicalVolume or alt name in it.
struct VolumePlace {
  std::string pool;  // "pmemvgregion0", "region1"
  std::string name;  // "disk-<uid>"
  bool operator==(const VolumePlace&) const = default;
};

// Not thread-safe but for OpenDevice, one call at a time for each object: nothing below a maker
// (LVM, libndctl) is safe in parallel. All calls block for a bounded time. Errors of all: NotFound
// for a pool or volume that is not there, ResourceExhausted when the pool has no room for it and
// for nothing else, FailedPrecondition when a volume is in use or of a state that forbids the call,
// Unavailable when the devices did not answer.
class VolumeMaker {
 public:
  virtual ~VolumeMaker() = default;

  // Makes the volume, of `bytes` as the pool counts them (a multiple of its alignment), without
  // traces of file systems that lay there before. Until it is whole nothing of that name is seen.
  // AlreadyExists when it is there, Unavailable while what an earlier call left half-made is.
  // `once_taken` is called once its room is taken, however long that took: what that refuses is
  // taken back, with its error. So is whatever fails then; what cannot be taken back stays
  // half-made.
  virtual absl::Status Create(const VolumePlace& place, int64_t bytes, const Work& once_taken) = 0;

  // Grows it in place to `bytes`; what is on it stays. OutOfRange for a kind that cannot grow.
  virtual absl::Status Extend(const VolumePlace& place, int64_t bytes) = 0;

  // The volume's block device, "/dev/…", made ready for use. Idempotent.
  virtual absl::StatusOr<std::string> Open(const VolumePlace& place) = 0;

  // The same where nothing has to be done for it, without a command: of whatever else, nothing.
  // Thread-safe, also beside other calls, as long as nobody removes the volume.
  virtual std::optional<std::string> OpenDevice(const VolumePlace&) { return std::nullopt; }

  // Undoes Open where that holds something. Not opened, or not there: OK.
  virtual absl::Status Close(const VolumePlace& place) = 0;

  // False: nobody ever had it open, so that nothing is on it that would have to be erased.
  virtual absl::StatusOr<bool> MayHoldData(const VolumePlace&) { return true; }

  // Frees its room. Not there: OK.
  virtual absl::Status Remove(const VolumePlace& place) = 0;

  // Remove in three parts, so that others need not wait for the one that takes long: this; `erase`,
  // if it is any, which needs no maker and is to be gone before what follows; and `finish`, a call
  // of the maker, which removes the very volume that was begun with, whatever has its name by then.
  // The room is taken until then, under the name of a volume that was never finished: whoever is
  // killed in between leaves that to Remove. What is in the works cannot be removed by anybody:
  // FailedPrecondition.
  struct Removal {
    Work erase;
    Work finish;
  };
  virtual absl::StatusOr<Removal> BeginRemoval(const VolumePlace& place) {
    return Removal{.erase = nullptr, .finish = [this, place] { return Remove(place); }};
  }

  // Gives a volume that holds no data the name of one that was never finished: whoever finds it
  // has but to remove it. One whose `erase` failed has it, and is put away. Unimplemented: it keeps
  // its name.
  virtual absl::Status Disown(const VolumePlace&) {
    return absl::UnimplementedError("no renaming");
  }

  // Takes its block device away until it is opened again. Unimplemented: it stays.
  virtual absl::Status Disable(const VolumePlace&) {
    return absl::UnimplementedError("no disabling");
  }
};

}  // namespace pmem::agent
