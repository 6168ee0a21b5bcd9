// SPDX-License-Identifier: Apache-2.0
#include "extender/aged_reads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace pmem::extender {
namespace {

using Names = std::vector<std::string>;

struct Number {
  absl::Time planned_at = absl::InfiniteFuture();
};

class AgedReadsTest : public testing::Test {
 protected:
  static constexpr absl::Duration kMin = absl::Seconds(5);
  static constexpr absl::Duration kMax = absl::Seconds(15);

  void Put(const std::string& name, int number = 0) { reads_.Put(name, {}, now_, number); }

  Names Due(const std::set<std::string>& wanted, size_t max = 10) {
    return reads_.Due(wanted, max, now_);
  }

  // How long one that is read now is believed, to the second.
  absl::Duration Age(int number = 0) {
    Put("a", number);
    const absl::Time begin = now_;
    for (reads_.BeginPlan(now_); reads_.values().contains("a"); reads_.BeginPlan(now_)) {
      now_ += absl::Seconds(1);
    }
    return now_ - begin - absl::Seconds(1);
  }

  absl::Time now_ = absl::UnixEpoch();
  AgedReads<Number, int> reads_{{.age_min = kMin, .age_max = kMax, .remembered = kMax}};
};

TEST_F(AgedReadsTest, WhatSaysTheSameAgainIsBelievedForEverLonger) {
  EXPECT_EQ(Age(), kMin);
  EXPECT_EQ(Age(), 2 * kMin);
  EXPECT_EQ(Age(), kMax);
  EXPECT_EQ(Age(), kMax);
  EXPECT_EQ(Age(1), kMin) << "it has changed";
  EXPECT_EQ(Age(1), 2 * kMin);
}

TEST_F(AgedReadsTest, WhatIsWantedSoonerIsBelievedForTheShortestTimeAgain) {
  for (int i = 0; i < 3; ++i) Age();
  Put("a");
  EXPECT_EQ(Age(), kMin);
}

TEST_F(AgedReadsTest, TheAgeCountsFromTheFirstPlan) {
  Put("a");
  now_ += absl::Hours(1);
  reads_.BeginPlan(now_);
  EXPECT_TRUE(reads_.values().contains("a"));
  now_ += kMin + absl::Seconds(1);
  reads_.BeginPlan(now_);
  EXPECT_FALSE(reads_.values().contains("a"));
}

TEST_F(AgedReadsTest, ThoseComeFirstThatWereNotReadForLongest) {
  for (const char* name : {"c", "a", "b"}) {
    Put(name);
    now_ += absl::Seconds(1);
  }
  EXPECT_EQ(Due({"a", "b", "c", "new"}), (Names{"new", "c", "a", "b"}));
  EXPECT_EQ(Due({"a", "b", "c", "new"}, 2), (Names{"new", "c"}));
}

TEST_F(AgedReadsTest, WhatCannotBeReadIsAskedForEverMoreRarelyUntilItIsRead) {
  absl::Duration pause = kReadRetryPause;
  for (int i = 0; i < 8; ++i) {
    reads_.NoteFailure("a", now_, now_);
    now_ += pause - absl::Milliseconds(1);
    EXPECT_EQ(Due({"a"}), Names());
    now_ += absl::Milliseconds(1);
    EXPECT_EQ(Due({"a"}), Names{"a"});
    pause = std::min(pause * 2, kReadRetryPauseMax);
  }
  EXPECT_EQ(pause, kReadRetryPauseMax);
  Put("a");
  reads_.NoteFailure("a", now_, now_);
  now_ += kReadRetryPause;
  EXPECT_EQ(Due({"a"}), Names{"a"});
}

TEST_F(AgedReadsTest, WhatNobodyWantsIsRememberedForAWhileOnly) {
  EXPECT_EQ(Age(), kMin);
  Due({});
  EXPECT_EQ(Age(), 2 * kMin) << "remembered";
  now_ += kMax;
  Due({});
  EXPECT_EQ(Age(), kMin) << "forgotten";
}

TEST_F(AgedReadsTest, NothingIsKnownAfterClear) {
  Age();
  Put("a");
  reads_.Clear();
  EXPECT_TRUE(reads_.values().empty());
  EXPECT_EQ(Age(), kMin);
}

}  // namespace
}  // namespace pmem::extender
