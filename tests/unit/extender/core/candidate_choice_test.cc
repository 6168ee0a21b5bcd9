// SPDX-License-Identifier: Apache-2.0
#include "extender/core/candidate_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace pmem::extender {
namespace {

using Indices = std::vector<size_t>;

TEST(ChooseCandidates, AreAllWhenThereAreNoMore) {
  EXPECT_EQ(ChooseCandidates({}, 3, "a"), Indices{});
  EXPECT_EQ(ChooseCandidates({5, 0}, 3, "a"), (Indices{0, 1}));
  EXPECT_EQ(ChooseCandidates({5, 0, 7}, 3, "a"), (Indices{0, 1, 2}));
}

TEST(ChooseCandidates, OneIsTheBestAndTheFirstAmongEquals) {
  EXPECT_EQ(ChooseCandidates({5, 9, 0, 9}, 1, "a"), Indices{1});
}

TEST(ChooseCandidates, HalfAreTheBestAndEachStretchOfTheRestHasOne) {
  std::vector<int> scores(1000, 0);
  for (size_t i = 300; i < 310; ++i) scores[i] = 10;
  const Indices chosen = ChooseCandidates(scores, 20, "a");
  ASSERT_EQ(chosen.size(), 20U);
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
  Indices rest;
  for (const size_t i : chosen) {
    if (scores[i] == 0) rest.push_back(i < 300 ? i : i - 10);
  }
  ASSERT_EQ(rest.size(), 10U);
  for (size_t i = 0; i < rest.size(); ++i) EXPECT_EQ(rest[i] / 99, i) << rest[i];
}

TEST(ChooseCandidates, AreTheSameForTheSamePodAndOthersForAnother) {
  std::vector<int> scores(1000);
  std::iota(scores.begin(), scores.end(), 0);
  EXPECT_EQ(ChooseCandidates(scores, 50, "a"), ChooseCandidates(scores, 50, "a"));
  EXPECT_NE(ChooseCandidates(scores, 50, "a"), ChooseCandidates(scores, 50, "b"));
}

// A list that goes through the zones in turn gives candidates of each zone.
TEST(ChooseCandidates, AreOfEachZoneThoughTheirListIsRegular) {
  const std::vector<int> scores(1000, 0);
  constexpr size_t kZones = 5;
  std::vector<int> of_zone(kZones);
  for (const size_t i : ChooseCandidates(scores, 200, "a")) {
    if (i >= 100) ++of_zone[i % kZones];  // Those before are the best: all are alike.
  }
  for (const int count : of_zone) EXPECT_GT(count, 10);
}

}  // namespace
}  // namespace pmem::extender
