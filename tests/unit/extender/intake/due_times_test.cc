// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/due_times.h"

#include <gtest/gtest.h>

namespace pmem::extender {
namespace {

using Names = std::vector<std::string>;

absl::Time At(int second) { return absl::FromUnixSeconds(second); }

TEST(DueTimes, WhatIsDueComesInTheOrderOfItsTimesAndKeepsThem) {
  DueTimes times;
  times.Set("a", At(3));
  times.Set("b", At(1));
  times.Set("c", At(4));
  EXPECT_EQ(times.Due(At(0), 9), Names{});
  EXPECT_EQ(times.Due(At(3), 9), (Names{"b", "a"}));
  EXPECT_EQ(times.Due(At(3), 1), Names{"b"});
  EXPECT_EQ(times.First(), At(1));
  EXPECT_EQ(times.Due(At(9), 9), (Names{"b", "a", "c"}));
}

TEST(DueTimes, EachHasOneTimeTheLast) {
  DueTimes times;
  times.Set("a", At(1));
  times.Set("a", At(5));
  EXPECT_EQ(times.Due(At(4), 9), Names{});
  EXPECT_EQ(times.Due(At(5), 9), Names{"a"});
  times.Set("a", absl::InfiniteFuture());
  EXPECT_EQ(times.Due(absl::InfiniteFuture(), 9), Names{});
  EXPECT_EQ(times.First(), absl::InfiniteFuture());
  times.Set("a", At(2));
  times.Clear();
  EXPECT_EQ(times.Due(At(9), 9), Names{});
  times.Set("a", At(2));
  EXPECT_EQ(times.Due(At(9), 9), Names{"a"});
}

}  // namespace
}  // namespace pmem::extender
