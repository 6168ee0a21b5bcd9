// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/volumes.h"

#include <utility>

#include "tests/fakes/fake_pool_reader.h"
#include "tests/unit/csi-driver/node_fixture.h"

namespace pmem::driver {
namespace {

using Calls = std::vector<std::string>;
using VolumesTest = NodeFixture;

TEST_F(VolumesTest, CreatesOnceForOneName) {
  const auto first = Make("disk-1", "lvm", kGiB);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*Make("disk-1", "lvm", kGiB), *first);
  EXPECT_EQ(store_.calls, (Calls{"Create pmemvgregion0/disk-1 1073741824"}));
  EXPECT_TRUE(absl::IsAlreadyExists(Make("disk-1", "lvm", 2 * kGiB).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(Make("disk-1", "direct", kGiB).status()));
}

// Its claim was deleted before the answer came: nobody can say the kind any more.
TEST_F(VolumesTest, KnowsTheKindOfWhatItMadeBefore) {
  ASSERT_TRUE(Make("disk-1", "direct", kGiB).ok());
  const auto again = Make("disk-1", "", kGiB);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->kind, PoolKind::kDirect);
  EXPECT_TRUE(absl::IsInvalidArgument(Make("disk-2", "", kGiB).status()));
}

TEST_F(VolumesTest, RefusesBeforeTheDevicesAreTouched) {
  EXPECT_TRUE(absl::IsResourceExhausted(Make("disk-1", "lvm", 8 * kGiB).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Make("disk-1", "", kGiB).status()));
  EXPECT_TRUE(store_.calls.empty());
}

TEST_F(VolumesTest, RefusesAnotherVolumeWhereNoLabelSlotIsFree) {
  for (const char* const name : {"disk-1", "disk-2", "disk-3"}) {
    ASSERT_TRUE(Make(name, "direct", kGiB).ok());
  }
  EXPECT_TRUE(absl::IsResourceExhausted(Make("disk-4", "direct", kGiB).status()));
}

// Its claim may have ended meanwhile, and what was held for it been given to another: whose turn
// comes once the room is free again.
TEST_F(VolumesTest, TakesBackWhatIsNotWantedOnceItsRoomIsTaken) {
  int looks = 0;
  const auto ends_at_the_second_look = [this, &looks] {
    EXPECT_EQ(store_.calls.size(), looks == 0 ? 0u : 1u);
    return ++looks == 1 ? absl::OkStatus() : absl::FailedPreconditionError("the claim is gone");
  };
  const absl::Status made =
      volumes_.Create({.name = "disk-1", .kind = "lvm", .check_wanted = ends_at_the_second_look})
          .status();
  EXPECT_TRUE(absl::IsFailedPrecondition(made)) << made;
  EXPECT_EQ(store_.calls,
            (Calls{"Create pmemvgregion0/disk-1 1073741824", "Remove pmemvgregion0/disk-1"}));
  EXPECT_TRUE(Make("disk-2", "lvm", 7 * kGiB).ok());
}

TEST_F(VolumesTest, TriesAgainAfterAFailure) {
  store_.make_failure = absl::UnavailableError("lvcreate: no end after 60s");
  EXPECT_TRUE(absl::IsUnavailable(Make("disk-1", "lvm", kGiB).status()));
  EXPECT_TRUE(Make("disk-1", "lvm", kGiB).ok());
}

TEST_F(VolumesTest, DoesNotBlameTheCallerForTheDevices) {
  store_.make_failure = absl::InvalidArgumentError("size is misaligned");
  EXPECT_TRUE(absl::IsInternal(Make("disk-1", "lvm", kGiB).status()));
}

TEST_F(VolumesTest, NeverTakesAnUnreadableNodeForAFullOne) {
  store_.read_failure = absl::ResourceExhaustedError("more output than the limit");
  EXPECT_TRUE(absl::IsUnavailable(Make("disk-1", "lvm", kGiB).status()));
}

TEST_F(VolumesTest, RemovesWhatWasLeftHalfMade) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, 8 * kGiB).ok());
  store_.calls.clear();
  EXPECT_TRUE(Make("disk-1", "direct", 8 * kGiB).ok());
  EXPECT_EQ(store_.calls, (Calls{"Remove region1/new-disk-9", "Create region1/disk-1 8589934592"}));
}

TEST_F(VolumesTest, MakesVolumesThoughAHalfMadeOneStays) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"pmemvgregion0", "new-disk-9"}, kGiB).ok());
  store_.calls.clear();
  store_.make_failure = absl::UnavailableError("lvremove: exit status 5");
  EXPECT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  EXPECT_EQ(store_.calls,
            (Calls{"Remove pmemvgregion0/new-disk-9", "Create pmemvgregion0/disk-1 1073741824"}));
}

TEST_F(VolumesTest, LeavesHalfMadeVolumesInABrokenPoolAlone) {
  store_.json = R"({"volume_groups":[
      {"name":"pmemvgregion0","size_bytes":8589934592,"state":"unhealthy",
       "volumes":[{"name":"new-disk-9","size_bytes":4194304}]},
      {"name":"pmemvgregion1","size_bytes":8589934592}]})";
  EXPECT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  EXPECT_EQ(store_.calls, (Calls{"Create pmemvgregion1/disk-1 1073741824"}));
  EXPECT_TRUE(volumes_.RemoveUnfinished().empty());
  EXPECT_TRUE(volumes_.MayHaveUnfinished()) << "for when it is mended";
}

TEST_F(VolumesTest, RemovesHalfMadeVolumesAtTheStart) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"pmemvgregion0", "new-disk-9"}, kGiB).ok());
  ASSERT_TRUE(FakeMaker(&store_).Create({"pmemvgregion0", "new-by-hand"}, kGiB).ok());
  EXPECT_EQ(volumes_.RemoveUnfinished(), (std::vector<std::string>{"new-disk-9"}));
}

// A full node is sent no claim whose creation would look for it.
TEST_F(VolumesTest, LooksForWhatWasLeftHalfMadeUntilItIsGone) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, 8 * kGiB).ok());
  store_.read_failure = absl::UnavailableError("lvm: no end after 60s");
  EXPECT_TRUE(volumes_.RemoveUnfinished().empty());
  EXPECT_TRUE(volumes_.MayHaveUnfinished());
  store_.read_failure = absl::OkStatus();
  store_.make_failure = absl::UnavailableError("busy");
  EXPECT_TRUE(volumes_.RemoveUnfinished().empty());
  EXPECT_TRUE(volumes_.MayHaveUnfinished());
  EXPECT_EQ(volumes_.RemoveUnfinished(), (std::vector<std::string>{"new-disk-9"}));
  EXPECT_FALSE(volumes_.MayHaveUnfinished());
  store_.make_failure = absl::DeadlineExceededError("lvcreate: no end after 60s");
  EXPECT_FALSE(Make("disk-1", "lvm", kGiB).ok());
  EXPECT_TRUE(volumes_.MayHaveUnfinished());
}

// The page map of a terabyte, of which a driver before this one was killed.
TEST_F(VolumesTest, OthersAreMadeWhileWhatWasLeftHalfMadeIsErased) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, 4 * kGiB).ok());
  store_.calls.clear();
  store_.removal = [this] {
    store_.removal = [] { return absl::OkStatus(); };
    EXPECT_TRUE(Make("disk-2", "direct", 2 * kGiB).ok());
    EXPECT_TRUE(volumes_.Delete("disk-2").ok());
    EXPECT_TRUE(absl::IsAborted(Make("disk-9", "direct", kGiB).status()));
    EXPECT_TRUE(absl::IsAborted(volumes_.Delete("disk-9")));
    return absl::OkStatus();
  };
  EXPECT_EQ(volumes_.RemoveUnfinished(), (std::vector<std::string>{"new-disk-9"}));
  EXPECT_EQ(store_.calls, (Calls{"Create region1/disk-2 2147483648", "Disown region1/disk-2",
                                 "Remove region1/new-disk-2", "Remove region1/new-disk-9"}));
}

TEST_F(VolumesTest, ACreationThatErasesWhatWasLeftKeepsNobodyElseWaiting) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, 4 * kGiB).ok());
  store_.calls.clear();
  store_.removal = [this] {
    store_.removal = nullptr;
    EXPECT_TRUE(Make("disk-2", "direct", 2 * kGiB).ok());
    return absl::OkStatus();
  };
  EXPECT_TRUE(Make("disk-1", "direct", 4 * kGiB).ok()) << "once there is room";
  EXPECT_EQ(store_.calls, (Calls{"Create region1/disk-2 2147483648", "Remove region1/new-disk-9",
                                 "Create region1/disk-1 4294967296"}));
}

TEST_F(VolumesTest, BeginsWithNothingLeftHalfMadeOnceTheDriverStops) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-8"}, kGiB).ok());
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, kGiB).ok());
  store_.removal = [this] {
    volumes_.LeaveUnfinished();
    return absl::OkStatus();
  };
  EXPECT_EQ(volumes_.RemoveUnfinished(), (std::vector<std::string>{"new-disk-8"}));
  EXPECT_NE(store_.json.find("new-disk-9"), std::string::npos);
}

// Its device is there for whoever opens it, with what was on it before.
TEST_F(VolumesTest, WhatWasLeftHalfMadeIsPutAwayWhenItCannotBeErased) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, 4 * kGiB).ok());
  store_.removal = [] { return absl::UnavailableError("Input/output error"); };
  store_.calls.clear();
  EXPECT_TRUE(volumes_.RemoveUnfinished().empty());
  EXPECT_EQ(store_.calls, (Calls{"PutAway region1/new-disk-9"}));
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Delete("disk-9")));
  EXPECT_EQ(store_.calls, (Calls(2, "PutAway region1/new-disk-9")));
}

TEST_F(VolumesTest, ErasesBeforeItRemoves) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  ASSERT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_EQ(host_.calls, (Calls{"erase /dev/fake/disk-1"}));
  EXPECT_EQ(store_.calls.back(), "Remove pmemvgregion0/disk-1");
  EXPECT_TRUE(store_.openings.empty());
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
}

TEST_F(VolumesTest, OpensNothingToEraseWhatNobodyWrote) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  store_.may_hold_data = false;
  ASSERT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_TRUE(host_.calls.empty());
  EXPECT_EQ(store_.calls.back(), "Remove pmemvgregion0/disk-1");
}

TEST_F(VolumesTest, ErasesOnceThoughItsRemovalFails) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  store_.make_failure = absl::UnavailableError("lvremove: in use");
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Delete("disk-1")));
  EXPECT_TRUE(absl::IsNotFound(volumes_.Find("disk-1").status()));
  store_.make_failure = absl::UnavailableError("lvremove: in use");
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Delete("disk-1")));
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_EQ(host_.calls, (Calls{"erase /dev/fake/disk-1"}));
  EXPECT_EQ(store_.json.find("disk-1"), std::string::npos);
}

// The page map of a terabyte.
TEST_F(VolumesTest, OthersAreMadeWhileARemovalTakesLong) {
  ASSERT_TRUE(Make("disk-1", "direct", 4 * kGiB).ok());
  store_.calls.clear();
  store_.removal = [this] {
    EXPECT_TRUE(Make("disk-2", "direct", 2 * kGiB).ok());
    EXPECT_TRUE(absl::IsUnavailable(Make("disk-3", "direct", 4 * kGiB).status()))
        << "its room is taken until it is gone";
    EXPECT_TRUE(absl::IsAborted(volumes_.Delete("disk-1"))) << "a retry does not begin anew";
    EXPECT_TRUE(absl::IsAborted(Make("disk-1", "direct", kGiB).status()));
    return absl::OkStatus();
  };
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_EQ(store_.calls, (Calls{"Disown region1/disk-1", "Create region1/disk-2 2147483648",
                                 "Remove region1/new-disk-1"}));
  EXPECT_TRUE(Make("disk-3", "direct", 4 * kGiB).ok());
}

TEST_F(VolumesTest, ARemovalThatFailedHalfWayGoesOnWithTheNextCall) {
  ASSERT_TRUE(Make("disk-1", "direct", kGiB).ok());
  absl::Status result = absl::UnavailableError("Input/output error");
  store_.removal = [&result] { return result; };
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Delete("disk-1")));
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Delete("disk-1")));
  EXPECT_NE(store_.json.find("new-disk-1"), std::string::npos);
  result = absl::OkStatus();
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_EQ(store_.json.find("disk-1"), std::string::npos);
  EXPECT_EQ(host_.calls, (Calls{"erase /dev/fake/disk-1"}));
}

TEST_F(VolumesTest, KeepsAVolumeThatCannotBeErased) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  host_.failure = absl::FailedPreconditionError("in use");
  EXPECT_TRUE(absl::IsFailedPrecondition(volumes_.Delete("disk-1")));
  EXPECT_TRUE(volumes_.Find("disk-1").ok());
}

// Somebody's snapshot would be filled by the erasure, and go with the volume.
TEST_F(VolumesTest, KeepsAVolumeThatHasSnapshots) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  agent::FakeDevices found;
  found.answer = agent::ParseSimulatedDevices(store_.json);
  found.answer->volume_groups.front().origins = {"disk-1"};
  devices_.readers.clear();
  devices_.readers.push_back(std::make_unique<agent::FakePoolReader>("lvm", &found));
  EXPECT_TRUE(absl::IsFailedPrecondition(volumes_.Delete("disk-1")));
  EXPECT_TRUE(host_.calls.empty());
  found.answer->volume_groups.front().origins.clear();
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
}

// As real ones are: what is on it is not seen while it is disabled.
std::string WithRegionDisabled(std::string json) {
  return json.replace(json.find("\"label_slots\""), 0, "\"state\":\"inactive\",");
}

TEST_F(VolumesTest, LooksForWhatWasLeftHalfMadeUntilItsRegionIsEnabled) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, kGiB).ok());
  const std::string enabled = std::exchange(store_.json, WithRegionDisabled(kBothPools));
  EXPECT_TRUE(volumes_.RemoveUnfinished().empty());
  EXPECT_TRUE(volumes_.MayHaveUnfinished());
  store_.json = enabled;
  EXPECT_EQ(volumes_.RemoveUnfinished(), (std::vector<std::string>{"new-disk-9"}));
  EXPECT_FALSE(volumes_.MayHaveUnfinished());
}

// Nothing of ours is ever in it.
TEST_F(VolumesTest, LooksForNothingThatWasLeftHalfMadeInAnInactiveThinPool) {
  agent::FakeDevices found;
  found.answer->volume_groups = {
      {.name = "pmemvgregion0",
       .total_bytes = kGiB,
       .thin_pools = {
           {.name = "thin", .condition = {PoolState::kInactive, "the thin pool is not active"}}}}};
  devices_.readers.clear();
  devices_.readers.push_back(std::make_unique<agent::FakePoolReader>("fake", &found));
  EXPECT_TRUE(volumes_.RemoveUnfinished().empty());
  EXPECT_FALSE(volumes_.MayHaveUnfinished());
}

TEST_F(VolumesTest, DoesNotTakeAHiddenVolumeForADeletedOne) {
  ASSERT_TRUE(Make("disk-1", "direct", kGiB).ok());
  const std::string enabled = std::exchange(store_.json, WithRegionDisabled(kBothPools));
  EXPECT_EQ(volumes_.Delete("disk-1"),
            absl::UnavailableError(
                "region1: simulated as inactive: whether it holds disk-1 is not known"));
  // Staging relies on it: what is unmounted is let go.
  EXPECT_TRUE(absl::IsNotFound(volumes_.Find("disk-1").status()));
  EXPECT_TRUE(volumes_.Delete("by-hand").ok());
  store_.json = enabled;
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_EQ(host_.calls, (Calls{"erase /dev/fake/disk-1"}));
}

// What `ndctl disable-namespace` makes of a VolumeGroup's: its region stays as it is.
TEST_F(VolumesTest, DoesNotTakeAVolumeOfAHiddenGroupForADeletedOne) {
  agent::FakeDevices found;
  found.answer->regions = {
      {.name = "region0", .total_bytes = kGiB, .available_bytes = 0, .extent_bytes_max = 0}};
  auto& namespaces = found.answer->regions[0].nvdimm_namespaces;
  namespaces = {{.device_name = "namespace0.0", .bytes = kGiB, .is_disabled = true}};
  devices_.readers.clear();
  devices_.readers.push_back(std::make_unique<agent::FakePoolReader>("fake", &found));
  for (const char* const name : {"pmemvgregion0", "by-hand", ""}) {
    namespaces[0].alt_name = name;
    const absl::Status deleted = volumes_.Delete("disk-1");
    EXPECT_TRUE(absl::IsUnavailable(deleted)) << name << deleted;
  }
  namespaces[0] = {.device_name = "namespace0.0",
                   .alt_name = "pmemvgregion0",
                   .bytes = kGiB,
                   .block_device = "pmem0"};
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Delete("disk-1")));
  namespaces.clear();
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
}

TEST_F(VolumesTest, MakesAndRemovesVolumesBesideADisabledRegion) {
  store_.json = WithRegionDisabled(kBothPools);
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
}

TEST_F(VolumesTest, UsesNeitherOfTwoVolumesOfOneNameAndRemovesBoth) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "disk-2"}, kGiB).ok());
  store_.json.replace(store_.json.find("disk-2"), 6, "disk-1");
  store_.calls.clear();
  EXPECT_TRUE(absl::IsFailedPrecondition(Make("disk-1", "lvm", kGiB).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(staging_.Stage("disk-1", "/staging", {})));
  EXPECT_TRUE(store_.calls.empty());
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_EQ(store_.calls, (Calls{"Remove region1/disk-1", "Remove pmemvgregion0/disk-1"}));
  EXPECT_EQ(host_.calls, (Calls(2, "erase /dev/fake/disk-1")));
}

TEST_F(VolumesTest, NeverTouchesForeignVolumes) {
  EXPECT_TRUE(volumes_.Delete("by-hand").ok());
  EXPECT_TRUE(absl::IsNotFound(volumes_.Find("by-hand").status()));
  EXPECT_NE(store_.json.find("by-hand"), std::string::npos);
  EXPECT_TRUE(store_.calls.empty());
}

// A node whose sources are read apart, as real ones are.
class VolumesOfTwoSources : public NodeFixture {
 protected:
  VolumesOfTwoSources() {
    devices_.readers.clear();
    devices_.readers.push_back(
        std::make_unique<agent::FakePoolReader>("ndctl", &regions_, PoolKind::kDirect));
    devices_.readers.push_back(
        std::make_unique<agent::FakePoolReader>("lvm", &lvm_, PoolKind::kLvm));
    Show();
  }
  // What the store holds now.
  void Show() {
    regions_.answer = lvm_.answer = agent::ParseSimulatedDevices(store_.json);
    regions_.answer->volume_groups.clear();
    lvm_.answer->regions.clear();
  }

  agent::FakeDevices regions_;
  agent::FakeDevices lvm_;
};

// It hangs with any disk of the node.
TEST_F(VolumesOfTwoSources, DirectVolumesDoNotWaitForLvm) {
  ASSERT_TRUE(Make("disk-1", "direct", kGiB).ok());
  Show();
  EXPECT_EQ(volumes_.Find("disk-1")->kind, PoolKind::kDirect);
  EXPECT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  EXPECT_TRUE(staging_.Unstage("disk-1", "/staging").ok());
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_TRUE(volumes_.Probe().ok());
  EXPECT_EQ(lvm_.reads, 0);
}

// Where a glance at VolumeGroups shows what the store holds.
class VolumesOfBothKinds : public VolumesOfTwoSources {
 protected:
  VolumesOfBothKinds() {
    devices_.glance = std::make_unique<agent::FakePoolReader>("lvm", &glance_, PoolKind::kLvm);
    Show();
  }
  // On nvdimm namespace `carrier`, named as a VolumeGroup's is.
  void Show() {
    VolumesOfTwoSources::Show();
    regions_.answer->regions.push_back(
        {.name = "region0",
         .total_bytes = 8 * kGiB,
         .nvdimm_namespaces = {
             {.alt_name = "pmemvgregion0", .bytes = 8 * kGiB, .block_device = "pmem0"}}});
    lvm_.answer->volume_groups[0].block_devices = {"pmem0"};
    glance_.answer = lvm_.answer;
  }

  agent::FakeDevices glance_;
};

// Its class was made anew, with the other kind, before the answer came.
TEST_F(VolumesOfBothKinds, AVolumeOfTheOtherKindIsNotMadeOnceMore) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  Show();
  EXPECT_EQ(
      Make("disk-1", "direct", kGiB).status(),
      absl::AlreadyExistsError("volume disk-1 is there and of kind lvm, not direct as asked"));
  ASSERT_TRUE(Make("disk-2", "direct", kGiB).ok());
  Show();
  EXPECT_TRUE(absl::IsAlreadyExists(Make("disk-2", "lvm", kGiB).status()));
  EXPECT_EQ(store_.calls.size(), 2u);
}

TEST_F(VolumesOfBothKinds, LvmThatCannotBeReadKeepsNobodyFromADirectVolume) {
  glance_.answer = lvm_.answer = absl::DeadlineExceededError("no end after 3s");
  EXPECT_TRUE(Make("disk-1", "direct", kGiB).ok());
  VolumesOfTwoSources::Show();
  lvm_.answer = glance_.answer;
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
}

// As drivers before this one made them.
TEST_F(VolumesOfBothKinds, BothVolumesOfOneNameAreRemoved) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "disk-2"}, kGiB).ok());
  store_.json.replace(store_.json.find("disk-2"), 6, "disk-1");
  Show();
  store_.calls.clear();
  glance_.answer->volume_groups[0].origins = {"disk-1"};
  EXPECT_TRUE(absl::IsFailedPrecondition(volumes_.Delete("disk-1"))) << "it has snapshots";
  EXPECT_TRUE(store_.calls.empty());
  glance_.answer->volume_groups[0].origins.clear();
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
  EXPECT_EQ(store_.calls, (Calls{"Remove region1/disk-1", "Remove pmemvgregion0/disk-1"}));
}

TEST_F(VolumesOfTwoSources, WhereNoVolumeGroupCanBeLvmIsNotAsked) {
  agent::FakeDevices glance;
  devices_.glance = std::make_unique<agent::FakePoolReader>("lvm", &glance, PoolKind::kLvm);
  ASSERT_TRUE(Make("disk-1", "direct", kGiB).ok());
  Show();
  regions_.answer->regions[0].nvdimm_namespaces[0].block_device = "pmem1";
  ASSERT_TRUE(Make("disk-2", "direct", kGiB).ok());
  EXPECT_EQ(glance.reads, 0);
}

TEST_F(VolumesOfTwoSources, WhatIsNotSeenMayBeInAVolumeGroupThatCannotBeRead) {
  ASSERT_TRUE(FakeMaker(&store_).Create({"region1", "new-disk-9"}, kGiB).ok());
  Show();
  lvm_.answer = absl::FailedPreconditionError("exit status 5");
  EXPECT_EQ(volumes_.Find("disk-1").status(), absl::UnavailableError("lvm: exit status 5"));
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Delete("disk-1")));
  EXPECT_TRUE(absl::IsUnavailable(Make("disk-1", "lvm", kGiB).status()));
  EXPECT_TRUE(absl::IsUnavailable(Make("disk-1", "", kGiB).status()));
  EXPECT_EQ(volumes_.RemoveUnfinished(), (std::vector<std::string>{"new-disk-9"}));
}

TEST_F(VolumesOfTwoSources, AVolumeInAVolumeGroupIsFoundWhileRegionsCannotBeRead) {
  ASSERT_TRUE(Make("disk-1", "lvm", kGiB).ok());
  Show();
  lvm_.answer->volume_groups[0].block_devices = {"pmem0"};
  regions_.answer = absl::UnavailableError("no bus");
  EXPECT_EQ(volumes_.Find("disk-1")->kind, PoolKind::kLvm);
  EXPECT_TRUE(staging_.Stage("disk-1", "/staging", {}).ok());
  EXPECT_TRUE(staging_.Unstage("disk-1", "/staging").ok());
  // Whether the region under it is in order is not known.
  EXPECT_TRUE(absl::IsUnavailable(Make("disk-2", "lvm", kGiB).status()));
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Extend("disk-1", {2 * kGiB, 0}).status()));
  EXPECT_TRUE(volumes_.Probe().ok());
  EXPECT_TRUE(volumes_.Delete("disk-1").ok());
  lvm_.answer = regions_.answer;
  EXPECT_TRUE(absl::IsUnavailable(volumes_.Probe()));
}

}  // namespace
}  // namespace pmem::driver
