// SPDX-License-Identifier: Apache-2.0
#include "extender/core/name_index.h"

#include <gtest/gtest.h>

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
