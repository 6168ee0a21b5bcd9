// SPDX-License-Identifier: Apache-2.0
#include "common/io/memory_growth.h"

#include <gtest/gtest.h>

#include <vector>

namespace pmem {
namespace {

constexpr absl::Time kNow = absl::UnixEpoch();

TEST(MemoryGrowth, ALookIsDueNowAndThen) {
  MemoryGrowth growth;
  EXPECT_TRUE(growth.IsLookDue(kNow));
  EXPECT_FALSE(growth.IsLookDue(kNow + kReceiveLookPeriod - absl::Nanoseconds(1)));
  EXPECT_TRUE(growth.IsLookDue(kNow + kReceiveLookPeriod));
  EXPECT_FALSE(growth.IsLookDue(kNow + kReceiveLookPeriod + absl::Nanoseconds(1)));
  EXPECT_LE(kReceiveLookPeriod, kReceiveIdlePeriod) << "an idle program looks each time";
}

TEST(MemoryGrowth, OneIsDueAtOnceWhenTheMemoryHasGrown) {
  MemoryGrowth growth;
  EXPECT_TRUE(growth.IsLookDue(kNow));
  EXPECT_FALSE(growth.IsLookDue(kNow));
  const std::vector<char> grown(size_t{4} * kReceiveStepBytes, 'x');
  EXPECT_TRUE(growth.IsLookDue(kNow));
  EXPECT_FALSE(growth.IsLookDue(kNow)) << "it has not grown since";
  EXPECT_EQ(grown.back(), 'x');
}

}  // namespace
}  // namespace pmem
