// SPDX-License-Identifier: Apache-2.0
// DeviceState -> CapacityReport: which pools are ours, what they still hold, and the generation.
// Pure.
//
// A region that carries one of our VolumeGroups is a direct pool only while there is something
// direct about it: free room for a volume, or a namespace that is not a physical volume of ours.
// The namespaces under our VolumeGroups are then listed among its volumes, since they take room
// from it.
//
// A VolumeGroup that does not lie on NVDIMM namespaces, or on one that is a volume, is nobody's of
// ours, whatever its name (own_groups.h).
//
// A VolumeGroup that is not seen and need not be gone (hidden_groups.h) is a pool in state
// inactive, without volumes unless the reading has it, as KnownGroups adds it.
//
// Where namespaces and the kernel disagree about free space (an offset is not readable, something
// is hidden, the region is disabled), the kernel's smaller numbers count and free_extents stays
// empty.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "capacity-agent/core/device_state.h"
#include "capacity-agent/core/name_pattern.h"
#include "common/pure/capacity_report.h"

namespace pmem::agent {

struct BuilderOptions {
  std::string node;
  std::string boot_id;
  // Of the first report. Must be above every generation that an earlier agent of this boot gave
  // out.
  int64_t first_generation = 1;
  NamePatterns volume_groups;
  NamePatterns regions;
};

// One reading of all devices.
struct Reading {
  DeviceState devices;
  absl::Time observed_at;
  // What failed at reading. A part that is stale shows its last good numbers in state unknown.
  std::vector<ReportError> errors;
  bool regions_are_stale = false;
  bool volume_groups_are_stale = false;
  bool has_regions = true;  // False: whoever gives VolumeGroups has judged which are own ones.
};

// `previous` is the last report built with the same options, or null. The generation rises by one
// when the content differs from it, and only then. A disabled region hides its namespaces: its
// volumes are those of `previous`.
CapacityReport BuildReport(const BuilderOptions& options, const Reading& reading,
                           const CapacityReport* previous);

}  // namespace pmem::agent
