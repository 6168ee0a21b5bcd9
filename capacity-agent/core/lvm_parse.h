// SPDX-License-Identifier: Apache-2.0
// Reads what LVM's report command prints: the arguments that ask for it, and the parser of the
// answer. Pure.
//
// LVM answers one object per VolumeGroup in no fixed order, every value a string:
//   {"report":[{"vg":[{"vg_name":"pmemvgregion0","vg_attr":"wz--n-","vg_size":"4223664128",…}],
//               "pv":[{"pv_name":"/dev/pmem0","pv_attr":"a--","pv_free":"…"}],
//               "lv":[{"lv_name":"disk-…","lv_attr":"-wi-a-----","lv_size":"134217728",…}],…}]}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "capacity-agent/core/device_state.h"

namespace pmem::agent {

// Of LVM's answer. A VolumeGroup with its 16,384 largest possible volumes takes about 4 MB.
inline constexpr int64_t kLvmOutputBytesMax = int64_t{16} * 1024 * 1024;

// Arguments for the lvm program: one report of all VolumeGroups, their physical volumes and
// LogicalVolumes, taken under one lock per VolumeGroup, so that free space and volumes of a
// VolumeGroup belong together.
std::vector<std::string> LvmReportArguments();

// All VolumeGroups, sorted by name. available_bytes counts only physical volumes that are present
// and allocatable. Conditions: a missing physical volume is kUnhealthy, an exported VolumeGroup
// kInactive, one without write permission kReadOnly. Errors: InvalidArgument with the JSON path,
// also for an answer that was cut off; ResourceExhausted for one that is too large.
absl::StatusOr<std::vector<VolumeGroup>> ParseLvmReport(std::string_view json);

}  // namespace pmem::agent
