// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/initializer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/pure/units.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_pool_reader.h"
#include "tests/fakes/fake_volumes.h"

namespace pmem::driver {
namespace {

using Lines = std::vector<std::string>;

agent::Region Empty(const std::string& name) {
  return {.name = name,
          .total_bytes = 4 * kGiB,
          .extent_bytes_max = 4 * kGiB,
          .alignment_bytes = 16 * kMiB};
}

// What `vgremove` leaves: the NVDIMM namespace of a VolumeGroup without the VolumeGroup.
agent::Region WithoutItsGroup(const std::string& name, const std::string& group) {
  agent::Region region = Empty(name);
  region.nvdimm_namespaces = {{.alt_name = group, .bytes = kGiB, .block_device = "pmem0"}};
  return region;
}

// Two regions to make VolumeGroups on; LVM's commands are `true`.
class InitializerTest : public testing::Test {
 protected:
  InitializerTest() {
    store_.json = R"({"regions":[{"name":"region0","size_bytes":4294967296},
                                 {"name":"region1","size_bytes":4294967296}]})";
    FillFakeDevices(&store_, &devices_);
    devices_.readers.clear();
    devices_.readers.push_back(std::make_unique<agent::FakePoolReader>("fake", &found_));
    found_.answer->regions = {WithoutItsGroup("region0", "pmemvgregion0"), Empty("region1")};
  }
  absl::StatusOr<int> Run(bool is_dry = false) {
    Initializer initializer(&devices_, &lvm_, &host_,
                            [this](std::string_view line) { said_.emplace_back(line); });
    return initializer.Run({.regions = agent::NamePatterns("region*")}, is_dry);
  }

  FakeStore store_;
  FakeHost host_;
  agent::FakeDevices found_;
  Devices devices_;
  agent::LvmMaker lvm_{"true", absl::Seconds(10)};
  Lines said_;
};

constexpr char kGroup0[] =
    "region0: create VolumeGroup pmemvgregion0 on NVDIMM namespace pmemvgregion0";
constexpr char kNamespace1[] =
    "region1: create NVDIMM namespace pmemvgregion1 of 4294967296 bytes, mode fsdax";
constexpr char kGroup1[] =
    "region1: create VolumeGroup pmemvgregion1 on NVDIMM namespace pmemvgregion1";

constexpr char kTwoChanged[] = "2 regions seen, 2 match --region-pattern, 2 changed";

TEST_F(InitializerTest, SaysEachStepAndCountsNoRefusal) {
  EXPECT_EQ(Run().value_or(-1), 0);
  EXPECT_EQ(said_, (Lines{kGroup0, kNamespace1, kGroup1, kTwoChanged}));
  EXPECT_EQ(store_.calls, (Lines{"Create region1/pmemvgregion1 4294967296"}));
}

TEST_F(InitializerTest, RemovesWhatARunThatWasCutOffLeft) {
  found_.answer->regions = {WithoutItsGroup("region1", "new-pmemvgregion1")};
  store_.json = R"({"regions":[{"name":"region1","size_bytes":4294967296,
                    "namespaces":[{"name":"new-pmemvgregion1","offset_bytes":0,
                                   "size_bytes":1073741824}]}]})";
  EXPECT_EQ(Run().value_or(-1), 0);
  EXPECT_EQ(said_, (Lines{"region1: remove NVDIMM namespace new-pmemvgregion1, which was not "
                          "finished",
                          kNamespace1, kGroup1,
                          "1 regions seen, 1 match --region-pattern, 1 "
                          "changed"}));
  EXPECT_EQ(store_.calls,
            (Lines{"Remove region1/new-pmemvgregion1", "Create region1/pmemvgregion1 4294967296"}));
}

TEST_F(InitializerTest, GoesOnWithTheOtherRegionsWhenAStepIsRefused) {
  host_.file_systems["/dev/fake/pmemvgregion0"] = "LVM2_member";
  EXPECT_EQ(Run().value_or(-1), 1);
  EXPECT_EQ(said_,
            (Lines{kGroup0, "region0: left alone: /dev/fake/pmemvgregion0 carries LVM2_member",
                   kNamespace1, kGroup1, "2 regions seen, 2 match --region-pattern, 1 changed"}));
}

// LVM refuses such a device without --force.
TEST_F(InitializerTest, FinishesAVolumeGroupThatWasCutOffWithinVgcreate) {
  const std::string lvm = testing::TempDir() + "/forced-lvm-" + std::to_string(::getpid());
  std::ofstream(lvm) << "[ \"$2\" = --force ] || exit 5\n";
  agent::LvmMaker maker("sh " + lvm, absl::Seconds(10));
  Initializer initializer(&devices_, &maker, &host_, [](std::string_view) {});
  const InitOptions options = {.regions = agent::NamePatterns("region0")};
  host_.file_systems["/dev/fake/pmemvgregion0"] = "LVM2_member";
  host_.half_made["/dev/fake/pmemvgregion0"] = "pmemvgregion1";
  EXPECT_EQ(initializer.Run(options, false).value_or(-1), 1) << "another one's";
  host_.half_made["/dev/fake/pmemvgregion0"] = "pmemvgregion0";
  EXPECT_EQ(initializer.Run(options, false).value_or(-1), 0);
  std::remove(lvm.c_str());
}

// By a run that was cut off, which left nothing on it, or by somebody who wants it so.
TEST_F(InitializerTest, LeavesADisabledNamespaceSoUnlessNothingIsOnIt) {
  found_.answer->regions.resize(1);
  found_.answer->regions[0].nvdimm_namespaces[0].block_device.clear();
  found_.answer->regions[0].nvdimm_namespaces[0].is_disabled = true;
  EXPECT_EQ(Run().value_or(-1), 0);
  EXPECT_EQ(said_.front(), std::string(kGroup0) + ", enabling it, unless it carries something");
  EXPECT_TRUE(store_.calls.empty());
  said_.clear();
  host_.file_systems["/dev/fake/pmemvgregion0"] = "LVM2_member";
  EXPECT_EQ(Run().value_or(-1), 1);
  EXPECT_EQ(store_.calls, (Lines{"Disable region0/pmemvgregion0"}));
  EXPECT_EQ(said_.at(1),
            "region0: left alone: /dev/fake/pmemvgregion0 carries LVM2_member; its NVDIMM "
            "namespace was disabled, and is again");
  store_.make_failure = absl::UnavailableError("busy");
  EXPECT_EQ(Run().value_or(-1), 1);
  EXPECT_EQ(said_.at(4),
            "region0: left alone: /dev/fake/pmemvgregion0 carries LVM2_member; its NVDIMM "
            "namespace was disabled, and is enabled now: busy");
}

TEST_F(InitializerTest, SaysWhatADeviceCarriesThatIsNoFileSystem) {
  host_.unreadable["/dev/fake/pmemvgregion0"] = absl::FailedPreconditionError(
      "/dev/fake/pmemvgregion0 carries something that is no file system: LVM2_member");
  EXPECT_EQ(Run().value_or(-1), 1);
  EXPECT_EQ(said_.at(1),
            "region0: left alone: /dev/fake/pmemvgregion0 carries something that is no file "
            "system: LVM2_member");
}

// It is tried again: what read it may have been killed, or too slow.
TEST_F(InitializerTest, FailsWhereADeviceCannotBeReadAndGoesOnWithTheOtherRegions) {
  host_.unreadable["/dev/fake/pmemvgregion0"] = absl::UnavailableError("Input/output error");
  const absl::Status status = Run().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(),
                                "what is on /dev/fake/pmemvgregion0 cannot be "
                                "told: Input/output error"))
      << status;
  EXPECT_EQ(said_, (Lines{kGroup0, kNamespace1, kGroup1,
                          "2 regions seen, 2 match --region-pattern, 1 changed"}));
}

// As when the kernel cleared a media error that its label was in: vgs and blkid see nothing of it.
constexpr char kDamaged[] =
    " carries nothing that blkid knows, but is not empty (something at byte 4096): a VolumeGroup "
    "on "
    "it may be damaged (pvck --dump metadata_search); if nobody needs what is there, zero its "
    "first "
    "4 MiB";

TEST_F(InitializerTest, MakesNoGroupOverADamagedOne) {
  host_.data["/dev/fake/pmemvgregion0"] = "something at byte 4096";
  // Of a volume at its end.
  host_.marked.insert("/dev/fake/pmemvgregion0");
  agent::LvmMaker none("false", absl::Seconds(10));
  found_.answer->regions.resize(1);
  Initializer initializer(&devices_, &none, &host_,
                          [this](std::string_view line) { said_.emplace_back(line); });
  const auto refused = initializer.Run({.regions = agent::NamePatterns("region*")}, false);
  EXPECT_EQ(refused.value_or(-1), 1) << refused.status();
  EXPECT_EQ(said_,
            (Lines{kGroup0, std::string("region0: left alone: /dev/fake/pmemvgregion0") + kDamaged,
                   "1 regions seen, 1 match --region-pattern, 0 changed"}));
}

TEST_F(InitializerTest, WritesNoLabelsOverWhatNoProbeKnows) {
  found_.answer->regions = {WithoutItsGroup("region0", "")};
  found_.answer->regions[0].condition = {PoolState::kLabelLess, "no labels"};
  host_.data["/dev/pmem0"] = "something at byte 4096";
  Initializer initializer(&devices_, &lvm_, &host_,
                          [this](std::string_view line) { said_.emplace_back(line); });
  const InitOptions options = {.initializes_labels = true, .regions = agent::NamePatterns("*")};
  EXPECT_EQ(initializer.Run(options, true).value_or(-1), 1);
  EXPECT_EQ(said_.front(), std::string("region0: left alone: /dev/pmem0") + kDamaged);
}

TEST_F(InitializerTest, DropsTheOtherStepsOfARegionThatIsRefused) {
  found_.answer->regions = {Empty("region1"), WithoutItsGroup("region2", "pmemvgregion2")};
  store_.make_failure = absl::FailedPreconditionError("region1 is in use");
  EXPECT_EQ(Run().value_or(-1), 1);
  EXPECT_EQ(said_, (Lines{kNamespace1, "region1: left alone: region1 is in use",
                          "region2: create VolumeGroup pmemvgregion2 on NVDIMM namespace "
                          "pmemvgregion2",
                          "2 regions seen, 2 match --region-pattern, 1 changed"}));
}

TEST_F(InitializerTest, ReturnsAnErrorWhenTheOtherRegionsAreDone) {
  found_.answer->regions = {Empty("region0"), Empty("region1")};
  store_.make_failure = absl::UnavailableError("region0: no answer");
  const auto done = Run();
  EXPECT_TRUE(absl::IsUnavailable(done.status())) << done.status();
  EXPECT_EQ(said_.size(), 4u);
  EXPECT_EQ(said_.back(), "2 regions seen, 2 match --region-pattern, 1 changed");
  EXPECT_EQ(store_.calls.back(), "Create region1/pmemvgregion1 4294967296");
}

TEST_F(InitializerTest, NamesEveryRegionThatFailed) {
  agent::LvmMaker broken("false", absl::Seconds(10));
  Initializer initializer(&devices_, &broken, &host_, [](std::string_view) {});
  const auto done = initializer.Run({.regions = agent::NamePatterns("region*")}, false);
  EXPECT_TRUE(absl::IsUnavailable(done.status()));
  for (const char* const step : {kGroup0, kGroup1}) {
    EXPECT_NE(std::string(done.status().message()).find(step), std::string::npos) << done.status();
  }
}

TEST_F(InitializerTest, TouchesNothingInADryRun) {
  host_.file_systems["/dev/fake/pmemvgregion0"] = "LVM2_member";
  EXPECT_EQ(Run(true).value_or(-1), 0);
  EXPECT_EQ(said_, (Lines{kGroup0, kNamespace1, kGroup1,
                          "2 regions seen, 2 match --region-pattern, 2 to change"}));
  EXPECT_TRUE(store_.calls.empty());
}

TEST_F(InitializerTest, WarnsWhenThereIsNoRegionToMakeReady) {
  found_.answer->regions = {Empty("foreign0")};
  EXPECT_EQ(Run().value_or(-1), 0);
  found_.answer->regions.clear();
  EXPECT_EQ(Run().value_or(-1), 0);
  EXPECT_EQ(said_, (Lines{"warning: no region to make ready: 1 regions seen, 0 match "
                          "--region-pattern, 0 changed",
                          "warning: no region to make ready: 0 regions seen, 0 match "
                          "--region-pattern, 0 changed"}));
}

TEST_F(InitializerTest, SaysThatARegionIsReadyAlready) {
  found_.answer->regions = {Empty("region0")};
  Initializer initializer(&devices_, &lvm_, &host_,
                          [this](std::string_view line) { said_.emplace_back(line); });
  const InitOptions direct = {.lvm_percent = 0, .regions = agent::NamePatterns("*")};
  EXPECT_EQ(initializer.Run(direct, false).value_or(-1), 0);
  EXPECT_EQ(said_, (Lines{"1 regions seen, 1 match --region-pattern, 0 changed"}));
}

}  // namespace
}  // namespace pmem::driver
