// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/region_condition.h"

#include <gtest/gtest.h>

namespace pmem::agent {
namespace {

TEST(RegionCondition, TheWorstTroubleIsNamed) {
  EXPECT_EQ(JudgeRegion({}), Condition());
  const RegionFacts all = {.is_enabled = false,
                           .is_read_only = true,
                           .has_labels = false,
                           .nvdimm_failures = {"nmem0: a", "nmem1: b"}};
  RegionFacts facts = all;
  EXPECT_EQ(JudgeRegion(facts).state, PoolState::kInactive);
  facts.is_enabled = true;
  EXPECT_EQ(JudgeRegion(facts),
            (Condition{PoolState::kReadOnly, "the region is read-only; nmem0: a; nmem1: b"}));
  facts.is_read_only = false;
  EXPECT_EQ(JudgeRegion(facts), (Condition{PoolState::kUnhealthy, "nmem0: a; nmem1: b"}));
  facts.nvdimm_failures.clear();
  EXPECT_EQ(JudgeRegion(facts).state, PoolState::kLabelLess);
}

}  // namespace
}  // namespace pmem::agent
