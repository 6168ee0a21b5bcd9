// SPDX-License-Identifier: Apache-2.0
// What the report makes of them: report_builder_test.cc.
#include "capacity-agent/core/own_groups.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pmem::agent {
namespace {

TEST(OwnGroups, APartitionOfADeviceThatEndsInALetterHasNoInfix) {
  EXPECT_TRUE(LiesOn("pmem0s1", "pmem0s"));
  EXPECT_TRUE(LiesOn("pmem1.2p3", "pmem1.2"));
  EXPECT_FALSE(LiesOn("pmem1.23", "pmem1.2"));
  EXPECT_FALSE(LiesOn("pmem0sp1", "pmem0s"));
  EXPECT_FALSE(LiesOn("pmem0", ""));
}

TEST(OwnGroups, AreAllThatLvmSees) {
  EXPECT_EQ(
      LvmConfigArguments({}),
      (std::vector<std::string>{"--config", "backup/archive=0 devices/global_filter=[\"r|.*|\"]"}));
  EXPECT_EQ(
      LvmConfigArguments({"pmem0", "pmem1.2", "pmem3s"}),
      (std::vector<std::string>{
          "--config",
          "backup/archive=0 "
          "devices/global_filter=[\"a|^/dev/pmem0(p[0-9]+)?$|\",\"a|^/dev/pmem1[.]2(p[0-9]+)?$|"
          "\",\"a|^/dev/pmem3s([0-9]+)?$|\",\"r|.*|\"]"}));
}

}  // namespace
}  // namespace pmem::agent
