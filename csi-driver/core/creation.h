// SPDX-License-Identifier: Apache-2.0
// What a request for a volume comes to on this node: a place and a size, or the reason why not.
// The room is judged by the code of the extender's filter. Pure, deterministic, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/pure/capacity_report.h"
#include "common/pure/units.h"

namespace pmem::driver {

// A volume of ours, as the devices show it.
struct Volume {
  std::string id;
  PoolKind kind = PoolKind::kLvm;
  std::string pool;  // "pmemvgregion0", "region1"
  int64_t bytes = 0;
  PoolState state = PoolState::kOk;
  std::string trouble;  // Of its pool. Empty: none is known.
  bool operator==(const Volume&) const = default;
};

// As in the CSI specification: 0 means not given.
struct SizeRange {
  int64_t required_bytes = 0;
  int64_t limit_bytes = 0;
};

// Of a request without a size.
inline constexpr int64_t kVolumeBytesDefault = kGiB;
// mkfs.xfs refuses less.
inline constexpr int64_t kXfsBytesMin = 300 * kMiB;

// OutOfRange for sizes that no node has, naming the limit that is passed; InvalidArgument for
// negative ones. The bytes that are asked for.
absl::StatusOr<int64_t> WantedBytes(const SizeRange& range, int64_t min_bytes);

// What is asked for, by parameter or by the class's name; an empty one stands for the only kind
// that the node has.
// InvalidArgument for other values, and for an empty one where the node has both kinds or none.
absl::StatusOr<PoolKind> KindOf(std::string_view parameter, const CapacityReport& report);

// All volumes of ours, sorted by id.
std::vector<Volume> VolumesOf(const CapacityReport& report);

// Those of one id. More than one: Volumes::Create says how that may come about.
std::vector<Volume> VolumesOf(const CapacityReport& report, std::string_view id);

// One of them. NotFound when no pool lists it, which CheckGone tells from being nowhere.
// FailedPrecondition when two pools do: one of them is empty, and nothing says which.
absl::StatusOr<Volume> FindVolume(const CapacityReport& report, std::string_view id);

// Whether a volume that no pool lists is on the node no more. Unavailable while a pool is inactive,
// which it names: a disabled region hides what is on it, volumes and VolumeGroups. Also while a
// namespace is disabled that may carry a VolumeGroup: `disabled` (agent::DisabledNamespace), or "".
absl::Status CheckGone(const CapacityReport& report, std::string_view disabled,
                       std::string_view id);

// Whether `volume` is what such a request would have made. AlreadyExists, saying what differs.
absl::Status CheckSame(const Volume& volume, PoolKind kind, const SizeRange& range);

// A new volume: its pool and size. The kernel puts a direct one at the begin of the lowest extent
// of its region that is large enough: of several regions the one where that extent is the smallest.
// ResourceExhausted with the reason when the node has no room, OutOfRange when the rounded size
// passes the limit or leaves a file system less than `min_bytes`.
absl::StatusOr<Volume> PlaceVolume(const CapacityReport& report, std::string_view id, PoolKind kind,
                                   const SizeRange& range, int64_t min_bytes);

// The size that `volume` must grow to; its present one: it need not. ResourceExhausted when its
// pool lacks the room; OutOfRange for a direct volume, which does not grow, and past the limit.
absl::StatusOr<int64_t> GrownBytes(const CapacityReport& report, const Volume& volume,
                                   const SizeRange& range);

struct Capacity {
  int64_t available_bytes = 0;
  int64_t volume_bytes_max = 0;
  int64_t volume_bytes_min = 0;
  bool operator==(const Capacity&) const = default;
};

// Room for new volumes; of both kinds without one.
Capacity CapacityOf(const CapacityReport& report, std::optional<PoolKind> kind);

}  // namespace pmem::driver
