// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/report_builder.h"

#include <gtest/gtest.h>

#include <string>

#include "capacity-agent/core/hidden_groups.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

BuilderOptions Options() {
  return {.node = "n1",
          .boot_id = "b0",
          .first_generation = 1000,
          .volume_groups = NamePatterns("pmemvgregion*"),
          .regions = NamePatterns("*")};
}

Region EmptyRegion() {
  return {.name = "region1",
          .total_bytes = 4 * kGiB,
          .available_bytes = 4 * kGiB,
          .extent_bytes_max = 4 * kGiB,
          .alignment_bytes = 16 * kMiB,
          .numa_node = 1,
          .label_slots_free = 100};
}

NvdimmNamespace Taken(const std::string& alt_name, int64_t offset_bytes, int64_t bytes) {
  return {.device_name = "namespace1.0",
          .alt_name = alt_name,
          .bytes = bytes,
          .offset_bytes = offset_bytes};
}

// Two namespaces with a hole of 256 MiB between them.
Region HoleRegion() {
  Region region = EmptyRegion();
  region.nvdimm_namespaces = {Taken("disk-b", 512 * kMiB, 256 * kMiB), Taken("", 0, 256 * kMiB)};
  region.available_bytes = 4 * kGiB - 512 * kMiB;
  region.extent_bytes_max = 4 * kGiB - 768 * kMiB;
  return region;
}

PoolReport HolePool() {
  return {.id = "direct/region1",
          .kind = PoolKind::kDirect,
          .total_bytes = 4 * kGiB,
          .allocatable_bytes = 4 * kGiB,
          .available_bytes = 4 * kGiB - 512 * kMiB,
          .volume_bytes_max = 4 * kGiB - 768 * kMiB,
          .alignment_bytes = 16 * kMiB,
          .numa_node = 1,
          .state = PoolState::kOk,
          .volumes = {{"disk-b", 256 * kMiB}, {"namespace1.0", 256 * kMiB}},
          .free_extents = {{256 * kMiB, 256 * kMiB}, {768 * kMiB, 4 * kGiB - 768 * kMiB}},
          .label_slots_free = 100};
}

VolumeGroup OurGroup() {
  return {.name = "pmemvgregion0",
          .total_bytes = 2 * kGiB,
          .available_bytes = 1 * kGiB,
          .extent_bytes = 4 * kMiB,
          .volumes = {{"disk-z", 512 * kMiB}, {"disk-a", 512 * kMiB}}};
}

VolumeGroup GroupOn(const std::vector<std::string>& block_devices) {
  VolumeGroup group = OurGroup();
  group.block_devices = block_devices;
  return group;
}

PoolReport OurPool() {
  return {.id = "lvm/pmemvgregion0",
          .kind = PoolKind::kLvm,
          .total_bytes = 2 * kGiB,
          .allocatable_bytes = 2 * kGiB,
          .available_bytes = 1 * kGiB,
          .volume_bytes_max = 1 * kGiB,
          .alignment_bytes = 4 * kMiB,
          .state = PoolState::kOk,
          .volumes = {{"disk-a", 512 * kMiB}, {"disk-z", 512 * kMiB}}};
}

Reading ReadingOf(std::vector<Region> regions, std::vector<VolumeGroup> groups) {
  return {.devices = {.regions = std::move(regions), .volume_groups = std::move(groups)},
          .observed_at = absl::FromUnixSeconds(1000)};
}

CapacityReport Build(const Reading& reading) { return BuildReport(Options(), reading, nullptr); }

TEST(ReportBuilder, AWholeNodeIsOneSortedValue) {
  VolumeGroup foreign = OurGroup();
  foreign.name = "rootvg";
  const CapacityReport expected = {.node = "n1",
                                   .boot_id = "b0",
                                   .generation = 1000,
                                   .observed_at = absl::FromUnixSeconds(1000),
                                   .pools = {HolePool(), OurPool()}};
  EXPECT_EQ(Build(ReadingOf({HoleRegion()}, {foreign, OurGroup()})), expected);
}

TEST(ReportBuilder, RegionsOutsideThePatternAreNotOurs) {
  BuilderOptions options = Options();
  options.regions = NamePatterns("region0,region7");
  EXPECT_TRUE(BuildReport(options, ReadingOf({HoleRegion()}, {}), nullptr).pools.empty());
}

TEST(ReportBuilder, TheGenerationRisesOnlyWithTheContent) {
  Reading reading = ReadingOf({HoleRegion()}, {});
  const CapacityReport first = Build(reading);
  reading.observed_at += absl::Seconds(60) + absl::Microseconds(1);
  const CapacityReport same = BuildReport(Options(), reading, &first);
  EXPECT_EQ(same.generation, 1000);
  EXPECT_EQ(same.observed_at, absl::FromUnixSeconds(1060));
  reading.devices.regions[0].label_slots_free = 99;
  const CapacityReport changed = BuildReport(Options(), reading, &same);
  EXPECT_EQ(changed.generation, 1001);
  EXPECT_EQ(BuildReport(Options(), reading, &changed).generation, 1001);
}

TEST(ReportBuilder, AStalePartKeepsItsNumbersInStateUnknown) {
  Reading reading = ReadingOf({HoleRegion()}, {OurGroup()});
  reading.volume_groups_are_stale = true;
  reading.errors = {{"lvm", "timed out"}};
  const CapacityReport report = Build(reading);
  PoolReport stale = OurPool();
  stale.state = PoolState::kUnknown;
  EXPECT_EQ(report.pools, (std::vector<PoolReport>{HolePool(), stale}));
  EXPECT_EQ(report.errors,
            (std::vector<ReportError>{
                {"lvm", "timed out"},
                {"lvm/pmemvgregion0", "its last reading failed; the numbers are older"}}));
}

TEST(ReportBuilder, APoolThatIsNotOkTakesNothingAndSaysWhy) {
  Region region = HoleRegion();
  region.condition = {PoolState::kReadOnly, "the region is read-only"};
  const CapacityReport report = Build(ReadingOf({region}, {}));
  PoolReport expected = HolePool();
  expected.state = PoolState::kReadOnly;
  expected.volume_bytes_max = 0;
  EXPECT_EQ(report.pools, std::vector<PoolReport>{expected});
  EXPECT_EQ(report.errors,
            (std::vector<ReportError>{{"direct/region1", "the region is read-only"}}));
}

TEST(ReportBuilder, ADisabledRegionKeepsTheVolumesLastSeen) {
  const CapacityReport before = Build(ReadingOf({HoleRegion()}, {}));
  Region disabled = HoleRegion();
  disabled.nvdimm_namespaces.clear();
  disabled.condition = {PoolState::kInactive, "the region is disabled"};
  const CapacityReport after = BuildReport(Options(), ReadingOf({disabled}, {}), &before);
  ASSERT_EQ(after.pools.size(), 1u);
  EXPECT_EQ(after.pools[0].volumes, HolePool().volumes);
  EXPECT_EQ(after.pools[0].state, PoolState::kInactive);
  EXPECT_EQ(after.pools[0].available_bytes, 4 * kGiB - 512 * kMiB);
  EXPECT_TRUE(after.pools[0].free_extents.empty());
}

TEST(ReportBuilder, WithoutOffsetsTheKernelsNumbersCount) {
  Region region = HoleRegion();
  region.nvdimm_namespaces[0].offset_bytes.reset();
  PoolReport expected = HolePool();
  expected.free_extents.clear();
  EXPECT_EQ(Build(ReadingOf({region}, {})).pools, std::vector<PoolReport>{expected});
}

TEST(ReportBuilder, SpaceThatSomethingHiddenTakesIsNotPromised) {
  Region region = HoleRegion();
  region.available_bytes = kGiB + 1;
  region.extent_bytes_max = 512 * kMiB + 1;
  PoolReport expected = HolePool();
  expected.free_extents.clear();
  expected.available_bytes = kGiB;
  expected.volume_bytes_max = 512 * kMiB;
  EXPECT_EQ(Build(ReadingOf({region}, {})).pools, std::vector<PoolReport>{expected});
}

TEST(ReportBuilder, FreeSpaceThatNobodyTellsIsUnknownNotZero) {
  Region region = HoleRegion();
  region.nvdimm_namespaces[0].offset_bytes.reset();
  region.extent_bytes_max.reset();
  const CapacityReport report = Build(ReadingOf({region}, {}));
  ASSERT_EQ(report.pools.size(), 1u);
  EXPECT_EQ(report.pools[0].state, PoolState::kUnknown);
  EXPECT_EQ(
      report.errors,
      (std::vector<ReportError>{{"direct/region1", "the kernel does not tell how much is free"}}));
}

TEST(ReportBuilder, WithoutALabelSlotNothingCanBeMade) {
  Region region = HoleRegion();
  region.label_slots_free = 0;
  PoolReport expected = HolePool();
  expected.label_slots_free = 0;
  expected.volume_bytes_max = 0;
  EXPECT_EQ(Build(ReadingOf({region}, {})).pools, std::vector<PoolReport>{expected});
}

// A region of 4 GiB with a namespace of `bytes` under a VolumeGroup on `physical_volume`.
Region CarryingRegion(int64_t bytes) {
  Region region = EmptyRegion();
  region.nvdimm_namespaces = {Taken("pmem-lvm", 0, bytes)};
  region.nvdimm_namespaces[0].block_device = "pmem1";
  region.available_bytes = region.total_bytes - bytes;
  region.extent_bytes_max = region.available_bytes;
  return region;
}

std::vector<std::string> PoolIds(const CapacityReport& report) {
  std::vector<std::string> ids;
  for (const PoolReport& pool : report.pools) ids.push_back(pool.id);
  return ids;
}

TEST(ReportBuilder, ARegionFullOfOurVolumeGroupIsNoDirectPool) {
  const CapacityReport report = Build(ReadingOf({CarryingRegion(4 * kGiB)}, {GroupOn({"pmem1"})}));
  EXPECT_EQ(PoolIds(report), std::vector<std::string>{"lvm/pmemvgregion0"});
}

TEST(ReportBuilder, ARegionPartlyUnderOurVolumeGroupIsBothPools) {
  const CapacityReport report = Build(ReadingOf({CarryingRegion(2 * kGiB)}, {GroupOn({"pmem1"})}));
  EXPECT_EQ(PoolIds(report), (std::vector<std::string>{"direct/region1", "lvm/pmemvgregion0"}));
  EXPECT_EQ(report.pools[0].available_bytes, 2 * kGiB);
  EXPECT_EQ(report.pools[0].volumes, (std::vector<VolumeReport>{{"pmem-lvm", 2 * kGiB}}));
  EXPECT_EQ(report.pools[1].numa_node, 1);
}

TEST(ReportBuilder, AFullRegionWithAVolumeBesideOurVolumeGroupStaysADirectPool) {
  Region region = CarryingRegion(3 * kGiB);
  region.nvdimm_namespaces.push_back(Taken("disk-1", 3 * kGiB, kGiB));
  const CapacityReport report = Build(ReadingOf({region}, {GroupOn({"pmem1"})}));
  EXPECT_EQ(PoolIds(report), (std::vector<std::string>{"direct/region1", "lvm/pmemvgregion0"}));
}

TEST(ReportBuilder, ARegionUnderAForeignVolumeGroupIsAFullDirectPool) {
  VolumeGroup foreign = GroupOn({"pmem1"});
  foreign.name = "rootvg";
  const CapacityReport report = Build(ReadingOf({CarryingRegion(4 * kGiB)}, {foreign}));
  ASSERT_EQ(PoolIds(report), std::vector<std::string>{"direct/region1"});
  EXPECT_EQ(report.pools[0].available_bytes, 0);
}

TEST(ReportBuilder, APartitionLiesOnItsDeviceAndPmem1IsNotPmem10) {
  using Ids = std::vector<std::string>;
  EXPECT_EQ(PoolIds(Build(ReadingOf({CarryingRegion(4 * kGiB)}, {GroupOn({"pmem1p2"})}))),
            Ids{"lvm/pmemvgregion0"});
  EXPECT_EQ(PoolIds(Build(ReadingOf({CarryingRegion(4 * kGiB)}, {GroupOn({"pmem10"})}))),
            Ids{"direct/region1"});
}

// What a pod writes into its block volume: the device of a direct volume, the loop device that the
// kubelet has over either kind, one of another driver.
TEST(ReportBuilder, AVolumeGroupThatAPodMadeIsNoPool) {
  Region region = CarryingRegion(2 * kGiB);
  for (const char* const name : {"disk-1", "new-disk-1"}) {
    region.nvdimm_namespaces.push_back(Taken(name, 2 * kGiB, kGiB));
    region.nvdimm_namespaces.back().block_device = "pmem1.1";
    for (const char* const device : {"pmem1.1", "pmem1.1p1", "loop0", "sda", "mapper/x-y"}) {
      VolumeGroup namesake = GroupOn({device});
      namesake.volumes = {{"disk-theirs", kGiB}};
      VolumeGroup other = namesake;
      other.name = "pmemvgregion9";
      const CapacityReport report =
          Build(ReadingOf({region}, {namesake, GroupOn({"pmem1"}), other}));
      ASSERT_EQ(PoolIds(report), (std::vector<std::string>{"direct/region1", "lvm/pmemvgregion0"}))
          << device;
      EXPECT_EQ(report.pools[1].state, PoolState::kOk);
      EXPECT_EQ(report.pools[1].volumes, OurPool().volumes);
    }
    region.nvdimm_namespaces.pop_back();
  }
  EXPECT_EQ(PoolIds(Build(ReadingOf({region}, {GroupOn({"pmem1", "loop0"})}))),
            std::vector<std::string>{"direct/region1"});
}

// One that init had no time to give its name is the administrator's as soon as he uses it.
TEST(ReportBuilder, AVolumeGroupOnAnyOtherNamespaceIsOurs) {
  for (const char* const name : {"", "by-hand", "pmemvgregion7", "new-pmemvgregion7"}) {
    Region region = CarryingRegion(4 * kGiB);
    region.nvdimm_namespaces[0].alt_name = name;
    EXPECT_EQ(PoolIds(Build(ReadingOf({region}, {GroupOn({"pmem1"})}))),
              std::vector<std::string>{"lvm/pmemvgregion0"})
        << name;
  }
}

TEST(ReportBuilder, WhatIsWrongWithARegionIsWrongWithItsVolumeGroup) {
  Region region = CarryingRegion(4 * kGiB);
  region.condition = {PoolState::kUnhealthy, "nmem0: the last save failed"};
  const CapacityReport report = Build(ReadingOf({region}, {GroupOn({"pmem1"})}));
  EXPECT_EQ(report.pools[0].state, PoolState::kUnhealthy);
  EXPECT_EQ(report.errors[0].message, "region1: nmem0: the last save failed");
  region.condition = {PoolState::kLabelLess, "no labels"};
  EXPECT_EQ(Build(ReadingOf({region}, {GroupOn({"pmem1"})})).pools.back().state, PoolState::kOk);
}

// The node of a region of 4 GiB under a VolumeGroup, as init makes it.
Reading InitReading() {
  Region region = CarryingRegion(4 * kGiB);
  region.nvdimm_namespaces[0].alt_name = "pmemvgregion0";
  return ReadingOf({region}, {GroupOn({"pmem1"})});
}

// What is disabled takes the block device along, and the VolumeGroup with it.
Reading WithNamespaceDisabled(Reading reading) {
  reading.devices.volume_groups.clear();
  reading.devices.regions[0].nvdimm_namespaces[0].block_device = "";
  reading.devices.regions[0].nvdimm_namespaces[0].is_disabled = true;
  return reading;
}

// The driver, and an agent that was started meanwhile, have the name only.
TEST(ReportBuilder, AHiddenVolumeGroupIsAPoolByTheNameOfItsNamespace) {
  PoolReport expected = {.id = "lvm/pmemvgregion0",
                         .kind = PoolKind::kLvm,
                         .total_bytes = 4 * kGiB,
                         .allocatable_bytes = 4 * kGiB,
                         .numa_node = 1,
                         .state = PoolState::kInactive};
  const CapacityReport report = Build(WithNamespaceDisabled(InitReading()));
  EXPECT_EQ(report.pools, std::vector<PoolReport>{expected});
  EXPECT_EQ(report.errors[0].message, "region1: namespace1.0 (pmemvgregion0) is disabled");
  EXPECT_TRUE(ParseCapacityReport(SerialiseCapacityReport(report)).ok());
  Reading damaged = InitReading();
  damaged.devices.volume_groups.clear();
  EXPECT_EQ(Build(damaged).pools, std::vector<PoolReport>{expected});
  EXPECT_EQ(Build(damaged).errors[0].message,
            "region1: namespace1.0 (pmemvgregion0) carries no VolumeGroup that is seen");
}

TEST(HiddenGroups, AreNoVolumesOfOursAndNothingThatSomebodyNamed) {
  DeviceState devices = WithNamespaceDisabled(InitReading()).devices;
  NvdimmNamespace& each = devices.regions[0].nvdimm_namespaces[0];
  const NamePatterns all("*");
  const auto names = [&devices, &all] {
    DeviceState found = devices;
    AddHiddenByName(all, all, &found);
    return found.volume_groups.size();
  };
  for (const char* const name : {"disk-1", "new-disk-1", "new-pmemvgregion0"}) {
    each.alt_name = name;
    EXPECT_EQ(names(), 0u) << name;
    EXPECT_EQ(DisabledNamespace(devices, all), "") << name;
  }
  each.alt_name = "by-hand";
  EXPECT_EQ(names(), 1u);
  EXPECT_EQ(DisabledNamespace(devices, all), "region1: namespace1.0 (by-hand) is disabled");
  EXPECT_EQ(DisabledNamespace(devices, NamePatterns("region0")), "");
  each.is_disabled = false;  // Used as devdax, or by a file system.
  EXPECT_EQ(names(), 0u);
}

// What the agent reads one after the other, a second apart, with what it has learnt.
class KnownGroupsTest : public testing::Test {
 protected:
  std::vector<VolumeGroup> Groups(const DeviceState& read, const char* regions = "*") {
    DeviceState devices = read;
    now_ += absl::Seconds(1);
    known_.AddHidden(NamePatterns(regions), now_, &devices);
    return devices.volume_groups;
  }
  static VolumeGroup Hidden(const std::string& trouble) {
    VolumeGroup group = OurGroup();
    group.condition = {PoolState::kInactive, trouble};
    group.block_devices.clear();
    group.hidden_on = {"namespace1.0"};
    return group;
  }
  using Found = std::vector<VolumeGroup>;

  KnownGroups known_;
  absl::Time now_ = absl::FromUnixSeconds(1000);
  DeviceState whole_ = ReadingOf({CarryingRegion(4 * kGiB)}, {GroupOn({"pmem1"})}).devices;
};

TEST_F(KnownGroupsTest, StayWithTheirVolumesWhileTheirNamespaceIsDisabled) {
  EXPECT_EQ(Groups(whole_), Found{GroupOn({"pmem1"})});
  const DeviceState disabled = WithNamespaceDisabled({.devices = whole_}).devices;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Groups(disabled), Found{Hidden("region1: namespace1.0 (pmem-lvm) is disabled")});
  }
  EXPECT_EQ(Groups(disabled, "region0"), Found{Hidden("is not seen any more")});
  EXPECT_EQ(Groups(disabled, "region0"), Found{});
  EXPECT_EQ(Groups(whole_), Found{GroupOn({"pmem1"})});
}

TEST_F(KnownGroupsTest, StayWhileTheirRegionIsDisabled) {
  Groups(whole_);
  DeviceState disabled = whole_;
  disabled.volume_groups.clear();
  disabled.regions[0].nvdimm_namespaces.clear();
  disabled.regions[0].condition = {PoolState::kInactive, "the region is disabled"};
  EXPECT_EQ(Groups(disabled), Found{Hidden("region1: the region is disabled")});
}

// Regions and VolumeGroups are read apart, in any order.
TEST_F(KnownGroupsTest, StayUntilBothWereReadAfterTheyWereMissed) {
  Groups(whole_);
  DeviceState missed = whole_;
  missed.volume_groups.clear();
  EXPECT_EQ(Groups(missed), Found{Hidden("is not seen any more")});
  now_ -= absl::Seconds(1);  // VolumeGroups were read again, regions not yet.
  EXPECT_EQ(Groups(missed), Found{Hidden("is not seen any more")});
  EXPECT_EQ(Groups(WithNamespaceDisabled({.devices = whole_}).devices),
            Found{Hidden("region1: namespace1.0 (pmem-lvm) is disabled")});
  EXPECT_EQ(Groups(missed), Found{Hidden("is not seen any more")});
  EXPECT_EQ(Groups(missed), Found{});
}

// Nor does one that a pod made take the place of one that is hidden, or stay when its volume goes.
TEST_F(KnownGroupsTest, AreOwnOnes) {
  VolumeGroup foreign = GroupOn({"pmem1.1"});
  DeviceState with_volume = whole_;
  with_volume.regions[0].nvdimm_namespaces.push_back(Taken("disk-1", 0, kGiB));
  with_volume.regions[0].nvdimm_namespaces.back().block_device = "pmem1.1";
  with_volume.volume_groups.push_back(foreign);
  EXPECT_EQ(Groups(with_volume), Found{GroupOn({"pmem1"})});
  DeviceState disabled = WithNamespaceDisabled({.devices = with_volume}).devices;
  disabled.volume_groups = {foreign};
  EXPECT_EQ(Groups(disabled), Found{Hidden("region1: namespace1.0 (pmem-lvm) is disabled")});
}

TEST(ReportBuilder, AHiddenVolumeGroupIsAPoolWithItsVolumes) {
  Reading reading = WithNamespaceDisabled(InitReading());
  VolumeGroup hidden = OurGroup();
  hidden.condition = {PoolState::kInactive, "is not seen any more"};
  hidden.block_devices.clear();
  hidden.hidden_on = {"namespace1.0"};
  reading.devices.volume_groups = {hidden};
  PoolReport expected = OurPool();
  expected.numa_node = 1;
  expected.state = PoolState::kInactive;
  expected.volume_bytes_max = 0;
  EXPECT_EQ(Build(reading).pools, std::vector<PoolReport>{expected});
}

TEST(ReportBuilder, AThinPoolIsAPoolOfItsOwnThatTakesNothing) {
  VolumeGroup group = OurGroup();
  group.thin_pools = {{.name = "pool0",
                       .total_bytes = 512 * kMiB,
                       .available_bytes = 100,
                       .volumes = {{"disk-v", kGiB}}}};
  const CapacityReport report = Build(ReadingOf({}, {group}));
  const PoolReport expected = {.id = "lvm/pmemvgregion0/pool0",
                               .kind = PoolKind::kLvm,
                               .total_bytes = 512 * kMiB,
                               .allocatable_bytes = 512 * kMiB,
                               .available_bytes = 100,
                               .alignment_bytes = 4 * kMiB,
                               .state = PoolState::kOk,
                               .thin = true,
                               .volumes = {{"disk-v", kGiB}}};
  EXPECT_EQ(report.pools, (std::vector<PoolReport>{OurPool(), expected}));
}

// NVDIMMs of a dead node, put into one whose regions have the same numbers.
TEST(ReportBuilder, TwoVolumeGroupsOfOneNameAreOnePoolThatTakesNothing) {
  VolumeGroup other = OurGroup();
  other.volumes = {{"disk-b", 512 * kMiB}};
  other.thin_pools = {{.name = "thin"}};
  VolumeGroup third = other;
  third.volumes.clear();
  const CapacityReport report =
      BuildReport(Options(), {.devices = {.volume_groups = {OurGroup(), other, third}}}, nullptr);
  ASSERT_EQ(report.pools.size(), 2u);
  const PoolReport& pool = report.pools[0];
  EXPECT_EQ(pool.id, "lvm/pmemvgregion0");
  EXPECT_EQ(pool.state, PoolState::kUnhealthy);
  EXPECT_EQ(pool.volume_bytes_max, 0);
  EXPECT_EQ(pool.volumes,
            (std::vector<VolumeReport>{
                {"disk-a", 512 * kMiB}, {"disk-b", 512 * kMiB}, {"disk-z", 512 * kMiB}}));
  EXPECT_EQ(report.errors[0].source, pool.id);
  const auto read = ParseCapacityReport(SerialiseCapacityReport(report));
  EXPECT_TRUE(read.ok()) << read.status();
}

TEST(ReportBuilder, WhatItBuildsIsWhatAReaderAccepts) {
  Reading reading = ReadingOf({HoleRegion()}, {OurGroup()});
  for (int i = 0; i < 300; ++i) reading.errors.push_back({"lvm", std::string(5000, 'x')});
  // More free than there is: the smaller number counts.
  reading.devices.volume_groups[0].available_bytes = 5 * kGiB;
  const CapacityReport report = Build(reading);
  const auto parsed = ParseCapacityReport(SerialiseCapacityReport(report));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, report);
}

}  // namespace
}  // namespace pmem::agent
