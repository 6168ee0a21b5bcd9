// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/init_plan.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/pure/units.h"

namespace pmem::driver {
namespace {

using Lines = std::vector<std::string>;

agent::Region MakeRegion(std::vector<agent::NvdimmNamespace> nvdimm_namespaces = {}) {
  return {.name = "region1",
          .total_bytes = 4 * kGiB,
          .extent_bytes_max = nvdimm_namespaces.empty() ? 4 * kGiB : kGiB,
          .alignment_bytes = 16 * kMiB,
          .nvdimm_namespaces = std::move(nvdimm_namespaces)};
}

struct PlanCase {
  const char* name;
  agent::DeviceState devices;
  int64_t lvm_percent = 100;
  bool initializes_labels = false;
  Lines lines;
};

class PlanInitTest : public testing::TestWithParam<PlanCase> {};

TEST_P(PlanInitTest, SaysWhatItTakes) {
  const InitOptions options = {.lvm_percent = GetParam().lvm_percent,
                               .initializes_labels = GetParam().initializes_labels,
                               .regions = agent::NamePatterns("region*")};
  Lines lines;
  for (const InitStep& step : PlanInit(GetParam().devices, options)) {
    lines.push_back(DescribeStep(step));
  }
  EXPECT_EQ(lines, GetParam().lines);
}

agent::Region LabelLess() {
  agent::Region region =
      MakeRegion({{.device_name = "namespace1.0", .bytes = 4 * kGiB, .block_device = "pmem1"}});
  region.condition = {PoolState::kLabelLess, "no labels"};
  region.extent_bytes_max = 0;
  return region;
}

// As devdax, or disabled.
agent::Region LabelLessWithoutBlockDevice() {
  agent::Region region = LabelLess();
  region.nvdimm_namespaces.front().block_device.clear();
  return region;
}

agent::Region ReadOnly() {
  agent::Region region = MakeRegion();
  region.condition = {PoolState::kReadOnly, "read-only"};
  return region;
}

const agent::NvdimmNamespace kByHand = {
    .device_name = "namespace1.0", .alt_name = "by-hand", .bytes = kGiB, .block_device = "pmem1"};
const agent::NvdimmNamespace kPool = {.device_name = "namespace1.0",
                                      .alt_name = "pmemvgregion1",
                                      .bytes = kGiB,
                                      .block_device = "pmem1"};

// What a run that was cut off leaves; the region's own share of 70 %.
const agent::NvdimmNamespace kUnfinished = {.device_name = "namespace1.0",
                                            .alt_name = "new-pmemvgregion1",
                                            .bytes = 2800 * kMiB,
                                            .offset_bytes = 0,
                                            .block_device = "pmem1"};
const agent::NvdimmNamespace kUnfinishedNumberedAnew = {.device_name = "namespace1.0",
                                                        .alt_name = "new-pmemvgregion7",
                                                        .bytes = 4 * kGiB,
                                                        .is_disabled = true};
// Made when its region was region0.
const agent::NvdimmNamespace kPoolNumberedAnew = {.device_name = "namespace1.0",
                                                  .alt_name = "pmemvgregion0",
                                                  .bytes = kGiB,
                                                  .block_device = "pmem1"};
// A volume, at the end of the region.
const agent::NvdimmNamespace kVolume = {.device_name = "namespace1.1",
                                        .alt_name = "disk-1",
                                        .bytes = 1024 * kMiB,
                                        .offset_bytes = 3072 * kMiB,
                                        .block_device = "pmem1.1"};

agent::Region Numbered(agent::Region region, const std::string& name) {
  region.name = name;
  return region;
}

agent::Region Inactive(const std::string& name) {
  agent::Region region = Numbered(MakeRegion(), name);
  region.condition = {PoolState::kInactive, "disabled"};
  return region;
}

agent::VolumeGroup GroupOn(const std::string& name, const std::string& device) {
  return {.name = name, .block_devices = {device}};
}

constexpr char kNamespaceLine[] =
    "region1: create NVDIMM namespace pmemvgregion1 of 4294967296 bytes, mode fsdax";
constexpr char kGroupLine[] =
    "region1: create VolumeGroup pmemvgregion1 on NVDIMM namespace pmemvgregion1";
constexpr char kRemovalLine[] =
    "region1: remove NVDIMM namespace new-pmemvgregion1, which was not finished";
constexpr char kLabelsLine[] = "region1: initialize the label areas of its NVDIMMs";

INSTANTIATE_TEST_SUITE_P(
    Nodes, PlanInitTest,
    testing::Values(
        PlanCase{.name = "NoRegion"},
        PlanCase{.name = "Empty_Lvm",
                 .devices = {.regions = {MakeRegion()}},
                 .lines = {kNamespaceLine, kGroupLine}},
        PlanCase{.name = "Empty_Direct", .devices = {.regions = {MakeRegion()}}, .lvm_percent = 0},
        PlanCase{.name = "Empty_AThird",
                 .devices = {.regions = {MakeRegion()}},
                 .lvm_percent = 33,
                 .lines = {"region1: create NVDIMM namespace pmemvgregion1 of 1409286144 bytes, "
                           "mode fsdax",
                           kGroupLine}},
        PlanCase{.name = "Done",
                 .devices = {.regions = {MakeRegion({kPool})},
                             .volume_groups = {GroupOn("pmemvgregion1", "pmem1")}}},
        PlanCase{.name = "Done_TheKernelNumberedAnew",
                 .devices = {.regions = {MakeRegion({kPool})},
                             .volume_groups = {GroupOn("pmemvgregion0", "pmem1")}}},
        PlanCase{.name = "Interrupted_BeforeTheVolumeGroup",
                 .devices = {.regions = {MakeRegion({kPool})}},
                 .lines = {kGroupLine}},
        PlanCase{.name = "Interrupted_BeforeTheVolumeGroup_ThenNumberedAnew",
                 .devices = {.regions = {Numbered(MakeRegion({kPool}), "region4")}},
                 .lines = {"region4: create VolumeGroup pmemvgregion1 on NVDIMM namespace "
                           "pmemvgregion1"}},
        PlanCase{.name = "Interrupted_BeforeTheName",
                 .devices = {.regions = {MakeRegion({kUnfinished})}},
                 .lines = {kRemovalLine, kNamespaceLine, kGroupLine}},
        PlanCase{.name = "Interrupted_BeforeTheName_Direct",
                 .devices = {.regions = {MakeRegion({kUnfinished})}},
                 .lvm_percent = 0,
                 .lines = {kRemovalLine}},
        // A share of the whole region, as the run meant it that was cut off.
        PlanCase{.name = "Interrupted_BeforeTheName_Split",
                 .devices = {.regions = {MakeRegion({kUnfinished})}},
                 .lvm_percent = 70,
                 .lines = {kRemovalLine,
                           "region1: create NVDIMM namespace pmemvgregion1 of 3003121664 bytes, "
                           "mode fsdax",
                           kGroupLine}},
        PlanCase{.name = "Interrupted_BeforeTheName_BesideAVolume",
                 .devices = {.regions = {MakeRegion({kUnfinished, kVolume})}},
                 .lvm_percent = 90,
                 .lines = {kRemovalLine,
                           "region1: create NVDIMM namespace pmemvgregion1 of 3221225472 bytes, "
                           "mode fsdax",
                           kGroupLine}},
        PlanCase{.name = "Interrupted_BeforeTheName_ThenNumberedAnew",
                 .devices = {.regions = {MakeRegion({kUnfinishedNumberedAnew})}},
                 .lines = {"region1: remove NVDIMM namespace new-pmemvgregion7, which was not "
                           "finished",
                           kNamespaceLine, kGroupLine}},
        PlanCase{.name = "Interrupted_ThenSomebodyMadeAVolumeGroupOnIt",
                 .devices = {.regions = {MakeRegion({kUnfinished})},
                             .volume_groups = {GroupOn("by-hand", "pmem1")}},
                 .lines = {"region1: left alone: namespace1.0 (new-pmemvgregion1, 2936012800 "
                           "bytes) is there and not ours"}},
        PlanCase{.name = "NameTaken",
                 .devices = {.regions = {MakeRegion()},
                             .volume_groups = {GroupOn("pmemvgregion1", "sda")}},
                 .lines = {"region1: create NVDIMM namespace pmemvgregion0 of 4294967296 bytes, "
                           "mode fsdax",
                           "region1: create VolumeGroup pmemvgregion0 on NVDIMM namespace "
                           "pmemvgregion0"}},
        // region0 is new, and region1 was region0 before.
        PlanCase{.name = "NameTaken_TheKernelNumberedAnew",
                 .devices = {.regions = {Numbered(MakeRegion(), "region0"),
                                         MakeRegion({kPoolNumberedAnew}),
                                         Numbered(MakeRegion(), "region2")},
                             .volume_groups = {GroupOn("pmemvgregion0", "pmem1")}},
                 .lines = {"region0: create NVDIMM namespace pmemvgregion1 of 4294967296 bytes, "
                           "mode fsdax",
                           "region0: create VolumeGroup pmemvgregion1 on NVDIMM namespace "
                           "pmemvgregion1",
                           "region2: create NVDIMM namespace pmemvgregion2 of 4294967296 bytes, "
                           "mode fsdax",
                           "region2: create VolumeGroup pmemvgregion2 on NVDIMM namespace "
                           "pmemvgregion2"}},
        // Or damaged: its namespace still has the name.
        PlanCase{.name = "NameTaken_ByOneThatIsUnfinished",
                 .devices = {.regions = {Numbered(MakeRegion(), "region0"),
                                         MakeRegion({kPoolNumberedAnew})}},
                 .lines = {"region0: create NVDIMM namespace pmemvgregion1 of 4294967296 bytes, "
                           "mode fsdax",
                           "region0: create VolumeGroup pmemvgregion1 on NVDIMM namespace "
                           "pmemvgregion1",
                           "region1: create VolumeGroup pmemvgregion0 on NVDIMM namespace "
                           "pmemvgregion0"}},
        // Nor is pmemvgregion0 taken, which the disabled region may carry.
        PlanCase{.name = "NameTaken_ByOneThatIsNotSeen",
                 .devices = {.regions = {Inactive("region0"), MakeRegion()},
                             .volume_groups = {GroupOn("pmemvgregion1", "sda")}},
                 .lines = {"region0: left alone: disabled",
                           "region1: create NVDIMM namespace pmemvgregion2 of 4294967296 bytes, "
                           "mode fsdax",
                           "region1: create VolumeGroup pmemvgregion2 on NVDIMM namespace "
                           "pmemvgregion2"}},
        PlanCase{.name = "NameTaken_OfWhatIsUnfinished",
                 .devices = {.regions = {MakeRegion({kPool})},
                             .volume_groups = {GroupOn("pmemvgregion1", "sda")}},
                 .lines = {"region1: left alone: a VolumeGroup pmemvgregion1 is there, on other "
                           "devices"}},
        PlanCase{.name = "Foreign",
                 .devices = {.regions = {MakeRegion({kByHand})}},
                 .lines = {"region1: left alone: namespace1.0 (by-hand, 1073741824 bytes) is there "
                           "and not ours"}},
        PlanCase{.name = "Foreign_Direct",
                 .devices = {.regions = {MakeRegion({kByHand})}},
                 .lvm_percent = 0},
        PlanCase{.name = "Foreign_Split",
                 .devices = {.regions = {MakeRegion({kByHand})}},
                 .lvm_percent = 50,
                 .lines = {"region1: create NVDIMM namespace pmemvgregion1 of 1073741824 bytes, "
                           "mode fsdax",
                           kGroupLine}},
        PlanCase{.name = "LabelLess",
                 .devices = {.regions = {LabelLess()}},
                 .lines = {"region1: left alone: its label area is not initialized (--init-labels "
                           "does it)"}},
        PlanCase{.name = "LabelLess_Asked",
                 .devices = {.regions = {LabelLess()}},
                 .initializes_labels = true,
                 .lines = {kLabelsLine, kNamespaceLine, kGroupLine}},
        PlanCase{.name = "LabelLess_Asked_Direct",
                 .devices = {.regions = {LabelLess()}},
                 .lvm_percent = 0,
                 .initializes_labels = true,
                 .lines = {kLabelsLine}},
        PlanCase{.name = "LabelLess_Asked_WithoutABlockDevice",
                 .devices = {.regions = {LabelLessWithoutBlockDevice()}},
                 .initializes_labels = true,
                 .lines = {"region1: left alone: namespace1.0 has no block device: what is on it "
                           "cannot be told"}},
        PlanCase{.name = "ReadOnly",
                 .devices = {.regions = {ReadOnly()}},
                 .initializes_labels = true,
                 .lines = {"region1: left alone: read-only"}}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace pmem::driver
