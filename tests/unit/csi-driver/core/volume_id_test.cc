// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/volume_id.h"

#include <gtest/gtest.h>

#include <string>

namespace pmem::driver {
namespace {

TEST(VolumeId, KeepsTheProvisionersNames) {
  const std::string name = "disk-334cb6fa-fabd-4687-96dc-0d2b15564822";
  EXPECT_EQ(VolumeIdOf(name), name);
}

TEST(VolumeId, HashesEveryOtherName) {
  EXPECT_EQ(VolumeIdOf("a"), "disk-d228cb696f1a8caf78912b704e4a8964");
  EXPECT_NE(VolumeIdOf("a"), VolumeIdOf("b"));
  for (const std::string& name :
       {std::string("disk-"), std::string("disk-a/b"), std::string("disk-x_tmeta"),
        "disk-" + std::string(kVolumeIdBytesMax, 'x'), std::string(128, 'n')}) {
    EXPECT_FALSE(IsVolumeId(name)) << name;
    EXPECT_TRUE(IsVolumeId(VolumeIdOf(name))) << name;
  }
  EXPECT_TRUE(IsVolumeId("disk-" + std::string(kVolumeIdBytesMax - 5, 'x')));
}

}  // namespace
}  // namespace pmem::driver
