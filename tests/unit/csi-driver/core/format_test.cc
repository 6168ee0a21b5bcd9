// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/format.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pmem::driver {
namespace {

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
  EXPECT_EQ(FormatArguments("/dev/x", "ext4", {6, 1}),
            (Words{"mkfs.ext4", "-F", "-q", "-b", "4096", "-E",
                   "stride=512,nodiscard,lazy_itable_init=1", "-m", "0", "/dev/x"}));
  EXPECT_EQ(FormatArguments("/dev/x", "xfs", {5, 10}),
            (Words{"mkfs.xfs", "-f", "-q", "-K", "-b", "size=4096", "-m", "reflink=0", "/dev/x"}));
  EXPECT_EQ(GrowArguments("/dev/x", "/mnt", "ext4"), (Words{"resize2fs", "/dev/x"}));
  EXPECT_EQ(GrowArguments("/dev/x", "/mnt", "xfs"), (Words{"xfs_growfs", "-d", "/mnt"}));
}

// bigtime and inobtcount came with Linux 5.10, and xfsprogs 6.1 turns them on.
TEST(Format, MakesAnXfsThatTheRunningKernelMounts) {
  for (const KernelVersion old : {KernelVersion{5, 9}, KernelVersion{4, 18}, KernelVersion{}}) {
    EXPECT_EQ(FormatArguments("/dev/x", "xfs", old).at(7), "reflink=0,bigtime=0,inobtcount=0");
  }
  for (const KernelVersion kernel : {KernelVersion{5, 10}, KernelVersion{6, 0}}) {
    EXPECT_EQ(FormatArguments("/dev/x", "xfs", kernel).at(7), "reflink=0");
  }
}

TEST(Format, KnowsAKernelByItsRelease) {
  EXPECT_EQ(ParseKernelVersion("6.1.0-13-amd64"), (KernelVersion{6, 1}));
  EXPECT_EQ(ParseKernelVersion("4.18.0-513.el8.x86_64"), (KernelVersion{4, 18}));
  EXPECT_EQ(ParseKernelVersion("5.4+"), (KernelVersion{5, 4}));
  EXPECT_EQ(ParseKernelVersion("next"), KernelVersion());
}

}  // namespace
}  // namespace pmem::driver
