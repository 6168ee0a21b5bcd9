// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/lvm_parse.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_replace.h"
#include "common/pure/units.h"
#include "tests/support/source_path.h"

namespace pmem::agent {
namespace {

std::string Captured(const std::string& name) {
  std::ifstream file(SourcePath("tests/testdata/lvm/" + name));
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

VolumeGroup LinearGroup() {
  return {.name = "pmemvgregion0",
          .total_bytes = 1000 * kMiB,
          .available_bytes = 808 * kMiB,
          .extent_bytes = 4 * kMiB,
          .block_devices = {"pmem0", "pmem0.1"},
          .volumes = {{"by-hand", 64 * kMiB},
                      {"disk-0f6a1e22-5a0e-4f39-9d3c-0c50c2b9f0d1", 128 * kMiB}}};
}

VolumeGroup ThinGroup(int64_t pool_available_bytes) {
  return {.name = "pmemvgregion1",
          .total_bytes = 500 * kMiB,
          .available_bytes = 236 * kMiB,
          .extent_bytes = 4 * kMiB,
          .block_devices = {"pmem0.2"},
          .volumes = {{"pool0", 256 * kMiB}},
          .thin_pools = {{.name = "pool0",
                          .total_bytes = 256 * kMiB,
                          .available_bytes = pool_available_bytes,
                          .volumes = {{"disk-5a0e1e22-0f6a-4f39-9d3c-0c50c2b9f0d2", kGiB}}}}};
}

VolumeGroup ForeignGroup() {
  return {.name = "other",
          .total_bytes = 500 * kMiB,
          .available_bytes = 500 * kMiB,
          .extent_bytes = 4 * kMiB,
          .block_devices = {"pmem0.3"}};
}

TEST(LvmParse, LinearVolumesAndThinPoolsAreToldApart) {
  const auto groups = ParseLvmReport(Captured("linear-and-thin.json"));
  ASSERT_TRUE(groups.ok()) << groups.status();
  // A ten-thousandth of 256 MiB is not whole: what is free is rounded down.
  const std::vector<VolumeGroup> expected = {ForeignGroup(), LinearGroup(), ThinGroup(268430000)};
  EXPECT_EQ(*groups, expected);
}

TEST(LvmParse, FreeSpaceThatMayNotBeUsedDoesNotCount) {
  const auto groups = ParseLvmReport(Captured("exported-and-unallocatable.json"));
  ASSERT_TRUE(groups.ok()) << groups.status();
  VolumeGroup exported = ForeignGroup();
  exported.condition = {PoolState::kInactive, "the VolumeGroup is exported"};
  VolumeGroup unallocatable = LinearGroup();
  unallocatable.available_bytes = 500 * kMiB;
  // 15.62 % used.
  const std::vector<VolumeGroup> expected = {exported, unallocatable, ThinGroup(226501234)};
  EXPECT_EQ(*groups, expected);
}

TEST(LvmParse, AMissingPhysicalVolumeMakesItsGroupUnhealthy) {
  const auto groups = ParseLvmReport(Captured("partial.json"));
  ASSERT_TRUE(groups.ok()) << groups.status();
  VolumeGroup partial = LinearGroup();
  partial.condition = {PoolState::kUnhealthy, "a physical volume is missing"};
  partial.available_bytes = 500 * kMiB;
  partial.block_devices = {"pmem0.1"};
  const std::vector<VolumeGroup> expected = {partial, ThinGroup(226501234)};
  EXPECT_EQ(*groups, expected);
}

TEST(LvmParse, AnInactiveThinPoolIsUnknownAndAnOrphanIsNoGroup) {
  const auto groups = ParseLvmReport(Captured("inactive-pool-and-orphan.json"));
  ASSERT_TRUE(groups.ok()) << groups.status();
  ASSERT_EQ(groups->size(), 1u);
  const std::vector<ThinPool> expected = {
      {.name = "tp",
       .total_bytes = 32 * kMiB,
       .condition = {PoolState::kInactive, "the thin pool is not active"}}};
  EXPECT_EQ(groups->front().thin_pools, expected);
  EXPECT_EQ(groups->front().available_bytes, 444 * kMiB);
}

TEST(LvmParse, NothingFoundIsAnEmptyList) {
  const auto groups = ParseLvmReport("  {\n      \"report\": [\n      ]\n  }\n");
  ASSERT_TRUE(groups.ok()) << groups.status();
  EXPECT_TRUE(groups->empty());
}

constexpr char kOne[] =
    R"({"report":[{"vg":[{"vg_name":"v","vg_attr":"wz--n-","vg_size":"8","vg_extent_size":"4"}],)"
    R"("pv":[{"pv_name":"/dev/pmem0","pv_attr":"a--","pv_free":"4"}],)"
    R"("lv":[{"lv_name":"l","lv_attr":"-wi-a-----","lv_size":"4","pool_lv":"","data_percent":""}]}]})";

TEST(LvmParse, AVolumeGroupWithoutWritePermissionIsReadOnly) {
  const auto groups = ParseLvmReport(absl::StrReplaceAll(kOne, {{"wz--n-", "rz--n-"}}));
  ASSERT_TRUE(groups.ok()) << groups.status();
  EXPECT_EQ(groups->front().condition,
            (Condition{PoolState::kReadOnly, "the VolumeGroup is read-only"}));
}

TEST(LvmParse, AVolumeWithSnapshotsIsKnown) {
  for (const char* const attributes : {"owi-aos---", "Owi-aos---"}) {
    const auto groups = ParseLvmReport(absl::StrReplaceAll(kOne, {{"-wi-a-----", attributes}}));
    ASSERT_TRUE(groups.ok()) << groups.status();
    EXPECT_EQ(groups->front().origins, std::vector<std::string>{"l"});
    EXPECT_EQ(groups->front().volumes.size(), 1u);
  }
}

struct RefusedCase {
  const char* name;
  std::string from;  // In kOne, replaced by `to`.
  std::string to;
  std::string message;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
  friend void PrintTo(const RefusedCase& c, std::ostream* out) { *out << c.name; }
};

class LvmParseRefused : public testing::TestWithParam<RefusedCase> {};

TEST_P(LvmParseRefused, NamesThePlace) {
  const RefusedCase& c = GetParam();
  const std::string text = absl::StrReplaceAll(kOne, {{c.from, c.to}});
  ASSERT_NE(text, kOne) << "the row changes nothing";
  EXPECT_EQ(ParseLvmReport(text).status(), absl::Status(c.code, c.message));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, LvmParseRefused,
    testing::Values(
        RefusedCase{"EmptyObject", kOne, "{\n  }\n", "report: missing"},
        RefusedCase{"Nothing", kOne, "", "not JSON at byte 1"},
        RefusedCase{"MessageInside", R"("pv":)", "  WARNING: x\n\"pv\":", "not JSON at byte 92"},
        RefusedCase{"NoPhysicalVolumes", R"("pv":)", R"("pvs":)", "report[0].pv: missing"},
        RefusedCase{"NoLogicalVolumes", R"("lv":)", R"("lvs":)", "report[0].lv: missing"},
        RefusedCase{"NumberInsteadOfText", R"("vg_size":"8")", R"("vg_size":8)",
                    "report[0].vg[0].vg_size: 8 is not a string"},
        RefusedCase{"Unit", R"("vg_size":"8")", R"("vg_size":"8B")",
                    "report[0].vg[0].vg_size: \"8B\" is not a number of bytes"},
        RefusedCase{"NegativeSize", R"("lv_size":"4")", R"("lv_size":"-4")",
                    "report[0].lv[0].lv_size: \"-4\" is not a number of bytes"},
        RefusedCase{"EmptySize", R"("pv_free":"4")", R"("pv_free":"")",
                    "report[0].pv[0].pv_free: \"\" is not a number of bytes"},
        RefusedCase{"HugeSize", R"("vg_size":"8")", R"("vg_size":"99999999999999999999")",
                    "report[0].vg[0].vg_size: \"99999999999999999999\" is not a number of bytes"},
        RefusedCase{"SizeAboveLimit", R"("vg_size":"8")", R"("vg_size":"4611686018427387905")",
                    "report[0].vg[0].vg_size: \"4611686018427387905\" is not a number of bytes"},
        RefusedCase{"ZeroExtent", R"("vg_extent_size":"4")", R"("vg_extent_size":"0")",
                    "report[0].vg[0]: vg_extent_size is 0"},
        RefusedCase{"ShortAttributes", "wz--n-", "wz", "report[0].vg[0]: vg_attr is too short"},
        RefusedCase{"EmptyVolumeAttributes", "-wi-a-----", "",
                    "report[0].lv[0]: lv_attr is too short"},
        RefusedCase{"EmptyName", R"("lv_name":"l")", R"("lv_name":"")",
                    "report[0].lv[0]: lv_name is empty"},
        RefusedCase{"ThinVolumeOfNoPool", "-wi-a-----", "Vwi-a-tz--",
                    "report[0].lv[0]: pool_lv is empty"},
        RefusedCase{"TwoGroupsInOne", R"("vg":[)", R"("vg":[{},)",
                    "report[0].vg: 2 elements, at most 1", absl::StatusCode::kResourceExhausted},
        RefusedCase{
            "TooMuch", R"({"report")", std::string(kLvmOutputBytesMax, ' ') + R"({"report")",
            "JSON of 16777460 bytes, at most 16777216", absl::StatusCode::kResourceExhausted}),
    [](const auto& row) { return row.param.name; });

TEST(LvmParse, EveryTruncationIsRefused) {
  const std::string whole = kOne;
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ParseLvmReport(whole.substr(0, length)).ok()) << length;
  }
}

TEST(LvmParse, TheReportIsAskedForInBytesWithoutUnits) {
  const std::vector<std::string> arguments = LvmReportArguments();
  EXPECT_EQ(arguments.front(), "fullreport");
  for (const char* wanted : {"json", "b", "--nosuffix"}) {
    EXPECT_NE(std::find(arguments.begin(), arguments.end(), wanted), arguments.end()) << wanted;
  }
}

}  // namespace
}  // namespace pmem::agent
