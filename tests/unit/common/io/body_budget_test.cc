// SPDX-License-Identifier: Apache-2.0
#include "common/io/body_budget.h"

#include <gtest/gtest.h>

namespace pmem {
namespace {

TEST(BodyBudget, AllLeasesTogetherStayWithinIt) {
  const auto budget = std::make_shared<BodyBudget>(10);
  BodyLease one(budget), other(budget);
  EXPECT_TRUE(one.Resize(6));
  EXPECT_FALSE(other.Resize(5));
  EXPECT_TRUE(other.Resize(4)) << "what did not fit took nothing";
  EXPECT_FALSE(one.Resize(7));
  EXPECT_TRUE(one.Resize(5)) << "it kept what it had";
  EXPECT_TRUE(other.Resize(5));
}

TEST(BodyBudget, ALeaseGivesBackAtItsEndWhatItHas) {
  const auto budget = std::make_shared<BodyBudget>(10);
  for (int i = 0; i < 3; ++i) {
    BodyLease lease(budget);
    EXPECT_TRUE(lease.Resize(10));
    EXPECT_TRUE(lease.Resize(3));
  }
  EXPECT_TRUE(budget->Take(10));
  EXPECT_FALSE(budget->Take(1));
  EXPECT_FALSE(budget->Take(SIZE_MAX));
}

TEST(BodyBudget, TellsWhenHalfOfItIsTaken) {
  BodyBudget budget(10);
  EXPECT_TRUE(budget.Take(5));
  EXPECT_FALSE(budget.IsOverHalf());
  EXPECT_TRUE(budget.Take(1));
  EXPECT_TRUE(budget.IsOverHalf());
}

TEST(BodyBudget, IsPlentyForWhatLeavesHalfOfIt) {
  BodyBudget budget(10);
  EXPECT_TRUE(budget.Take(2));
  EXPECT_TRUE(budget.IsPlenty(3));
  EXPECT_FALSE(budget.IsPlenty(4));
  EXPECT_TRUE(budget.Take(5));
  EXPECT_FALSE(budget.IsPlenty(0));
  EXPECT_FALSE(budget.IsPlenty(SIZE_MAX));
}

}  // namespace
}  // namespace pmem
