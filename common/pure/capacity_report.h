// SPDX-License-Identifier: Apache-2.0
// THE wire type between agent and extender: what one node's persistent memory holds, and still
// holds. One definition, one parser, one serialiser. Described in docs/protocol.md.
//
// Pure; values; a const CapacityReport may be shared between threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pmem {

// lvm: a VolumeGroup over a region. direct: a region that gives one NVDIMM namespace per volume.
enum class PoolKind { kLvm, kDirect };
inline constexpr PoolKind kPoolKinds[] = {PoolKind::kLvm, PoolKind::kDirect};

// Anything but kOk takes no new volume; CapacityReport::errors says why. In kUnknown the numbers
// are those of the last good reading, or what little is known; in the others volume_bytes_max is 0.
enum class PoolState { kOk, kInactive, kReadOnly, kLabelLess, kUnhealthy, kUnknown };

// A LogicalVolume, or an NVDIMM namespace by its alt name. Foreign volumes are listed too.
struct VolumeReport {
  std::string name;
  int64_t bytes = 0;  // What it takes from the pool, not what a file system on it offers.
  bool operator==(const VolumeReport&) const = default;
};

// A contiguous free range of a region.
struct FreeExtent {
  int64_t offset_bytes = 0;
  int64_t bytes = 0;
  bool operator==(const FreeExtent&) const = default;
};

struct PoolReport {
  // "lvm/<VolumeGroup>", "lvm/<VolumeGroup>/<thin pool>" or "direct/<region>"; unique in a report.
  std::string id;
  PoolKind kind = PoolKind::kLvm;
  int64_t total_bytes = 0;        // Found on the device.
  int64_t allocatable_bytes = 0;  // What volumes may use in all; does not shrink with use.
  int64_t available_bytes = 0;    // allocatable minus all volumes, ours and foreign.
  int64_t volume_bytes_max = 0;   // Largest single volume that could be created now.
  int64_t alignment_bytes = 1;    // Volume sizes are multiples of it. >= 1.
  std::optional<int> numa_node;   // Absent: unknown.
  PoolState state = PoolState::kUnknown;
  bool thin = false;  // LVM only: a thin pool. It takes no volume of ours: volume_bytes_max is 0.
  std::vector<VolumeReport> volumes;  // Sorted by name.
  // direct only; sorted by offset. Empty beside available_bytes > 0: where the room is is not
  // known.
  std::vector<FreeExtent> free_extents;
  std::optional<int64_t> label_slots_free;  // direct only; absent: unknown.
  bool operator==(const PoolReport&) const = default;
};

struct ReportError {
  std::string source;  // "lvm", "ndctl", "simulated", or a pool id.
  std::string message;
  bool operator==(const ReportError&) const = default;
};

struct CapacityReport {
  std::string node;
  std::string boot_id;     // Changes with every boot of the node.
  int64_t generation = 0;  // Rises with every change of the content, within one boot id.
  absl::Time observed_at;  // Nothing here is older. Free space and volumes of one pool come from
                           // one reading.
  std::vector<PoolReport> pools;    // Sorted by id.
  std::vector<ReportError> errors;  // Sorted by source, message.
  bool operator==(const CapacityReport&) const = default;
};

inline constexpr int64_t kReportSchema = 1;

// Limits of what is accepted from an agent. Past one: ResourceExhausted, naming limit and value.
inline constexpr int64_t kReportBytesMax = int64_t{8} * 1024 * 1024;
inline constexpr int64_t kReportPoolsMax = 256;
inline constexpr int64_t kReportVolumesMax = 16384;  // Per pool.
inline constexpr int64_t kReportExtentsMax = 16384;  // Per pool.
inline constexpr int64_t kReportNameBytesMax = 256;  // Of any name, id or source.
inline constexpr int64_t kReportErrorsMax = 256;
// No device has more. Sums and products of as many as a report may have stay in int64_t.
inline constexpr int64_t kReportAlignmentBytesMax = int64_t{1} << 40;
inline constexpr int64_t kReportLabelSlotsMax = int64_t{1} << 32;  // Per pool.
inline constexpr int64_t kReportMessageBytesMax = 4096;            // Of one error.

// What a pool is called on its node: its id without the kind. "lvm/<VolumeGroup>" ->
// "<VolumeGroup>".
inline std::string_view PoolNameOf(std::string_view id) { return id.substr(id.find('/') + 1); }

std::string_view PoolKindName(PoolKind kind);  // "lvm", "direct"
std::optional<PoolKind> PoolKindFromName(std::string_view name);
// Of a StorageClass without parameter pmemType: "pmem-lvm" and "pmem-direct" say it themselves.
std::optional<PoolKind> PoolKindFromClassName(std::string_view class_name);
std::string_view PoolStateName(PoolState state);     // "ok", "inactive", "read_only", ...
PoolState PoolStateFromName(std::string_view name);  // Any other name: kUnknown.

// Reads and validates. Unknown members are ignored, an unknown `state` becomes kUnknown; pools,
// volumes and errors are put in order. Checks that the schema is ours, that ids are unique and
// start with their kind, that sums are consistent: 0 <= available <= allocatable <= total,
// max_volume <= available, extents inside total, ascending and not overlapping. A volume may be
// larger than its pool (thin). Errors: InvalidArgument with the JSON path, ResourceExhausted for a
// limit.
absl::StatusOr<CapacityReport> ParseCapacityReport(std::string_view json);

// One line of JSON with the members in the order of docs/protocol.md; equal reports give equal
// bytes. Members that are absent, and thin = false, are left out. observed_at is written to the
// millisecond, so a report parses back to itself when its time is a whole number of them.
std::string SerialiseCapacityReport(const CapacityReport& report);

// What can be counted on when volumes are placed: the free extents of a direct pool, or, where they
// are not known, one of volume_bytes_max (its offset means nothing). Nothing for an LVM pool.
std::vector<FreeExtent> KnownFreeExtents(const PoolReport& pool);

// Same devices, same content: everything equal but generation and observed_at.
bool SameContent(const CapacityReport& a, const CapacityReport& b);

}  // namespace pmem
