// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/staging.h"

#include "csi-driver/core/format.h"
#include "tests/unit/csi-driver/node_fixture.h"

namespace pmem::driver {
namespace {

using Calls = std::vector<std::string>;

class StagingTest : public NodeFixture {
 protected:
  StagingTest() {
    EXPECT_TRUE(Make("disk-1", "lvm", kGiB).ok());
    EXPECT_TRUE(Make("disk-2", "direct", kGiB).ok());
  }
};

TEST_F(StagingTest, FormatsOnceAndMountsWithDax) {
  const VolumeUse use = {.mount_options = {"noatime"}};
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", use).ok());
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", use).ok());
  const Calls once = {"mkfs ext4 /dev/fake/disk-1",
                      "mount /dev/fake/disk-1 ext4 /staging noatime,dax"};
  EXPECT_EQ(host_.calls, once);
  ASSERT_TRUE(staging_.Unstage("disk-1", "/staging").ok());
  EXPECT_TRUE(store_.openings.empty());
  host_.calls.clear();
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", use).ok());
  EXPECT_EQ(host_.calls, (Calls{"mount /dev/fake/disk-1 ext4 /staging noatime,dax"}));
}

TEST_F(StagingTest, LeavesOutDaxWhereTheDeviceHasNone) {
  host_.has_dax = false;
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  EXPECT_EQ(host_.calls.back(), "mount /dev/fake/disk-1 ext4 /staging ");
}

TEST_F(StagingTest, TheClassesOwnDaxOptionIsLeftAlone) {
  for (const std::string option : {"dax=never", "dax=inode", "dax"}) {
    ASSERT_TRUE(staging_.Stage("disk-1", "/" + option, {.mount_options = {option, "ro"}}).ok());
    EXPECT_EQ(host_.calls.back(), "mount /dev/fake/disk-1 ext4 /" + option + " " + option + ",ro");
  }
  ASSERT_TRUE(staging_.Stage("disk-1", "/other", {.mount_options = {"daxes"}}).ok());
  EXPECT_EQ(host_.calls.back(), "mount /dev/fake/disk-1 ext4 /other daxes,dax");
}

TEST_F(StagingTest, NeverFormatsWhatCarriesAnotherFileSystem) {
  host_.file_systems["/dev/fake/disk-1"] = "xfs";
  EXPECT_TRUE(absl::IsFailedPrecondition(staging_.Stage("disk-1", "/staging", {})));
  EXPECT_TRUE(host_.calls.empty());
  EXPECT_TRUE(staging_.Stage("disk-1", "/staging", {.file_system = "xfs"}).ok());
}

TEST_F(StagingTest, FormatsAgainWhenFormattingFailed) {
  host_.failure = absl::UnavailableError("mkfs.ext4: no end after 60s");
  EXPECT_TRUE(absl::IsUnavailable(staging_.Stage("disk-1", "/staging", {})));
  EXPECT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  EXPECT_EQ(host_.calls.front(), "mkfs ext4 /dev/fake/disk-1");
}

TEST_F(StagingTest, FormatsAgainWhatMkfsDidNotFinish) {
  host_.data["/dev/fake/disk-1"] = "something at byte 0";
  for (const std::string type : {"xfs", "ext4"}) {
    host_.file_systems["/dev/fake/disk-1"] = kUnfinishedXfs;
    host_.marked.insert("/dev/fake/disk-1");
    EXPECT_TRUE(staging_.Stage("disk-1", "/staging/" + type, {.file_system = type}).ok());
    EXPECT_EQ(host_.calls.at(host_.calls.size() - 2), "mkfs " + type + " /dev/fake/disk-1");
  }
}

// As xfs_copy and xfs_mdrestore have theirs while they write.
TEST_F(StagingTest, NeverFormatsWhatAnotherProgramHasNotFinished) {
  host_.file_systems["/dev/fake/disk-1"] = kUnfinishedXfs;
  host_.data["/dev/fake/disk-1"] = "something at byte 0";
  EXPECT_TRUE(absl::IsFailedPrecondition(staging_.Stage("disk-1", "/s", {.file_system = "xfs"})));
  EXPECT_TRUE(host_.calls.empty());
}

TEST_F(StagingTest, NeverFormatsOverWhatNoProbeKnows) {
  host_.data["/dev/fake/disk-1"] = "something at byte 4096";
  const absl::Status refused = staging_.Stage("disk-1", "/staging", {});
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_NE(refused.message().find("(something at byte 4096)"), std::string::npos) << refused;
  EXPECT_TRUE(host_.calls.empty());
}

TEST_F(StagingTest, NeverFormatsAFileSystemThatWasMountedAndLost) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  ASSERT_TRUE(staging_.Unstage("disk-1", "/staging").ok());
  host_.file_systems.erase("/dev/fake/disk-1");
  EXPECT_TRUE(absl::IsFailedPrecondition(staging_.Stage("disk-1", "/staging", {})));
}

TEST_F(StagingTest, MountsOnlyWhatIsNoLongerTakenForBeingFormatted) {
  host_.file_systems["/dev/fake/disk-1"] = "ext4";
  host_.marked.insert("/dev/fake/disk-1");
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  EXPECT_TRUE(host_.marked.empty());
}

TEST_F(StagingTest, RefusesAPathWhereSomethingElseIsMounted) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(staging_.Stage("disk-2", "/staging", {})));
}

TEST_F(StagingTest, PublishesByABindMount) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  host_.calls.clear();
  const VolumeUse use = {.is_read_only = true};
  ASSERT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", use).ok());
  ASSERT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", use).ok());
  EXPECT_EQ(host_.calls, (Calls{"mount /staging bind /pod ro "}));
  EXPECT_TRUE(absl::IsAlreadyExists(staging_.Publish("disk-1", "/staging", "/pod", {})));
  ASSERT_TRUE(staging_.Unpublish("disk-1", "/pod").ok());
  EXPECT_EQ(host_.mounts.count("/pod"), 0u);
  EXPECT_TRUE(staging_.Unpublish("disk-1", "/pod").ok());
}

TEST_F(StagingTest, PublishesAgainWhatIsStagedReadOnly) {
  const VolumeUse use = {.mount_options = {"ro"}};
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", use).ok());
  ASSERT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", use).ok());
  EXPECT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", use).ok());
  EXPECT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", {.is_read_only = true}).ok());
}

TEST_F(StagingTest, MakesReadOnlyWhatAKilledDriverLeftWritable) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  ASSERT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", {}).ok());
  const VolumeUse use = {.is_read_only = true};
  host_.failure = absl::FailedPreconditionError("/pod: Device or resource busy");
  EXPECT_TRUE(absl::IsFailedPrecondition(staging_.Publish("disk-1", "/staging", "/pod", use)));
  EXPECT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", use).ok());
  EXPECT_EQ(host_.calls.back(), "remount ro /pod");
  EXPECT_TRUE(host_.mounts.at("/pod").is_read_only);
}

TEST_F(StagingTest, RefusesToPublishAnotherVolumesStaging) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging/1", {}).ok());
  ASSERT_TRUE(staging_.Stage("disk-2", "/staging/2", {}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(staging_.Publish("disk-1", "/staging/2", "/pod", {})));
  EXPECT_EQ(host_.mounts.count("/pod"), 0u);
}

TEST_F(StagingTest, PublishesABlockDeviceByItsNode) {
  const VolumeUse use = {.is_block = true};
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", use).ok());
  ASSERT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", use).ok());
  ASSERT_TRUE(staging_.Publish("disk-1", "/staging", "/pod", use).ok());
  EXPECT_EQ(host_.calls, (Calls{"mount /dev/fake/disk-1 bind /pod "}));
  EXPECT_TRUE(absl::IsAlreadyExists(staging_.Publish("disk-2", "/staging", "/pod", use)));
}

TEST_F(StagingTest, RefusesToPublishWhatIsNotStaged) {
  EXPECT_TRUE(absl::IsFailedPrecondition(staging_.Publish("disk-1", "/staging", "/pod", {})));
  EXPECT_TRUE(absl::IsNotFound(staging_.Publish("disk-9", "/staging", "/pod", {})));
}

TEST_F(StagingTest, GrowsVolumeAndFileSystemTogether) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  EXPECT_EQ(*staging_.Expand("disk-1", "/staging", {.required_bytes = 2 * kGiB}), 2 * kGiB);
  EXPECT_EQ(store_.calls.back(), "Extend pmemvgregion0/disk-1 2147483648");
  EXPECT_EQ(host_.calls.back(), "grow ext4 /dev/fake/disk-1");
}

TEST_F(StagingTest, GrowsTheFileSystemThatAnEarlierCallDidNotReach) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  host_.failure = absl::UnavailableError("resize2fs: ended by signal 9");
  EXPECT_TRUE(absl::IsUnavailable(
      staging_.Expand("disk-1", "/staging", {.required_bytes = 2 * kGiB}).status()));
  host_.calls.clear();
  EXPECT_TRUE(staging_.Expand("disk-1", "/staging", {.required_bytes = 2 * kGiB}).ok());
  EXPECT_EQ(host_.calls, (Calls{"grow ext4 /dev/fake/disk-1"}));
}

// resize2fs would work on a device that nobody has mounted, and be killed when its time is up.
TEST_F(StagingTest, GrowsOnlyWhatIsMountedThere) {
  ASSERT_TRUE(staging_.Stage("disk-2", "/staging", {}).ok());
  EXPECT_TRUE(absl::IsNotFound(
      staging_.Expand("disk-1", "/staging", {.required_bytes = 2 * kGiB}).status()));
  EXPECT_EQ(store_.calls.back(), "Create region1/disk-2 1073741824");
}

TEST_F(StagingTest, DoesNotGrowDirectVolumes) {
  ASSERT_TRUE(staging_.Stage("disk-2", "/staging", {}).ok());
  EXPECT_TRUE(absl::IsOutOfRange(
      staging_.Expand("disk-2", "/staging", {.required_bytes = 2 * kGiB}).status()));
  EXPECT_EQ(*staging_.Expand("disk-2", "/staging", {.required_bytes = kGiB}), kGiB);
}

// As a command leaves it that was killed while it grew the volume: to unmount it would hang.
TEST_F(StagingTest, ResumesBeforeItUnmounts) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  host_.suspended = {"number of /dev/fake/disk-1"};
  store_.read_failure = absl::UnavailableError("lvm: no end after 60s");
  EXPECT_TRUE(absl::IsUnavailable(staging_.Unstage("disk-1", "/staging")));
  EXPECT_TRUE(host_.mounts.contains("/staging"));
  store_.read_failure = absl::OkStatus();
  const int before = store_.opens;
  EXPECT_TRUE(staging_.Unstage("disk-1", "/staging").ok());
  EXPECT_EQ(store_.opens, before + 1);
  EXPECT_FALSE(host_.mounts.contains("/staging"));
}

TEST_F(StagingTest, ForgetsAVolumeThatIsGone) {
  ASSERT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  store_.json = kBothPools;
  EXPECT_TRUE(staging_.Unstage("disk-1", "/staging").ok());
  EXPECT_TRUE(host_.mounts.empty());
}

}  // namespace
}  // namespace pmem::driver
