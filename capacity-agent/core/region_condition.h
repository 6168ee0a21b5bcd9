// SPDX-License-Identifier: Apache-2.0
// Whether a region can take volumes, judged from what libnvdimm says about it. Pure.
#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "capacity-agent/core/device_state.h"

namespace pmem::agent {

struct RegionFacts {
  bool is_enabled = true;
  bool is_read_only = false;  // E.g. an NVDIMM that is not armed: creations fail, whatever is free.
  bool has_labels = true;     // Without, the region is one namespace and cannot be divided.
  std::vector<std::string> nvdimm_failures;  // "nmem0: the last save failed"
};

// The first that holds of: inactive, read-only, unhealthy, label-less, ok.
Condition JudgeRegion(const RegionFacts& facts);

}  // namespace pmem::agent
