// SPDX-License-Identifier: Apache-2.0
#include "common/pure/capacity_report.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/pure/units.h"

namespace pmem {
namespace {

CapacityReport FullReport() {
  return {
      .node = "n1",
      .boot_id = "b0",
      .generation = 42,
      .observed_at = absl::FromUnixMillis(1767323045678),
      .pools = {{.id = "direct/region1",
                 .kind = PoolKind::kDirect,
                 .total_bytes = 4 * kGiB,
                 .allocatable_bytes = 4 * kGiB,
                 .available_bytes = 3 * kGiB,
                 .volume_bytes_max = 2 * kGiB,
                 .alignment_bytes = 16 * kMiB,
                 .numa_node = 1,
                 .state = PoolState::kReadOnly,
                 .volumes = {{"disk-2", kGiB}},
                 .free_extents = {{0, kGiB}, {2 * kGiB, 2 * kGiB}},
                 .label_slots_free = 1022},
                {.id = "lvm/pmemvgregion0",
                 .kind = PoolKind::kLvm,
                 .total_bytes = 8 * kGiB,
                 .allocatable_bytes = 8 * kGiB,
                 .available_bytes = 7 * kGiB,
                 .volume_bytes_max = 7 * kGiB,
                 .alignment_bytes = 4 * kMiB,
                 .state = PoolState::kOk,
                 .thin = true,
                 .volumes = {{"disk-1", kGiB}}}},
      .errors = {{"lvm", "timed out"}},
  };
}

// The wire format of docs/protocol.md, to the byte.
constexpr char kFullJson[] =
    R"({"schema":1,"node":"n1","boot_id":"b0","generation":42,)"
    R"("observed_at":"2026-01-02T03:04:05.678Z","pools":[)"
    R"({"id":"direct/region1","kind":"direct","total_bytes":4294967296,)"
    R"("allocatable_bytes":4294967296,"available_bytes":3221225472,"max_volume_bytes":2147483648,)"
    R"("alignment_bytes":16777216,"numa_node":1,"state":"read_only",)"
    R"("volumes":[{"name":"disk-2","bytes":1073741824}],)"
    R"("free_extents":[{"offset_bytes":0,"bytes":1073741824},)"
    R"({"offset_bytes":2147483648,"bytes":2147483648}],"label_slots_free":1022},)"
    R"({"id":"lvm/pmemvgregion0","kind":"lvm","total_bytes":8589934592,)"
    R"("allocatable_bytes":8589934592,"available_bytes":7516192768,"max_volume_bytes":7516192768,)"
    R"("alignment_bytes":4194304,"state":"ok","thin":true,)"
    R"("volumes":[{"name":"disk-1","bytes":1073741824}]}],)"
    R"("errors":[{"source":"lvm","message":"timed out"}]})";

TEST(CapacityReport, IsWrittenByteForByte) {
  EXPECT_EQ(SerialiseCapacityReport(FullReport()), kFullJson);
}

TEST(CapacityReport, ParsesBackToItself) {
  const auto parsed = ParseCapacityReport(kFullJson);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, FullReport());
}

TEST(CapacityReport, EmptyReportParsesBackToItself) {
  const CapacityReport report = {
      .node = "n", .boot_id = "b", .observed_at = absl::FromUnixSeconds(0)};
  const auto parsed = ParseCapacityReport(SerialiseCapacityReport(report));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, report);
}

TEST(CapacityReport, EveryStateParsesBackToItself) {
  for (const PoolState state :
       {PoolState::kOk, PoolState::kInactive, PoolState::kReadOnly, PoolState::kLabelLess,
        PoolState::kUnhealthy, PoolState::kUnknown}) {
    EXPECT_EQ(PoolStateFromName(PoolStateName(state)), state);
  }
  EXPECT_EQ(PoolStateFromName("on_fire"), PoolState::kUnknown);
}

TEST(CapacityReport, UnknownMembersAndStatesOfANewerAgentAreTaken) {
  const std::string newer = absl::StrReplaceAll(
      kFullJson, {{R"("schema":1,)", R"("schema":1,"colour":{"deep":[1]},)"},
                  {R"("state":"ok",)", R"("state":"on_fire","wear_ratio":0.5,)"}});
  CapacityReport expected = FullReport();
  expected.pools[1].state = PoolState::kUnknown;
  const auto parsed = ParseCapacityReport(newer);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, expected);
}

TEST(CapacityReport, PartsAreSortedWhateverTheOrderSent) {
  CapacityReport mixed = FullReport();
  std::swap(mixed.pools[0], mixed.pools[1]);
  mixed.pools[0].volumes = {{"disk-9", 1}, {"disk-1", 2}};
  CapacityReport expected = FullReport();
  expected.pools[1].volumes = {{"disk-1", 2}, {"disk-9", 1}};
  EXPECT_EQ(*ParseCapacityReport(SerialiseCapacityReport(mixed)), expected);
}

TEST(CapacityReport, ContentIsEverythingButGenerationAndTime) {
  const CapacityReport report = FullReport();
  CapacityReport later = report;
  later.generation = 43;
  later.observed_at += absl::Seconds(60);
  EXPECT_TRUE(SameContent(report, later));
  later.errors.clear();
  EXPECT_FALSE(SameContent(report, later));
  later = report;
  later.pools[0].volumes[0].bytes += 1;
  EXPECT_FALSE(SameContent(report, later));
  later = report;
  later.boot_id = "b1";
  EXPECT_FALSE(SameContent(report, later));
}

TEST(CapacityReport, RoomOfUnknownPlaceIsOneExtent) {
  PoolReport pool = FullReport().pools[0];
  EXPECT_EQ(KnownFreeExtents(pool), pool.free_extents);
  pool.free_extents.clear();
  EXPECT_EQ(KnownFreeExtents(pool), (std::vector<FreeExtent>{{0, 2 * kGiB}}));
  pool.volume_bytes_max = 0;
  EXPECT_TRUE(KnownFreeExtents(pool).empty());
  EXPECT_TRUE(KnownFreeExtents(FullReport().pools[1]).empty());
}

struct RefusedCase {
  const char* name;
  const char* from;  // In kFullJson, replaced by `to`.
  std::string to;
  std::string message;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
  friend void PrintTo(const RefusedCase& c, std::ostream* out) { *out << c.name; }
};

class CapacityReportRefused : public testing::TestWithParam<RefusedCase> {};

TEST_P(CapacityReportRefused, NamesThePlace) {
  const RefusedCase& c = GetParam();
  const std::string text = absl::StrReplaceAll(kFullJson, {{c.from, c.to}});
  ASSERT_NE(text, kFullJson) << "the row changes nothing";
  EXPECT_EQ(ParseCapacityReport(text).status(), absl::Status(c.code, c.message));
}

std::string Repeated(const std::string& element, int64_t count) {
  std::string list = element;
  for (int64_t i = 1; i < count; ++i) absl::StrAppend(&list, ",", element);
  return list;
}

INSTANTIATE_TEST_SUITE_P(
    Values, CapacityReportRefused,
    testing::Values(
        RefusedCase{"OtherSchema", R"("schema":1)", R"("schema":2)", "schema: 2 is not in 1..1"},
        RefusedCase{"NoSchema", R"("schema":1,)", "", "schema: missing"},
        RefusedCase{"EmptyNode", R"("node":"n1")", R"("node":"")", "(root): node is empty"},
        RefusedCase{"NodeIsNumber", R"("node":"n1")", R"("node":1)", "node: 1 is not a string"},
        RefusedCase{"NoBootId", R"("boot_id":"b0",)", "", "boot_id: missing"},
        RefusedCase{"NegativeGeneration", R"("generation":42)", R"("generation":-1)",
                    "generation: -1 is not in 0..9223372036854775807"},
        RefusedCase{"NoSuchTime", "2026-01-02T", "2026-13-02T",
                    "(root): observed_at is not an RFC 3339 time"},
        RefusedCase{"InfiniteTime", "2026-01-02T03:04:05.678Z", "infinite-future",
                    "(root): observed_at is not an RFC 3339 time"},
        RefusedCase{"PoolsIsObject", R"("pools":[)", R"("pools":{},"x":[)",
                    "pools: an object is not an array"},
        RefusedCase{"PoolIsNumber", R"("pools":[)", R"("pools":[7,)",
                    "pools[0]: 7 is not an object"},
        RefusedCase{"UnknownKind", R"("kind":"lvm")", R"("kind":"zfs")",
                    "pools[1]: kind is neither lvm nor direct"},
        RefusedCase{"IdOfOtherKind", R"("id":"lvm/)", R"("id":"direct/)",
                    "pools[1]: id is not lvm/<name>"},
        RefusedCase{"IdWithoutName", "lvm/pmemvgregion0", "lvm/", "pools[1]: id is not lvm/<name>"},
        RefusedCase{"NegativeTotal", R"("total_bytes":8589934592)", R"("total_bytes":-1)",
                    "pools[1].total_bytes: -1 is not in 0..4611686018427387904"},
        RefusedCase{"TotalIsFraction", R"("total_bytes":8589934592)", R"("total_bytes":1.5)",
                    "pools[1].total_bytes: 1.5 is not an integer"},
        RefusedCase{"TotalBelowAllocatable", R"("total_bytes":8589934592)", R"("total_bytes":1)",
                    "pools[1]: allocatable_bytes above total_bytes"},
        RefusedCase{"AvailableAboveAllocatable", R"("available_bytes":7516192768)",
                    R"("available_bytes":8589934593)",
                    "pools[1]: available_bytes above allocatable_bytes"},
        RefusedCase{"MaxVolumeAboveAvailable", R"("max_volume_bytes":7516192768)",
                    R"("max_volume_bytes":7516192769)",
                    "pools[1]: max_volume_bytes above available_bytes"},
        RefusedCase{"ZeroAlignment", R"("alignment_bytes":4194304)", R"("alignment_bytes":0)",
                    "pools[1].alignment_bytes: 0 is not in 1..1099511627776"},
        RefusedCase{"AlignmentBeyondReason", R"("alignment_bytes":4194304)",
                    R"("alignment_bytes":1099511627777)",
                    "pools[1].alignment_bytes: 1099511627777 is not in 1..1099511627776"},
        RefusedCase{"LabelSlotsBeyondReason", R"("label_slots_free":1022)",
                    R"("label_slots_free":4294967297)",
                    "pools[0].label_slots_free: 4294967297 is not in 0..4294967296"},
        RefusedCase{"ExtentBeyondAllNumbers", R"("offset_bytes":2147483648,"bytes":2147483648)",
                    R"("offset_bytes":4611686018427387904,"bytes":4611686018427387904)",
                    "pools[0].free_extents[1]: ends beyond total_bytes"},
        RefusedCase{"NegativeNuma", R"("numa_node":1)", R"("numa_node":-1)",
                    "pools[0].numa_node: -1 is not in 0..2147483647"},
        RefusedCase{"VolumeWithoutBytes", R"("name":"disk-1","bytes":1073741824)",
                    R"("name":"disk-1")", "pools[1].volumes[0].bytes: missing"},
        RefusedCase{"VolumeNameEmpty", R"("name":"disk-1")", R"("name":"")",
                    "pools[1].volumes[0]: name is empty"},
        RefusedCase{"ExtentsOverlap", R"("offset_bytes":2147483648)", R"("offset_bytes":1)",
                    "pools[0].free_extents[1]: overlaps or is out of order"},
        RefusedCase{"ExtentBeyondTotal", R"("offset_bytes":2147483648)",
                    R"("offset_bytes":2147483649)",
                    "pools[0].free_extents[1]: ends beyond total_bytes"},
        RefusedCase{"ExtentEmpty", R"("offset_bytes":0,"bytes":1073741824)",
                    R"("offset_bytes":0,"bytes":0)",
                    "pools[0].free_extents[0].bytes: 0 is not in 1..4611686018427387904"},
        RefusedCase{"SamePoolTwice", R"("pools":[)",
                    R"("pools":[{"id":"direct/region1","kind":"direct","total_bytes":0,)"
                    R"("allocatable_bytes":0,"available_bytes":0,"max_volume_bytes":0,)"
                    R"("alignment_bytes":1,"state":"ok"},)",
                    "pools: direct/region1 is listed twice"},
        RefusedCase{"ErrorWithoutSource", R"("source":"lvm",)", "", "errors[0].source: missing"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Limits, CapacityReportRefused,
    testing::Values(
        RefusedCase{"PoolsMax", R"("pools":[)",
                    R"("pools":[)" + Repeated("{}", kReportPoolsMax - 1) + ",",
                    "pools: 257 elements, at most 256", absl::StatusCode::kResourceExhausted},
        RefusedCase{"VolumesMax", R"("volumes":[{"name":"disk-1")",
                    R"("volumes":[)" + Repeated("0", kReportVolumesMax) + R"(,{"name":"disk-1")",
                    "pools[1].volumes: 16385 elements, at most 16384",
                    absl::StatusCode::kResourceExhausted},
        RefusedCase{"ExtentsMax", R"("free_extents":[)",
                    R"("free_extents":[)" + Repeated("0", kReportExtentsMax - 1) + ",",
                    "pools[0].free_extents: 16385 elements, at most 16384",
                    absl::StatusCode::kResourceExhausted},
        RefusedCase{"ErrorsMax", R"("errors":[)",
                    R"("errors":[)" + Repeated("0", kReportErrorsMax) + ",",
                    "errors: 257 elements, at most 256", absl::StatusCode::kResourceExhausted},
        RefusedCase{"NameBytesMax", R"("node":"n1")",
                    R"("node":")" + std::string(kReportNameBytesMax + 1, 'n') + "\"",
                    "node: 257 bytes, at most 256", absl::StatusCode::kResourceExhausted},
        RefusedCase{"MessageBytesMax", R"("message":"timed out")",
                    R"("message":")" + std::string(kReportMessageBytesMax + 1, 'n') + "\"",
                    "errors[0].message: 4097 bytes, at most 4096",
                    absl::StatusCode::kResourceExhausted},
        RefusedCase{"ReportBytesMax", R"({"schema":1)",
                    std::string(kReportBytesMax, ' ') + R"({"schema":1)",
                    "JSON of 8389410 bytes, at most 8388608",
                    absl::StatusCode::kResourceExhausted}),
    [](const auto& row) { return row.param.name; });

TEST(CapacityReport, EveryTruncationIsRefused) {
  const std::string whole = kFullJson;
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(ParseCapacityReport(whole.substr(0, length)).ok()) << length;
  }
}

}  // namespace
}  // namespace pmem
