// SPDX-License-Identifier: Apache-2.0
#include "common/pure/sizing.h"

#include <gtest/gtest.h>

#include "common/pure/units.h"

namespace pmem {
namespace {

TEST(Sizing, AVolumeTakesWholeSteps) {
  EXPECT_EQ(VolumeBytes(10 * kGiB, 4 * kMiB), 10 * kGiB);
  EXPECT_EQ(VolumeBytes(1, 16 * kMiB), 16 * kMiB);
  EXPECT_EQ(VolumeBytes(0, 16 * kMiB), 16 * kMiB);
}

TEST(Sizing, ADirectVolumeKeepsRoomForPageMetadata) {
  EXPECT_EQ(DirectUsableBytes(9 * kGiB), (9 * 1024 - 146) * kMiB);
  EXPECT_EQ(DirectUsableBytes(304 * kMiB), 298 * kMiB);
  EXPECT_EQ(DirectUsableBytes(128 * kMiB), 124 * kMiB);
  EXPECT_EQ(DirectUsableBytes(16 * kMiB), 14 * kMiB);
  for (const int64_t bytes : {int64_t{0}, 8 * kKiB, 1 * kMiB, 2 * kMiB}) {
    EXPECT_EQ(DirectUsableBytes(bytes), 0);
  }
}

}  // namespace
}  // namespace pmem
