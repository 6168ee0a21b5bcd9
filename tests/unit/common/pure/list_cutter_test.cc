// SPDX-License-Identifier: Apache-2.0
#include "common/pure/list_cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace pmem {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Cut {
  absl::Status status;
  std::vector<std::string> items;
  absl::StatusOr<std::string> frame = std::string();
};

// The list in blocks of `block_bytes`.
Cut CutUp(std::string_view list, size_t block_bytes, int64_t item_bytes_max = 100) {
  Cut cut;
  ListCutter cutter(item_bytes_max);
  for (; cut.status.ok() && !list.empty(); list.remove_prefix(std::min(block_bytes, list.size()))) {
    cut.status = cutter.Append(list.substr(0, block_bytes), [&cut](std::string_view item) {
      cut.items.emplace_back(item);
      return absl::OkStatus();
    });
  }
  cut.frame = cutter.Frame();
  return cut;
}

TEST(ListCutter, GivesTheSameItemsHoweverTheBlocksAreCut) {
  constexpr std::string_view kList =
      R"({"kind":"NodeList","metadata":{"resourceVersion":"7"},"items":[{"a":"}\"]\\"},)"
      R"( {"b":[{"items":[1]}]} ,{}],"more":"[\"}"} )";
  for (size_t block_bytes = 1; block_bytes <= kList.size(); ++block_bytes) {
    SCOPED_TRACE(block_bytes);
    const Cut cut = CutUp(kList, block_bytes);
    EXPECT_EQ(cut.status, absl::OkStatus());
    EXPECT_THAT(cut.items, ElementsAre(R"({"a":"}\"]\\"})", R"({"b":[{"items":[1]}]})", "{}"));
    EXPECT_EQ(cut.frame.value_or("none"),
              R"({"kind":"NodeList","metadata":{"resourceVersion":"7"},"items":[],"more":"[\"}"})");
  }
}

TEST(ListCutter, ItemsMayStandBeforeTheMetadataOrNotAtAll) {
  EXPECT_THAT(CutUp(R"({"items" : [{}],"metadata":{}})", 3).items, ElementsAre("{}"));
  for (const std::string list :
       {R"({"metadata":{}})", R"({"items":null})", R"({"items":[]})", R"({"x":{"items":[{}]}})"}) {
    const Cut cut = CutUp(list, 100);
    EXPECT_THAT(cut.items, IsEmpty()) << list;
    EXPECT_EQ(cut.frame.value_or("none"), list);
  }
}

TEST(ListCutter, AnItemOrAFrameBeyondItsLimitIsRefused) {
  const std::string item = R"({"a":")" + std::string(20, 'x') + R"("})";
  const auto bytes = static_cast<int64_t>(item.size());
  const std::string list = R"({"items":[)" + item + "]}";
  for (const size_t block_bytes : {size_t{1}, list.size()}) {
    EXPECT_EQ(CutUp(list, block_bytes, bytes).status, absl::OkStatus());
    EXPECT_TRUE(absl::IsResourceExhausted(CutUp(list, block_bytes, bytes - 1).status));
  }
  EXPECT_EQ(CutUp(item, 1, bytes).status, absl::OkStatus());
  EXPECT_TRUE(absl::IsResourceExhausted(CutUp(item, 1, bytes - 1).status));
}

TEST(ListCutter, ADamagedListIsToldOf) {
  for (const std::string list : {R"({"items":[{},7]})", R"({"items":[[]]})", R"({"items":[]}x)"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CutUp(list, 100).status)) << list;
  }
  for (const std::string list :
       {"", "<html>", R"({"items":[{}])", R"({"items":[{})", R"({"a":")"}) {
    const Cut cut = CutUp(list, 100);
    EXPECT_EQ(cut.status, absl::OkStatus()) << list;
    EXPECT_TRUE(absl::IsInvalidArgument(cut.frame.status())) << list;
  }
}

TEST(ListCutter, AnErrorOfTheReaderEndsIt) {
  ListCutter cutter(100);
  int items = 0;
  const absl::Status status = cutter.Append(R"({"items":[{},{}]})", [&items](std::string_view) {
    ++items;
    return absl::AbortedError("enough");
  });
  EXPECT_EQ(status, absl::AbortedError("enough"));
  EXPECT_EQ(items, 1);
}

}  // namespace
}  // namespace pmem
