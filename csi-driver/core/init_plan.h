// SPDX-License-Identifier: Apache-2.0
// What it takes to make a node's regions ready for volumes: decided from one reading, before
// anything is touched. What is ready needs nothing, so that it can run at every start. Pure,
// deterministic, thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capacity-agent/core/device_state.h"
#include "capacity-agent/core/name_pattern.h"
#include "common/pure/capacity_report.h"

namespace pmem::driver {

struct InitOptions {
  // How much of each region becomes a VolumeGroup: 100 for kind lvm, 0 for direct.
  int64_t lvm_percent = 100;
  bool initializes_labels = false;
  agent::NamePatterns regions;
};

struct InitStep {
  enum class Action {
    kInitLabels,
    kRemoveNamespace,  // That a run which was cut off left without its name.
    kCreateNamespace,
    kCreateVolumeGroup,
    kRefuse
  };
  Action action = Action::kRefuse;
  std::string region;
  std::string name;    // Of the VolumeGroup, and the alt name of the namespace under it.
  int64_t bytes = 0;   // Of the namespace.
  std::string reason;  // Of a refusal.
  // The namespace under the VolumeGroup is: by a run that was cut off, or by somebody who had a
  // reason.
  bool is_disabled = false;
  bool operator==(const InitStep&) const = default;
};

// A region that carries something that is not ours, or is not in order, is refused and left alone.
// A VolumeGroup is called as its region is numbered, or, where one that is or may be there has that
// name (kernels number regions anew), by the lowest number that is free.
// For a share of 0 a region needs labels only: what else is on it does not matter. Labels are
// written only where all that is there has a block device; whoever carries the steps out looks
// whether something is on it. The steps of one region follow each other; one that fails ends those
// of its region.
std::vector<InitStep> PlanInit(const agent::DeviceState& devices, const InitOptions& options);

// For people: "region0: create NVDIMM namespace pmemvgregion0 of 4294967296 bytes, mode fsdax".
std::string DescribeStep(const InitStep& step);

// The last line of a run: "2 regions seen, 1 match --region-pattern, 1 changed". A warning when
// there is none to make anything of: the NVDIMMs may be dead, or the pattern wrong.
std::string DescribeInit(const agent::DeviceState& devices, const InitOptions& options, int changed,
                         bool is_dry);

}  // namespace pmem::driver
