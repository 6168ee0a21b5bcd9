// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/free_extents.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "common/pure/units.h"

namespace pmem::agent {
namespace {

NvdimmNamespace Taken(const std::string& alt_name, int64_t offset_bytes, int64_t bytes) {
  return {.device_name = "namespace1.0",
          .alt_name = alt_name,
          .bytes = bytes,
          .offset_bytes = offset_bytes};
}

struct ExtentCase {
  const char* name;
  std::vector<NvdimmNamespace> taken;
  std::optional<std::vector<FreeExtent>> expected;
  int64_t total_bytes = 1000;
  friend void PrintTo(const ExtentCase& c, std::ostream* out) { *out << c.name; }
};

class Extents : public testing::TestWithParam<ExtentCase> {};

TEST_P(Extents, AreTheAlignedGaps) {
  const ExtentCase& c = GetParam();
  EXPECT_EQ(FreeExtents(c.total_bytes, 100, c.taken), c.expected);
}

using Gaps = std::vector<FreeExtent>;

INSTANTIATE_TEST_SUITE_P(
    Rows, Extents,
    testing::Values(
        ExtentCase{"Nothing", {}, Gaps{{0, 1000}}}, ExtentCase{"All", {Taken("", 0, 1000)}, Gaps{}},
        ExtentCase{"Front", {Taken("", 0, 100)}, Gaps{{100, 900}}},
        ExtentCase{"Hole", {Taken("", 500, 500), Taken("", 0, 100)}, Gaps{{100, 400}}},
        ExtentCase{
            "MovedInwards", {Taken("", 0, 150), Taken("", 450, 100)}, Gaps{{200, 200}, {600, 400}}},
        ExtentCase{"GapTooSmall", {Taken("", 0, 450), Taken("", 499, 501)}, Gaps{}},
        ExtentCase{"TotalNotAligned", {}, Gaps{{0, 900}}, 999},
        ExtentCase{"Overlap", {Taken("", 0, 101), Taken("", 100, 100)}, std::nullopt},
        ExtentCase{"SamePlace", {Taken("", 0, 100), Taken("", 0, 100)}, std::nullopt},
        ExtentCase{"Beyond", {Taken("", 900, 101)}, std::nullopt},
        ExtentCase{"FarBeyond", {Taken("", 2000, 1)}, std::nullopt},
        ExtentCase{"Endless", {Taken("", kBytesMax, kBytesMax)}, std::nullopt},
        ExtentCase{"OffsetUnknown", {{.device_name = "namespace1.0", .bytes = 1}}, std::nullopt}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace pmem::agent
