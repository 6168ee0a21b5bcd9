// SPDX-License-Identifier: Apache-2.0
#include "extender/core/score.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

using Nodes = std::vector<Leftover>;

Leftover Lvm(int64_t bytes) { return {.lvm_bytes = bytes}; }

struct ScoreCase {
  std::string name;
  Strategy strategy;
  Nodes nodes;
  std::vector<int> scores;
};

class ScoresOf : public testing::TestWithParam<ScoreCase> {};

TEST_P(ScoresOf, AreStretchedOverTheWholeRange) {
  EXPECT_EQ(Scores(GetParam().nodes, GetParam().strategy), GetParam().scores);
}

INSTANTIATE_TEST_SUITE_P(
    Nodes, ScoresOf,
    testing::Values(ScoreCase{"None", Strategy::kBinpack, {}, {}},
                    ScoreCase{"One", Strategy::kBinpack, {Lvm(kGiB)}, {0}},
                    ScoreCase{"AllAlike", Strategy::kSpread, {Lvm(kGiB), Lvm(kGiB)}, {0, 0}},
                    ScoreCase{"BinpackLikesTheFullest",
                              Strategy::kBinpack,
                              {Lvm(0), Lvm(5 * kGiB), Lvm(10 * kGiB)},
                              {10, 5, 0}},
                    ScoreCase{"SpreadLikesTheEmptiest",
                              Strategy::kSpread,
                              {Lvm(0), Lvm(5 * kGiB), Lvm(10 * kGiB)},
                              {0, 5, 10}},
                    ScoreCase{"SmallDifferencesOfLargeNodesCount",
                              Strategy::kBinpack,
                              {Lvm(8 * kTiB), Lvm(8 * kTiB + 10 * kGiB)},
                              {10, 0}},
                    ScoreCase{"WhatDoesNotFitGetsNothing",
                              Strategy::kBinpack,
                              {Leftover(), Lvm(kGiB), Lvm(2 * kGiB)},
                              {0, 10, 0}},
                    ScoreCase{"KindsCountAlike",
                              Strategy::kBinpack,
                              {Leftover{0, 10 * kGiB}, Leftover{10 * kTiB, 0}, Leftover{0, 0}},
                              {5, 5, 10}}),
    [](const auto& each) { return each.param.name; });

TEST(LeftoverOf, IsOnlyOfTheKindsThatAreAskedFor) {
  const CapacityReport report =
      *MakeReport("n1", 1, {MakeDirectPool({{0, 4 * kGiB}}), MakeLvmPool(10 * kGiB)}).report;
  const auto left = LeftoverOf(
      RoomOf(report), std::vector<Item>{{Uid(1), PoolKind::kLvm, 4 * kGiB}}, Strategy::kBinpack);
  ASSERT_TRUE(left.has_value());
  EXPECT_EQ(left->lvm_bytes, 6 * kGiB);
  EXPECT_EQ(left->direct_bytes, Leftover::kNotAsked);
}

TEST(LeftoverOf, IsNothingWhenTheItemsDoNotFit) {
  const CapacityReport report = *MakeReport("n1", 1, {MakeLvmPool(kGiB)}).report;
  EXPECT_FALSE(LeftoverOf(RoomOf(report), std::vector<Item>{{Uid(1), PoolKind::kLvm, 2 * kGiB}},
                          Strategy::kBinpack)
                   .has_value());
}

TEST(StrategyFromName, KnowsTheTwo) {
  EXPECT_EQ(StrategyFromName("binpack"), Strategy::kBinpack);
  EXPECT_EQ(StrategyFromName("spread"), Strategy::kSpread);
  EXPECT_EQ(StrategyFromName("Spread"), std::nullopt);
}

}  // namespace
}  // namespace pmem::extender
