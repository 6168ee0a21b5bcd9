// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/mount_table.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace pmem::driver {
namespace {

constexpr char kTable[] =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "30 22 259:1 / /staging/a\\040b rw,noatime - ext4 /dev/pmem0 rw,dax=always\n"
    "31 22 259:1 /sub /pods/x ro,relatime shared:3 master:1 - xfs /dev/pmem0 rw\n"
    "32 22 0:5 /loop3 /pods/x rw - devtmpfs dev rw\n"
    "half a line";

TEST(MountTable, FindsTheTopmostMountOfAPath) {
  EXPECT_EQ(FindMount(kTable, "/staging/a b"),
            (Mount{.device_number = "259:1", .root = "/", .type = "ext4"}));
  EXPECT_EQ(FindMount(kTable, "/pods/x"),
            (Mount{.device_number = "0:5", .root = "/loop3", .type = "devtmpfs"}));
  EXPECT_EQ(FindMount(std::string(kTable, strlen(kTable) - 60), "/pods/x")->is_read_only, true);
  EXPECT_EQ(FindMount(kTable, "/pods"), std::nullopt);
  EXPECT_EQ(FindMount("", "/"), std::nullopt);
}

TEST(MountTable, ListsWhereDeviceNodesAreMounted) {
  EXPECT_EQ(MountedNodes(kTable), (std::vector<std::string>{"/pods/x"}));
  EXPECT_TRUE(MountedNodes("22 1 0:5 / /dev rw - devtmpfs dev rw\n").empty());
}

}  // namespace
}  // namespace pmem::driver
