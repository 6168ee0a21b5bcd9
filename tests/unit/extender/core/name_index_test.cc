// SPDX-License-Identifier: Apache-2.0
#include "extender/core/name_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace pmem::extender {
namespace {

TEST(NameIndex, FindsEveryNameAndNoOther) {
  NameIndex index;
  EXPECT_EQ(index.Find("n"), -1);
  // Of every length around those that are hashed in whole words.
  std::vector<std::string> names;
  for (size_t size = 1; size <= 40; ++size) {
    for (const char c : {'a', 'b'}) names.push_back(std::string(size - 1, 'x') + c);
  }
  for (size_t i = 0; i < names.size(); ++i) index.Add(names[i], static_cast<int32_t>(i));
  for (size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(index.Find(names[i]), static_cast<int32_t>(i)) << names[i];
    EXPECT_EQ(index.Find(names[i] + "c"), -1);
    EXPECT_EQ(index.Find("c" + names[i]), -1);
  }
  EXPECT_EQ(index.Find(""), -1);
}

TEST(NameIndex, FindsThousands) {
  NameIndex index;
  constexpr int32_t kNames = 20'000;
  const auto name = [](int32_t i) { return "node-" + std::to_string(i) + ".example.org"; };
  for (int32_t i = 0; i < kNames; ++i) index.Add(name(i), i);
  for (int32_t i = 0; i < kNames; ++i) ASSERT_EQ(index.Find(name(i)), i);
  EXPECT_EQ(index.Find(name(kNames)), -1);
}

TEST(NameIndex, FindsAListInAnyOrderWhateverCameBefore) {
  NameIndex index;
  for (int32_t i = 0; i < 100; ++i) index.Add("node-" + std::to_string(i), i);
  std::mt19937 random(7);
  std::vector<std::string> names;
  names.reserve(121);
  for (int i = 0; i < 120; ++i) names.push_back("node-" + std::to_string(i));  // 20 are not there.
  names.push_back("");
  for (int round = 0; round < 200; ++round) {
    // In turn: the same round begun elsewhere, one of them twice, none in its place.
    std::rotate(names.begin(), names.begin() + 1 + round % 90, names.end());
    if (round % 3 == 1) names[round % names.size()] = names[0];
    if (round % 3 == 2) std::shuffle(names.begin(), names.end(), random);
    const std::vector<std::string_view> asked(names.begin(), names.end());
    const std::vector<int32_t> ids = index.FindAll(asked);
    ASSERT_EQ(ids.size(), asked.size());
    for (size_t i = 0; i < asked.size(); ++i) ASSERT_EQ(ids[i], index.Find(asked[i])) << asked[i];
  }
}

TEST(NameIndex, AnswersAListForNamesThatTookTheNumbersOfOthers) {
  NameIndex index;
  index.Add("a", 0);
  index.Add("b", 1);
  EXPECT_EQ(index.FindAll({"a", "b"}), (std::vector<int32_t>{0, 1}));
  index.Clear();
  index.Add("a", 1);
  index.Add("c", 0);
  EXPECT_EQ(index.FindAll({"a", "b", "c"}), (std::vector<int32_t>{1, -1, 0}));
}

TEST(NameIndex, ForgetsAll) {
  NameIndex index;
  index.Add("n1", 1);
  index.Clear();
  EXPECT_EQ(index.Find("n1"), -1);
  index.Add("n1", 2);
  EXPECT_EQ(index.Find("n1"), 2);
}

}  // namespace
}  // namespace pmem::extender
