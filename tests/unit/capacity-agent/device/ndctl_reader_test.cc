// SPDX-License-Identifier: Apache-2.0
// libndctl on six captured /sys trees, against what ndctl and the kernel said when they were
// captured.
#include "capacity-agent/device/ndctl_reader.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "capacity-agent/core/lvm_parse.h"
#include "capacity-agent/core/report_builder.h"
#include "capacity-agent/device/command.h"
#include "common/io/files.h"
#include "common/pure/json_reader.h"
#include "common/pure/units.h"
#include "tests/support/source_path.h"

namespace pmem::agent {
namespace {

constexpr int64_t kGoldenBytesMax = 1024 * 1024;
// Thousands of small files, on a disk that others may keep busy.
constexpr absl::Duration kUnpackTimeout = absl::Minutes(2);

std::string Unpack() {
  std::string directory = testing::TempDir() + "/nvdimm-sysfs-XXXXXX";
  EXPECT_NE(mkdtemp(directory.data()), nullptr);
  CommandRunner runner;
  const auto result = runner.Run(
      {.arguments = {"tar", "-xzf", SourcePath("tests/testdata/nvdimm-sysfs/captures.tar.gz"), "-C",
                     directory},
       .timeout = kUnpackTimeout});
  EXPECT_TRUE(result.ok()) << result.status();
  if (result.ok()) {
    EXPECT_EQ(result->exit_status, 0) << result->messages;
  }
  return directory;
}

// Why this process cannot have a /sys of its own; empty when it has.
std::string EnterMountNamespace() {
  const int flags = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
  if (unshare(flags) != 0) return absl::StrCat("unshare: ", std::strerror(errno));
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return absl::StrCat("mount: ", std::strerror(errno));
  }
  return "";
}

class CapturedSys : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() {
    root_ = Unpack();
    obstacle_ = EnterMountNamespace();
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(root_); }

  void SetUp() override {
    if (!obstacle_.empty()) GTEST_SKIP() << "no mount namespace of its own: " << obstacle_;
    const std::string sys = Path("sys");
    ASSERT_EQ(mount(sys.c_str(), "/sys", nullptr, MS_BIND | MS_REC, nullptr), 0)
        << std::strerror(errno);
    is_mounted_ = true;
  }
  void TearDown() override {
    if (is_mounted_) umount2("/sys", MNT_DETACH);
  }

  std::string Path(const std::string& name) const {
    return absl::StrCat(root_, "/", GetParam(), "/", name);
  }
  std::string RegionPath(const std::string& name) const {
    return Path("sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/" + name);
  }
  std::string Golden(const std::string& name) const {
    const auto text = ReadFile(Path(name), kGoldenBytesMax);
    EXPECT_TRUE(text.ok()) << text.status();
    return text.value_or("");
  }
  std::vector<Region> GoldenRegions() const;
  void AddGoldenNamespaces(const JsonValue& golden, Region* region) const;
  int64_t GoldenNumber(std::string_view line_start, std::string_view field) const;
  int64_t GoldenStart(const std::string& device) const;
  std::vector<VolumeGroup> GoldenVolumeGroups() const;

 private:
  inline static std::string root_;
  inline static std::string obstacle_;
  bool is_mounted_ = false;
};

// "field=123" in the line of ndenum.txt that starts with `line_start`.
int64_t CapturedSys::GoldenNumber(std::string_view line_start, std::string_view field) const {
  for (const absl::string_view line : absl::StrSplit(Golden("ndenum.txt"), '\n')) {
    const std::string text(absl::StripLeadingAsciiWhitespace(line));
    if (!text.starts_with(std::string(line_start) + " ")) continue;
    const std::string key = absl::StrCat(" ", std::string(field), "=");
    const size_t at = text.find(key);
    if (at == text.npos) break;
    const std::string value = text.substr(at + key.size());
    int64_t number = 0;
    EXPECT_TRUE(absl::SimpleAtoi(value.substr(0, value.find(' ')), &number)) << text;
    return number;
  }
  ADD_FAILURE() << "no " << field << " of " << line_start;
  return -1;
}

// First address of a device in /proc/iomem.
int64_t CapturedSys::GoldenStart(const std::string& device) const {
  for (const absl::string_view line : absl::StrSplit(Golden("iomem"), '\n')) {
    if (!absl::EndsWith(line, " : " + device)) continue;
    const std::string text(absl::StripLeadingAsciiWhitespace(line));
    return static_cast<int64_t>(std::stoull(text, nullptr, 16));
  }
  return -1;
}

void CapturedSys::AddGoldenNamespaces(const JsonValue& golden, Region* region) const {
  // Regions of these machines follow each other from 4 GiB on, without gaps, in order of their
  // number.
  const auto rows = golden.OptionalArray("namespaces");
  for (const JsonValue& row : *rows) {
    if (*row.Int("size") == 0) continue;
    NvdimmNamespace expected;
    expected.device_name = *row.String("dev");
    expected.alt_name = row.OptionalString("name")->value_or("");
    expected.block_device = row.OptionalString("blockdev")->value_or("");
    expected.is_disabled = row.OptionalString("state")->value_or("") == "disabled";
    expected.bytes = GoldenNumber("ns " + expected.device_name, "raw_size");
    const int64_t start = GoldenStart(expected.device_name);
    const int64_t region_start = 4 * kGiB * (1 + (region->name.back() - '0'));
    // A disabled namespace has no line there; the one of these captures is the first of its region.
    expected.offset_bytes = start >= 0 ? start - region_start : 0;
    region->nvdimm_namespaces.push_back(expected);
  }
  std::sort(region->nvdimm_namespaces.begin(), region->nvdimm_namespaces.end(),
            [](const auto& a, const auto& b) { return a.device_name < b.device_name; });
}

std::vector<Region> CapturedSys::GoldenRegions() const {
  const auto document = JsonDocument::Parse(Golden("ndctl-list-BDRNivvv.json"));
  EXPECT_TRUE(document.ok()) << document.status();
  std::vector<Region> regions;
  const auto buses = document->root().AsArray();
  const auto rows = buses->at(0).Array("regions");
  for (const JsonValue& row : *rows) {
    Region region = {.name = *row.String("dev"),
                     .total_bytes = *row.Int("size"),
                     .available_bytes = *row.Int("available_size"),
                     .extent_bytes_max = *row.Int("max_available_extent"),
                     .alignment_bytes = *row.Int("align"),
                     .numa_node = static_cast<int>(*row.Int("numa_node"))};
    const auto mappings = row.Array("mappings");
    const std::string dimm = *mappings->at(0).String("dimm");
    region.label_slots_free = GoldenNumber("dimm " + dimm, "avail_labels");
    AddGoldenNamespaces(row, &region);
    regions.push_back(region);
  }
  std::sort(regions.begin(), regions.end(),
            [](const Region& a, const Region& b) { return a.name < b.name; });
  return regions;
}

// The rows of one of the LVM files.
std::vector<JsonValue> Rows(const JsonDocument& document, const std::string& kind) {
  const auto reports = document.root().Array("report");
  return *reports->at(0).Array(kind);
}

// The captured vgs, pvs and lvs put together as one report of LVM.
std::vector<VolumeGroup> CapturedSys::GoldenVolumeGroups() const {
  const JsonDocument groups = *JsonDocument::Parse(Golden("vgs.json"));
  const JsonDocument physical = *JsonDocument::Parse(Golden("pvs.json"));
  const JsonDocument logical = *JsonDocument::Parse(Golden("lvs.json"));
  if (Rows(groups, "vg").empty()) return {};
  const auto join = [](const JsonDocument& document, const std::string& kind) {
    return absl::StrJoin(Rows(document, kind), ",",
                         [](std::string* out, const JsonValue& row) { out->append(row.Dump()); });
  };
  const auto parsed = ParseLvmReport(absl::StrCat(R"({"report":[{"vg":[)", join(groups, "vg"),
                                                  R"(],"pv":[)", join(physical, "pv"),
                                                  R"(],"lv":[)", join(logical, "lv"), "]}]}"));
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.value_or(std::vector<VolumeGroup>());
}

Condition ExpectedCondition(const std::string& situation, const std::string& region) {
  if (situation == "1-labelless") {
    return {PoolState::kLabelLess, "the NVDIMMs of the region have no namespace labels"};
  }
  if (situation == "5-disabled-region" && region == "region1") {
    return {PoolState::kInactive, "the region is disabled"};
  }
  if (situation[0] == '6' && region == "region3") {
    return {PoolState::kReadOnly,
            "the region is read-only; nmem3: not armed to save on power loss"};
  }
  return {};
}

TEST_P(CapturedSys, ReadsWhatNdctlAndTheKernelSaid) {
  std::vector<Region> expected = GoldenRegions();
  for (Region& region : expected) {
    region.condition = ExpectedCondition(GetParam(), region.name);
    if (region.condition.state == PoolState::kLabelLess) region.label_slots_free.reset();
  }
  const auto devices = NdctlReader().Read();
  ASSERT_TRUE(devices.ok()) << devices.status();
  ASSERT_EQ(devices->regions.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    SCOPED_TRACE(expected[i].name);
    const Region& region = devices->regions[i];
    // One by one where a difference is to be seen, then all.
    EXPECT_EQ(region.condition.trouble, expected[i].condition.trouble);
    EXPECT_EQ(region.label_slots_free, expected[i].label_slots_free);
    ASSERT_EQ(region.nvdimm_namespaces.size(), expected[i].nvdimm_namespaces.size());
    for (size_t n = 0; n < region.nvdimm_namespaces.size(); ++n) {
      EXPECT_EQ(region.nvdimm_namespaces[n].offset_bytes,
                expected[i].nvdimm_namespaces[n].offset_bytes);
      EXPECT_EQ(region.nvdimm_namespaces[n].block_device,
                expected[i].nvdimm_namespaces[n].block_device);
    }
    EXPECT_EQ(region, expected[i]);
  }
}

TEST_P(CapturedSys, TheReportHasTheNumbersOfNdctl) {
  const auto devices = NdctlReader().Read();
  ASSERT_TRUE(devices.ok()) << devices.status();
  Reading reading = {.devices = *devices, .observed_at = absl::FromUnixSeconds(0)};
  reading.devices.volume_groups = GoldenVolumeGroups();
  const BuilderOptions options = {.node = "n",
                                  .boot_id = "b",
                                  .volume_groups = NamePatterns("pmemvgregion*"),
                                  .regions = NamePatterns("*")};
  const CapacityReport report = BuildReport(options, reading, nullptr);
  std::map<std::string, const PoolReport*> pools;
  for (const PoolReport& pool : report.pools) pools[pool.id] = &pool;
  for (const Region& golden : GoldenRegions()) {
    SCOPED_TRACE(golden.name);
    const bool is_full_of_our_group =
        !reading.devices.volume_groups.empty() && golden.name == "region0";
    ASSERT_EQ(pools.count("direct/" + golden.name), is_full_of_our_group ? 0u : 1u);
    if (is_full_of_our_group) continue;
    const PoolReport& pool = *pools["direct/" + golden.name];
    EXPECT_EQ(pool.total_bytes, golden.total_bytes);
    EXPECT_EQ(pool.available_bytes, *golden.available_bytes);
    const bool is_ok = pool.state == PoolState::kOk;
    EXPECT_EQ(pool.volume_bytes_max, is_ok ? *golden.extent_bytes_max : 0);
    EXPECT_EQ(pool.state, ExpectedCondition(GetParam(), golden.name).state);
  }
  EXPECT_TRUE(ParseCapacityReport(SerialiseCapacityReport(report)).ok());
}

INSTANTIATE_TEST_SUITE_P(Six, CapturedSys,
                         testing::Values("1-labelless", "2-empty-labels", "3-lvm-and-mixed",
                                         "4-disabled-namespace", "5-disabled-region",
                                         "6-four-regions-numa-memctrl-unarmed"),
                         [](const auto& row) {
                           std::string name = row.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

class MixedSys : public CapturedSys {};

TEST_P(MixedSys, TheHoleIsTheFirstFreeExtent) {
  const auto devices = NdctlReader().Read();
  ASSERT_TRUE(devices.ok()) << devices.status();
  const CapacityReport report =
      BuildReport({.node = "n", .boot_id = "b", .regions = NamePatterns("region1")},
                  {.devices = *devices}, nullptr);
  ASSERT_EQ(report.pools.size(), 1u);
  EXPECT_EQ(report.pools[0].free_extents,
            (std::vector<FreeExtent>{{256 * kMiB, 256 * kMiB}, {960 * kMiB, 3136 * kMiB}}));
  EXPECT_EQ(report.pools[0].volumes, (std::vector<VolumeReport>{{"fifth", 64 * kMiB},
                                                                {"first", 256 * kMiB},
                                                                {"fourth", 128 * kMiB},
                                                                {"third", 256 * kMiB}}));
}

TEST_P(MixedSys, TheVolumeGroupHasTheNumbersOfVgsAndLvs) {
  Reading reading = {.devices = *NdctlReader().Read()};
  reading.devices.volume_groups = GoldenVolumeGroups();
  const CapacityReport report =
      BuildReport({.node = "n", .boot_id = "b", .volume_groups = NamePatterns("pmemvgregion*")},
                  reading, nullptr);
  const PoolReport expected = {
      .id = "lvm/pmemvgregion0",
      .kind = PoolKind::kLvm,
      .total_bytes = 4223664128,
      .allocatable_bytes = 4223664128,
      .available_bytes = 3552575488,
      .volume_bytes_max = 3552575488,
      .alignment_bytes = 4 * kMiB,
      .numa_node = 0,
      .state = PoolState::kOk,
      .volumes = {{"disk-0f6a1e22-5a0e-4f39-9d3c-0c50c2b9f0d1", 128 * kMiB},
                  {"disk-two", 512 * kMiB}}};
  EXPECT_EQ(report.pools, std::vector<PoolReport>{expected});
}

// A volume that is made while its region is read: what is listed has its room and labels taken.
TEST_P(MixedSys, AVolumeIsListedOnlyBesideNumbersOfAfterIt) {
  const std::string region = RegionPath("region1");
  const std::string volume = region + "/namespace1.0", hidden = volume + "-yet-to-come";
  const std::string number = region + "/available_size", after = number + "-after";
  std::filesystem::rename(volume, hidden);
  std::filesystem::rename(number, after);
  ASSERT_EQ(mkfifo(number.c_str(), 0600), 0);
  std::thread maker([&] {
    std::ofstream asked(number);  // Opened once somebody reads it.
    std::filesystem::rename(hidden, volume);
    asked << std::ifstream(after).rdbuf();
  });
  const auto devices = NdctlReader().Read();
  maker.join();
  std::filesystem::rename(after, number);
  ASSERT_TRUE(devices.ok()) << devices.status();
  for (const NvdimmNamespace& each : devices->regions.at(1).nvdimm_namespaces) {
    EXPECT_NE(each.device_name, "namespace1.0");
  }
}

INSTANTIATE_TEST_SUITE_P(Six, MixedSys, testing::Values("3-lvm-and-mixed"),
                         [](const auto&) { return "LvmAndMixed"; });

}  // namespace
}  // namespace pmem::agent
