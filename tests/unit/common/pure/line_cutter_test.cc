// SPDX-License-Identifier: Apache-2.0
#include "common/pure/line_cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace pmem {
namespace {

using ::testing::ElementsAre;

struct Cut {
  explicit Cut(int64_t line_bytes_max = 10) : cutter(line_bytes_max) {}
  absl::Status Append(std::string_view block) {
    return cutter.Append(block, [this](std::string_view line) {
      lines.emplace_back(line);
      return absl::OkStatus();
    });
  }
  LineCutter cutter;
  std::vector<std::string> lines;
};

TEST(LineCutter, BlocksMayEndAnywhere) {
  const std::string_view text = "one\r\ntwo\n\nthree\n";
  for (size_t at = 0; at <= text.size(); ++at) {
    Cut cut;
    EXPECT_TRUE(cut.Append(text.substr(0, at)).ok());
    EXPECT_TRUE(cut.Append(text.substr(at)).ok());
    EXPECT_THAT(cut.lines, ElementsAre("one", "two", "three")) << at;
    EXPECT_FALSE(cut.cutter.HasRest());
  }
}

TEST(LineCutter, ALineOverTheLimitIsAnErrorAsSoonAsItIsKnown) {
  Cut cut(5);
  EXPECT_TRUE(cut.Append("12345\n12345").ok());
  EXPECT_TRUE(cut.cutter.HasRest());
  EXPECT_TRUE(absl::IsResourceExhausted(cut.Append("6")));
  Cut whole(5);
  EXPECT_TRUE(absl::IsResourceExhausted(whole.Append("123456\n")));
  EXPECT_THAT(whole.lines, ElementsAre());
}

TEST(LineCutter, TheReadersErrorEndsIt) {
  LineCutter cutter(10);
  int count = 0;
  const absl::Status status = cutter.Append("a\nb\n", [&count](std::string_view) {
    ++count;
    return absl::DataLossError("planted");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace pmem
