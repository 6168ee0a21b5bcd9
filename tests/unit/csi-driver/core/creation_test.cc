// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/creation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/builders.h"

namespace pmem::driver {
namespace {

using extender::MakeDirectPool;
using extender::MakeLvmPool;

CapacityReport ReportOf(std::vector<PoolReport> pools) { return {.pools = std::move(pools)}; }

struct WantedCase {
  const char* name;
  SizeRange range;
  int64_t min_bytes = 0;
  absl::StatusCode code = absl::StatusCode::kOk;
  int64_t bytes = 0;
};

class WantedBytesTest : public testing::TestWithParam<WantedCase> {};

TEST_P(WantedBytesTest, IsAsTheRangeSays) {
  const auto bytes = WantedBytes(GetParam().range, GetParam().min_bytes);
  ASSERT_EQ(bytes.status().code(), GetParam().code) << bytes.status();
  EXPECT_EQ(bytes.value_or(GetParam().bytes), GetParam().bytes);
}

INSTANTIATE_TEST_SUITE_P(
    Ranges, WantedBytesTest,
    testing::Values(
        WantedCase{.name = "Required", .range = {5, 0}, .bytes = 5},
        WantedCase{.name = "RequiredAndEqualLimit", .range = {5, 5}, .bytes = 5},
        WantedCase{.name = "Nothing_TheDefault", .bytes = kVolumeBytesDefault},
        WantedCase{.name = "LimitAlone_BelowTheDefault", .range = {0, 7}, .bytes = 7},
        WantedCase{.name = "LimitAlone_AboveTheDefault", .range = {0, 2 * kGiB}, .bytes = kGiB},
        WantedCase{.name = "NegativeRequired",
                   .range = {-1, 0},
                   .code = absl::StatusCode::kInvalidArgument},
        WantedCase{
            .name = "NegativeLimit", .range = {1, -1}, .code = absl::StatusCode::kInvalidArgument},
        WantedCase{
            .name = "RequiredAboveLimit", .range = {6, 5}, .code = absl::StatusCode::kOutOfRange},
        WantedCase{.name = "MoreThanAnyNodeHas",
                   .range = {kBytesMax + 1, 0},
                   .code = absl::StatusCode::kOutOfRange},
        WantedCase{.name = "LessThanTheFileSystemNeeds",
                   .range = {kXfsBytesMin - 1, 0},
                   .min_bytes = kXfsBytesMin,
                   .code = absl::StatusCode::kOutOfRange}),
    [](const auto& row) { return row.param.name; });

TEST(PlaceVolume, RoundsUpToTheAlignmentAndTakesTheFullestPoolThatFits) {
  const CapacityReport report = ReportOf(
      {MakeLvmPool(8 * kGiB, {}, "pmemvgregion0"), MakeLvmPool(2 * kGiB, {}, "pmemvgregion1")});
  const auto placed = PlaceVolume(report, "disk-1", PoolKind::kLvm, {kGiB + 1, 0}, 0);
  ASSERT_TRUE(placed.ok()) << placed.status();
  EXPECT_EQ(*placed, (Volume{.id = "disk-1",
                             .kind = PoolKind::kLvm,
                             .pool = "pmemvgregion1",
                             .bytes = kGiB + 4 * kMiB}));
}

TEST(PlaceVolume, RefusesWhatFitsInNoSingleExtent) {
  const CapacityReport report = ReportOf({MakeDirectPool({{0, 2 * kGiB}, {4 * kGiB, 2 * kGiB}})});
  EXPECT_TRUE(absl::IsResourceExhausted(
      PlaceVolume(report, "disk-1", PoolKind::kDirect, {3 * kGiB, 0}, 0).status()));
  EXPECT_TRUE(PlaceVolume(report, "disk-1", PoolKind::kDirect, {2 * kGiB, 0}, 0).ok());
  EXPECT_EQ(CapacityOf(report, PoolKind::kDirect), (Capacity{.available_bytes = 4 * kGiB,
                                                             .volume_bytes_max = 2 * kGiB,
                                                             .volume_bytes_min = 16 * kMiB}));
}

// region1 would be chosen for its hole of 1 GiB, and the kernel would cut its large extent.
TEST(PlaceVolume, TakesTheRegionWhereTheKernelWastesLeast) {
  CapacityReport report = ReportOf(
      {MakeDirectPool({{0, 4 * kGiB}, {6 * kGiB, kGiB}}), MakeDirectPool({{0, 2 * kGiB}})});
  report.pools[0].id = "direct/region1";
  report.pools[1].id = "direct/region2";
  const auto pool_for = [&report](int64_t bytes) {
    return PlaceVolume(report, "disk-1", PoolKind::kDirect, {bytes, 0}, 0)->pool;
  };
  EXPECT_EQ(pool_for(kGiB), "region2");
  EXPECT_EQ(pool_for(2 * kGiB + 1), "region1");
  // What is too small for it the kernel passes over.
  report.pools[0].free_extents = {{0, 16 * kMiB}, {kGiB, kGiB}, {3 * kGiB, 4 * kGiB}};
  EXPECT_EQ(pool_for(kGiB), "region1");
}

TEST(PlaceVolume, RefusesARoundedSizePastTheLimit) {
  const CapacityReport report = ReportOf({MakeLvmPool(8 * kGiB)});
  EXPECT_TRUE(absl::IsOutOfRange(
      PlaceVolume(report, "disk-1", PoolKind::kLvm, {kGiB + 1, kGiB + 2}, 0).status()));
}

struct XfsCase {
  const char* name;
  PoolKind kind;
  int64_t requested_bytes;
  absl::StatusCode code = absl::StatusCode::kOk;
};

class XfsVolumeTest : public testing::TestWithParam<XfsCase> {};

// 16 MiB is the direct pool's step, 4 MiB the other's.
TEST_P(XfsVolumeTest, HasWhatMkfsWants) {
  const CapacityReport report = ReportOf({MakeDirectPool({{0, 2 * kGiB}}), MakeLvmPool(2 * kGiB)});
  const auto volume =
      PlaceVolume(report, "disk-1", GetParam().kind, {GetParam().requested_bytes, 0}, kXfsBytesMin);
  EXPECT_EQ(volume.status().code(), GetParam().code) << volume.status();
}

INSTANTIATE_TEST_SUITE_P(Sizes, XfsVolumeTest,
                         testing::Values(XfsCase{"Lvm_BelowTheLeast", PoolKind::kLvm,
                                                 300 * kMiB - 1, absl::StatusCode::kOutOfRange},
                                         XfsCase{"Lvm_TheLeast", PoolKind::kLvm, 300 * kMiB},
                                         XfsCase{"Direct_TheLeastOfLvm", PoolKind::kDirect,
                                                 300 * kMiB, absl::StatusCode::kOutOfRange},
                                         XfsCase{"Direct_TheLargestTooSmall", PoolKind::kDirect,
                                                 304 * kMiB, absl::StatusCode::kOutOfRange},
                                         XfsCase{"Direct_TheSmallestLargeEnough", PoolKind::kDirect,
                                                 304 * kMiB + 1}),
                         [](const auto& row) { return row.param.name; });

TEST(KindOf, IsTheParameterOrTheOnlyKindOfTheNode) {
  const CapacityReport lvm = ReportOf({MakeLvmPool(kGiB)});
  const CapacityReport both = ReportOf({MakeDirectPool({{0, kGiB}}), MakeLvmPool(kGiB)});
  EXPECT_EQ(*KindOf("direct", lvm), PoolKind::kDirect);
  EXPECT_EQ(*KindOf("", lvm), PoolKind::kLvm);
  EXPECT_TRUE(absl::IsInvalidArgument(KindOf("", both).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(KindOf("", ReportOf({})).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(KindOf("ssd", lvm).status()));
}

TEST(VolumesOf, ListsOursAlone) {
  const CapacityReport report = ReportOf(
      {MakeLvmPool(8 * kGiB, {{"by-hand", kGiB}, {"disk-2", kGiB}, {"new-disk-3", kGiB}})});
  ASSERT_EQ(VolumesOf(report).size(), 1u);
  EXPECT_EQ(VolumesOf(report).front().id, "disk-2");
  EXPECT_TRUE(absl::IsNotFound(FindVolume(report, "by-hand").status()));
}

TEST(FindVolume, TakesNeitherOfTwo) {
  const CapacityReport report =
      ReportOf({MakeLvmPool(8 * kGiB, {{"disk-1", kGiB}}, "pmemvgregion0"),
                MakeLvmPool(8 * kGiB, {{"disk-1", kGiB}, {"disk-2", kGiB}}, "pmemvgregion1")});
  EXPECT_EQ(FindVolume(report, "disk-1").status(),
            absl::FailedPreconditionError("volume disk-1 is there twice, in pmemvgregion0 and in "
                                          "pmemvgregion1: remove the one that its claim does not "
                                          "use"));
  EXPECT_TRUE(FindVolume(report, "disk-2").ok());
}

TEST(CheckGone, KnowsNothingOfWhatADisabledRegionHides) {
  CapacityReport report = ReportOf({MakeLvmPool(8 * kGiB), MakeDirectPool({{0, 2 * kGiB}})});
  EXPECT_TRUE(CheckGone(report, "", "disk-1").ok());
  PoolReport& region = report.pools.back();
  region.state = PoolState::kReadOnly;
  EXPECT_TRUE(CheckGone(report, "", "disk-1").ok());
  region.state = PoolState::kInactive;
  region.id = "direct/region1";
  report.errors = {{region.id, "the region is disabled"}};
  EXPECT_EQ(CheckGone(report, "", "disk-1"),
            absl::UnavailableError(
                "region1: the region is disabled: whether it holds disk-1 is not known"));
  EXPECT_TRUE(CheckGone(report, "", "by-hand").ok());
}

TEST(CheckGone, KnowsNothingOfWhatADisabledNamespaceHides) {
  const CapacityReport report = ReportOf({MakeLvmPool(8 * kGiB)});
  const char* const disabled = "region1: namespace1.0 (by-hand) is disabled";
  EXPECT_EQ(CheckGone(report, disabled, "disk-1"),
            absl::UnavailableError("region1: namespace1.0 (by-hand) is disabled: whether it holds "
                                   "disk-1 is not known"));
  EXPECT_TRUE(CheckGone(report, disabled, "by-hand").ok());
}

TEST(CheckSame, TellsAVolumeOfAnotherSizeOrKind) {
  const Volume volume = {.id = "disk-1", .kind = PoolKind::kLvm, .bytes = kGiB};
  EXPECT_TRUE(CheckSame(volume, PoolKind::kLvm, {kGiB - 1, 0}).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(CheckSame(volume, PoolKind::kLvm, {kGiB + 1, 0})));
  EXPECT_TRUE(absl::IsAlreadyExists(CheckSame(volume, PoolKind::kLvm, {1, kGiB - 1})));
  EXPECT_TRUE(absl::IsAlreadyExists(CheckSame(volume, PoolKind::kDirect, {kGiB, 0})));
}

TEST(GrownBytes, GrowsLvmAlone) {
  const CapacityReport report =
      ReportOf({MakeLvmPool(4 * kGiB, {{"disk-1", kGiB}}, "pmemvgregion0")});
  Volume volume = *FindVolume(report, "disk-1");
  EXPECT_EQ(*GrownBytes(report, volume, {kGiB - 1, 0}), kGiB);
  EXPECT_EQ(*GrownBytes(report, volume, {2 * kGiB - 1, 0}), 2 * kGiB);
  EXPECT_EQ(*GrownBytes(report, volume, {4 * kGiB, 0}), 4 * kGiB);
  EXPECT_TRUE(absl::IsResourceExhausted(GrownBytes(report, volume, {4 * kGiB + 1, 0}).status()));
  EXPECT_TRUE(
      absl::IsOutOfRange(GrownBytes(report, volume, {2 * kGiB - 1, 2 * kGiB - 1}).status()));
  volume.kind = PoolKind::kDirect;
  EXPECT_EQ(*GrownBytes(report, volume, {kGiB, 0}), kGiB);
  EXPECT_TRUE(absl::IsOutOfRange(GrownBytes(report, volume, {kGiB + 1, 0}).status()));
}

}  // namespace
}  // namespace pmem::driver
