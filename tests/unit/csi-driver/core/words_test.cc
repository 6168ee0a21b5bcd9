// SPDX-License-Identifier: Apache-2.0
// Names, uses, mounts and arguments: what texts mean.
#include <gtest/gtest.h>

#include <string>

#include "csi-driver/core/format.h"
#include "csi-driver/core/mount_table.h"
#include "csi-driver/core/volume_id.h"
#include "csi-driver/core/volume_use.h"
#include "csi-driver/device/mount_options.h"

#include <sys/mount.h>

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

struct UseCase {
  const char* name;
  VolumeUse use;
  bool is_ok = false;
};

class CheckUseTest : public testing::TestWithParam<UseCase> {};

TEST_P(CheckUseTest, AllowsWhatCanBe) {
  const absl::Status status = CheckUse(GetParam().use);

  EXPECT_EQ(absl::IsInvalidArgument(status), !GetParam().is_ok) << status;
}

INSTANTIATE_TEST_SUITE_P(
    Uses, CheckUseTest,
    testing::Values(
        UseCase{"Default", {}, true}, UseCase{"Xfs", {.file_system = "xfs"}, true},
        UseCase{"Block", {.is_block = true}, true}, UseCase{"Btrfs", {.file_system = "btrfs"}},
        UseCase{"SeveralNodes", {.is_single_node = false}},
        UseCase{"Option", {.mount_options = {"noatime"}}, true},
        UseCase{"OptionsInOne", {.mount_options = {"noatime,bind"}}},
        UseCase{"ABind", {.mount_options = {"bind"}}},
        UseCase{"ARemount", {.mount_options = {"remount"}}},
        UseCase{"EmptyOption", {.mount_options = {""}}},
        UseCase{"LongestOption", {.mount_options = {std::string(kMountOptionBytesMax, 'x')}}, true},
        UseCase{"TooLongAnOption", {.mount_options = {std::string(kMountOptionBytesMax + 1, 'x')}}},
        UseCase{"MostOptions",
                {.mount_options = std::vector<std::string>(kMountOptionsMax, "noatime")},
                true},
        UseCase{"TooManyOptions",
                {.mount_options = std::vector<std::string>(kMountOptionsMax + 1, "noatime")}}),
    [](const auto& row) { return row.param.name; });

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

TEST(MountOptions, AreFlagsAndTheFileSystemsText) {
  EXPECT_EQ(MountOptionsOf({"noatime", "dax", "ro", "rw", "nosuid", "discard"}),
            (MountOptions{.flags = MS_NOATIME | MS_NOSUID, .text = "dax,discard"}));
}

TEST(Probe, TellsAFileSystem) {
  EXPECT_EQ(*ParseProbe("/dev/x", "DEVNAME=/dev/x\nTYPE=ext4\nUSAGE=filesystem\n"), "ext4");
  for (const char* const output :
       {"TYPE=LVM2_member\nUSAGE=raid\n", "PTTYPE=gpt\n", "TYPE=ext4\nPTTYPE=dos\nUSAGE=filesystem",
        "DEVNAME=/dev/x\n", ""}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(ParseProbe("/dev/x", output).status())) << output;
  }
}

TEST(Probe, TellsAnXfsThatMkfsDidNotFinish) {
  std::string start = "XFSB" + std::string(508, '\0');
  EXPECT_FALSE(IsUnfinishedXfs(start));
  start[126] = 1;
  EXPECT_TRUE(IsUnfinishedXfs(start));
  EXPECT_TRUE(IsUnfinishedXfs(start.substr(0, 127)));
  EXPECT_FALSE(IsUnfinishedXfs(start.substr(0, 126)));
  EXPECT_FALSE(IsUnfinishedXfs(start.replace(0, 4, "xfsb")));
  EXPECT_FALSE(IsUnfinishedXfs(""));
}

TEST(Format, TellsTheCopyOfAnExt4Superblock) {
  std::string block(kExt4SuperblockBytes, '\0');
  EXPECT_FALSE(IsExt4Superblock(block));
  block[56] = '\x53';
  block[57] = '\xEF';
  EXPECT_TRUE(IsExt4Superblock(block));
  EXPECT_FALSE(IsExt4Superblock(block.substr(0, 57)));
  EXPECT_EQ(DescribeData(4096, true),
            "something at byte 4096, the copy of an ext4 superblock at block 32768");
  EXPECT_EQ(DescribeData(0, false), "something at byte 0");
}

TEST(Format, MakesBlocksOfThePageSize) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(FormatArguments("/dev/x", "ext4"),
            (Words{"mkfs.ext4", "-F", "-q", "-b", "4096", "-E", "stride=512,nodiscard", "-m", "0",
                   "/dev/x"}));
  EXPECT_EQ(FormatArguments("/dev/x", "xfs"),
            (Words{"mkfs.xfs", "-f", "-q", "-K", "-b", "size=4096", "-m", "reflink=0", "/dev/x"}));
  EXPECT_EQ(GrowArguments("/dev/x", "/mnt", "ext4"), (Words{"resize2fs", "/dev/x"}));
  EXPECT_EQ(GrowArguments("/dev/x", "/mnt", "xfs"), (Words{"xfs_growfs", "-d", "/mnt"}));
}

}  // namespace
}  // namespace pmem::driver
