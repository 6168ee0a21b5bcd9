// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/label_area.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace pmem::agent {
namespace {

constexpr size_t kAreaBytes = 128 * 1024;
constexpr size_t kIndexBytes = 256;

std::string Put(std::string area, size_t offset, std::string_view bytes) {
  return area.replace(offset, bytes.size(), bytes);
}

std::string Zeros() { return std::string(kAreaBytes, '\0'); }

// The first index block alone, as when the power fails before the second one is written.
std::string Initialized() {
  std::string area = Put(Zeros(), 0, "NAMESPACE_INDEX");
  area[33] = kIndexBytes >> 8;
  area[49] = 2 * kIndexBytes >> 8;
  return Put(area, 72, std::string(64, '\xff'));
}

TEST(HoldsNoLabel, WhereNothingWasWrittenButIndexBlocks) {
  EXPECT_TRUE(HoldsNoLabel(""));
  EXPECT_TRUE(HoldsNoLabel(Zeros()));
  EXPECT_TRUE(HoldsNoLabel(Initialized()));
  EXPECT_TRUE(HoldsNoLabel(Put(Initialized(), kIndexBytes, Initialized().substr(0, kIndexBytes))));
}

TEST(HoldsNoLabel, NotWhereASlotWasWritten) {
  EXPECT_FALSE(HoldsNoLabel(Put(Initialized(), 2 * kIndexBytes, "x")));
  EXPECT_FALSE(HoldsNoLabel(Put(Initialized(), kAreaBytes - 1, "x")));
}

TEST(HoldsNoLabel, NotWhereTheIndexBlockMakesNoSense) {
  EXPECT_FALSE(HoldsNoLabel(Put(Zeros(), 0, "something else")));
  EXPECT_FALSE(HoldsNoLabel(Put(Zeros(), 0, "NAMESPACE_INDEX")));
  EXPECT_FALSE(HoldsNoLabel(Initialized().substr(0, 71)));
  EXPECT_FALSE(HoldsNoLabel(Initialized().substr(0, 3 * kIndexBytes)));
  EXPECT_FALSE(HoldsNoLabel(Put(Initialized(), 0, "n")));
  EXPECT_FALSE(HoldsNoLabel(Put(Initialized(), 33, "\x02")));
  EXPECT_FALSE(HoldsNoLabel(Put(Initialized(), 55, "\x01")));
}

}  // namespace
}  // namespace pmem::agent
