// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/device/mount_options.h"

#include <gtest/gtest.h>

#include <sys/mount.h>

namespace pmem::driver {
namespace {

TEST(MountOptions, AreFlagsAndTheFileSystemsText) {
  EXPECT_EQ(MountOptionsOf({"noatime", "dax", "ro", "rw", "nosuid", "discard"}),
            (MountOptions{.flags = MS_NOATIME | MS_NOSUID, .text = "dax,discard"}));
}

}  // namespace
}  // namespace pmem::driver
