// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/simulated_parse.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

// The example of docs/protocol.md.
constexpr char kExample[] =
    R"({"volume_groups":[{"name":"pmemvgregion0","size_bytes":1649267441664,)"
    R"("extent_size_bytes":4194304,"numa_node":0,)"
    R"("volumes":[{"name":"disk-1","size_bytes":10737418240}]}],)"
    R"("regions":[{"name":"region1","size_bytes":824633720832,"align_bytes":16777216,)"
    R"("numa_node":1,"label_slots":1023,)"
    R"("namespaces":[{"name":"disk-2","offset_bytes":0,"size_bytes":9663676416,"mode":"fsdax"}]}]})";

TEST(SimulatedParse, TheDocumentedExampleIsRead) {
  const auto devices = ParseSimulatedDevices(kExample);
  ASSERT_TRUE(devices.ok()) << devices.status();
  const DeviceState expected = {.regions = {{.name = "region1",
                                             .total_bytes = 768 * kGiB,
                                             .alignment_bytes = 16 * kMiB,
                                             .numa_node = 1,
                                             .label_slots_free = 1022,
                                             .nvdimm_namespaces = {{.device_name = "disk-2",
                                                                    .alt_name = "disk-2",
                                                                    .bytes = 9 * kGiB,
                                                                    .offset_bytes = 0}}}},
                                .volume_groups = {{.name = "pmemvgregion0",
                                                   .total_bytes = 1536 * kGiB,
                                                   .available_bytes = 1526 * kGiB,
                                                   .extent_bytes = 4 * kMiB,
                                                   .numa_node = 0,
                                                   .volumes = {{"disk-1", 10 * kGiB}}}}};
  EXPECT_EQ(*devices, expected);
}

TEST(SimulatedParse, EverythingButNameAndSizeHasADefault) {
  const auto devices = ParseSimulatedDevices(
      R"({"volume_groups":[{"name":"v","size_bytes":9000000,"volumes":[{"name":"a","size_bytes":1}]}],
          "regions":[{"name":"r","size_bytes":100,"numa_node":-1,"wear":0.5}]})");
  ASSERT_TRUE(devices.ok()) << devices.status();
  const DeviceState expected = {
      .regions = {{.name = "r", .total_bytes = 100, .alignment_bytes = 16 * kMiB}},
      .volume_groups = {{.name = "v",
                         .total_bytes = 8 * kMiB,
                         .available_bytes = 4 * kMiB,
                         .extent_bytes = 4 * kMiB,
                         .volumes = {{"a", 4 * kMiB}}}}};
  EXPECT_EQ(*devices, expected);
}

TEST(SimulatedParse, NoDevicesAtAllAreNoError) {
  const auto devices = ParseSimulatedDevices("{}");
  ASSERT_TRUE(devices.ok()) << devices.status();
  EXPECT_EQ(*devices, DeviceState());
}

TEST(SimulatedParse, ABrokenPoolCanBePlayed) {
  const auto devices = ParseSimulatedDevices(absl::StrReplaceAll(
      kExample,
      {{R"("numa_node":1)", R"("state":"read_only")"}, {R"("numa_node":0)", R"("state":"ok")"}}));
  ASSERT_TRUE(devices.ok()) << devices.status();
  EXPECT_EQ(devices->regions[0].condition,
            (Condition{PoolState::kReadOnly, "simulated as read_only"}));
  EXPECT_EQ(devices->volume_groups[0].condition, Condition());
}

struct RefusedCase {
  const char* name;
  std::string from;  // In kExample, replaced by `to`.
  std::string to;
  std::string message;
  friend void PrintTo(const RefusedCase& c, std::ostream* out) { *out << c.name; }
};

class SimulatedParseRefused : public testing::TestWithParam<RefusedCase> {};

TEST_P(SimulatedParseRefused, NamesThePlace) {
  const RefusedCase& c = GetParam();
  const std::string text = absl::StrReplaceAll(kExample, {{c.from, c.to}});
  ASSERT_NE(text, kExample) << "the row changes nothing";
  EXPECT_EQ(ParseSimulatedDevices(text).status(), absl::InvalidArgumentError(c.message));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, SimulatedParseRefused,
    testing::Values(
        RefusedCase{"Empty", kExample, "", "not JSON at byte 1"},
        RefusedCase{"Garbage", R"({"volume_groups")", "garbage", "not JSON at byte 1"},
        RefusedCase{"RootIsArray", kExample, "[]", "(root): an array is not an object"},
        RefusedCase{"GroupsAreObject", R"("volume_groups":[)", R"("volume_groups":{},"x":[)",
                    "volume_groups: an object is not an array"},
        RefusedCase{"NoGroupName", R"("name":"pmemvgregion0",)", "",
                    "volume_groups[0].name: missing"},
        RefusedCase{"EmptyVolumeName", R"("name":"disk-1")", R"("name":"")",
                    "volume_groups[0].volumes[0]: name is empty"},
        RefusedCase{"LongName", R"("name":"disk-1")", R"("name":")" + std::string(257, 'x') + "\"",
                    "volume_groups[0].volumes[0]: name of 257 bytes, at most 256"},
        RefusedCase{"NegativeSize", R"("size_bytes":10737418240)", R"("size_bytes":-1)",
                    "volume_groups[0].volumes[0].size_bytes: -1 is not in 1..4611686018427387904"},
        RefusedCase{"ZeroRegion", R"("size_bytes":824633720832)", R"("size_bytes":0)",
                    "regions[0].size_bytes: 0 is not in 1..4611686018427387904"},
        RefusedCase{"SizeIsText", R"("size_bytes":10737418240)", R"("size_bytes":"10Gi")",
                    "volume_groups[0].volumes[0].size_bytes: \"10Gi\" is not an integer"},
        RefusedCase{"ZeroExtent", R"("extent_size_bytes":4194304)", R"("extent_size_bytes":0)",
                    "volume_groups[0].extent_size_bytes: 0 is not in 1..1099511627776"},
        RefusedCase{"GroupOverfull", R"("size_bytes":1649267441664)", R"("size_bytes":8388608)",
                    "volume_groups[0]: volumes of 10737418240 bytes in a VolumeGroup of 8388608"},
        RefusedCase{"SameVolumeTwice", R"("volumes":[)",
                    R"("volumes":[{"name":"disk-1","size_bytes":1},)",
                    "volume_groups[0].volumes[1]: name disk-1 is there twice"},
        RefusedCase{"SameRegionTwice", R"("regions":[)",
                    R"("regions":[{"name":"region1","size_bytes":1},)",
                    "regions[1]: name region1 is there twice"},
        RefusedCase{"NoOffset", R"("offset_bytes":0,)", "",
                    "regions[0].namespaces[0].offset_bytes: missing"},
        RefusedCase{"BeyondTheRegion", R"("offset_bytes":0)", R"("offset_bytes":814970044417)",
                    "regions[0]: namespaces overlap or reach beyond the region"},
        RefusedCase{"Overlap", R"("namespaces":[)",
                    R"("namespaces":[{"name":"o","offset_bytes":9663676415,"size_bytes":1},)",
                    "regions[0]: namespaces overlap or reach beyond the region"},
        RefusedCase{"UnknownMode", "fsdax", "fast",
                    "regions[0].namespaces[0]: mode fast is none of fsdax, devdax, sector, raw"},
        RefusedCase{"TooFewLabelSlots", R"("label_slots":1023)", R"("label_slots":0)",
                    "regions[0]: 1 namespaces with 0 label slots"},
        RefusedCase{"UnknownState", R"("numa_node":0)", R"("state":"sad")",
                    "volume_groups[0]: state sad is not known"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace pmem::agent
