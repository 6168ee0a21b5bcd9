// SPDX-License-Identifier: Apache-2.0
#include "common/pure/units.h"

#include <gtest/gtest.h>

namespace pmem {
namespace {

TEST(Units, SumsStopAtTheLargestAmount) {
  EXPECT_EQ(AddBytes(1, 2), 3);
  EXPECT_EQ(AddBytes(kBytesMax, 1), kBytesMax);
  EXPECT_EQ(AddBytes(kBytesMax - 1, kBytesMax), kBytesMax);
}

TEST(Units, AlignmentRoundsToTheNextStep) {
  EXPECT_EQ(AlignDown(4 * kMiB + 1, 4 * kMiB), 4 * kMiB);
  EXPECT_EQ(AlignUp(4 * kMiB + 1, 4 * kMiB), 8 * kMiB);
  EXPECT_EQ(AlignUp(8 * kMiB, 4 * kMiB), 8 * kMiB);
  EXPECT_EQ(AlignUp(kBytesMax - 1, 16 * kMiB), kBytesMax);
}

}  // namespace
}  // namespace pmem
