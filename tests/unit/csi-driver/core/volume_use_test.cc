// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/volume_use.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pmem::driver {
namespace {

struct UseCase {
  const char* name;
  VolumeUse use;
  bool is_ok = false;
};

class CheckUseTest : public testing::TestWithParam<UseCase> {};

TEST_P(CheckUseTest, AllowsWhatCanBe) {
  const absl::Status status = CheckUse(GetParam().use);

  EXPECT_EQ(absl::IsInvalidArgument(status), !GetParam().is_ok) << status;
}

INSTANTIATE_TEST_SUITE_P(
    Uses, CheckUseTest,
    testing::Values(
        UseCase{"Default", {}, true}, UseCase{"Xfs", {.file_system = "xfs"}, true},
        UseCase{"Block", {.is_block = true}, true}, UseCase{"Btrfs", {.file_system = "btrfs"}},
        UseCase{"SeveralNodes", {.is_single_node = false}},
        UseCase{"Option", {.mount_options = {"noatime"}}, true},
        UseCase{"OptionsInOne", {.mount_options = {"noatime,bind"}}},
        UseCase{"ABind", {.mount_options = {"bind"}}},
        UseCase{"ARemount", {.mount_options = {"remount"}}},
        UseCase{"EmptyOption", {.mount_options = {""}}},
        UseCase{"LongestOption", {.mount_options = {std::string(kMountOptionBytesMax, 'x')}}, true},
        UseCase{"TooLongAnOption", {.mount_options = {std::string(kMountOptionBytesMax + 1, 'x')}}},
        UseCase{"MostOptions",
                {.mount_options = std::vector<std::string>(kMountOptionsMax, "noatime")},
                true},
        UseCase{"TooManyOptions",
                {.mount_options = std::vector<std::string>(kMountOptionsMax + 1, "noatime")}}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace pmem::driver
