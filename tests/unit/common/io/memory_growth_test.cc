// SPDX-License-Identifier: Apache-2.0
#include "common/io/memory_growth.h"

#include <gtest/gtest.h>

#include <vector>

namespace pmem {
namespace {

TEST(MemoryGrowth, ALookIsDueNowAndThen) {
  MemoryGrowth growth;
  for (int round = 0; round < 2; ++round) {
    int asked = 1;
    while (!growth.IsLookDue()) ++asked;
    EXPECT_EQ(asked, kReceivePeriodsMax);
  }
}

TEST(MemoryGrowth, OneIsDueAtOnceWhenTheMemoryHasGrown) {
  MemoryGrowth growth;
  EXPECT_FALSE(growth.IsLookDue());
  const std::vector<char> grown(size_t{4} * kReceiveStepBytes, 'x');
  EXPECT_TRUE(growth.IsLookDue());
  EXPECT_FALSE(growth.IsLookDue()) << "it has not grown since";
  EXPECT_EQ(grown.back(), 'x');
}

}  // namespace
}  // namespace pmem
