// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/region_condition.h"

#include "absl/strings/str_join.h"

namespace pmem::agent {

Condition JudgeRegion(const RegionFacts& facts) {
  if (!facts.is_enabled) return {PoolState::kInactive, "the region is disabled"};
  const std::string failures = absl::StrJoin(facts.nvdimm_failures, "; ");
  if (facts.is_read_only) {
    return {PoolState::kReadOnly,
            failures.empty() ? "the region is read-only" : "the region is read-only; " + failures};
  }
  if (!failures.empty()) return {PoolState::kUnhealthy, failures};
  if (!facts.has_labels) {
    return {PoolState::kLabelLess, "the NVDIMMs of the region have no namespace labels"};
  }
  return {};
}

}  // namespace pmem::agent
