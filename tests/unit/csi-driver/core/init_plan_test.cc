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

agent::VolumeGroup GroupOn(const std::string& name, const std::string& device) {
  return {.name = name, .block_devices = {device}};
}

constexpr char kNamespaceLine[] =
    "region1: create NVDIMM namespace pmemvgregion1 of 4294967296 bytes, mode fsdax";
constexpr char kGroupLine[] =
    "region1: create VolumeGroup pmemvgregion1 on NVDIMM namespace pmemvgregion1";
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
        PlanCase{.name = "NameTaken",
                 .devices = {.regions = {MakeRegion()},
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
