// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/report_store.h"

#include <gtest/gtest.h>

#include <string>

namespace pmem::agent {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(100);

CapacityReport Report(int64_t generation) {
  return {.node = "n1", .boot_id = "b0", .generation = generation, .observed_at = kStart};
}

class ReportStoreTest : public testing::Test {
 protected:
  // Waits for another generation than `known`; what it gets is appended to ended_.
  bool Wait(int64_t known, absl::Time deadline = kStart + absl::Seconds(30)) {
    return store_.Wait(known, deadline,
                       [this](const ReportStore::Snapshot& snapshot, bool is_read) {
                         ended_.push_back(snapshot == nullptr ? -1 : snapshot->report.generation);
                         is_read_ = is_read;
                       });
  }

  int64_t sooner_ = 0;  // How often it was told that ExpireWaiters is due sooner.
  ReportStore store_{[this] { ++sooner_; }};
  std::vector<int64_t> ended_;
  bool is_read_ = false;  // What the last of them was told.
};

TEST_F(ReportStoreTest, KeepsTheReportWithItsTextAndTag) {
  EXPECT_EQ(store_.Current(), nullptr);
  store_.Publish(Report(7));
  const ReportStore::Snapshot snapshot = store_.Current();
  EXPECT_EQ(snapshot->report, Report(7));
  EXPECT_EQ(snapshot->body, SerialiseCapacityReport(Report(7)));
  EXPECT_EQ(snapshot->etag, "\"b0+7\"");
}

TEST_F(ReportStoreTest, AWaiterEndsWithTheNextGeneration) {
  store_.Publish(Report(1));
  EXPECT_TRUE(Wait(1));
  EXPECT_EQ(store_.waiters(), 1);
  store_.Publish(Report(1));
  EXPECT_TRUE(ended_.empty()) << "the content is the same";
  store_.Publish(Report(2));
  store_.Publish(Report(3));
  EXPECT_EQ(ended_, std::vector<int64_t>{2});
  EXPECT_EQ(store_.waiters(), 0);
}

TEST_F(ReportStoreTest, WhoKnowsAnotherGenerationDoesNotWait) {
  store_.Publish(Report(5));
  EXPECT_TRUE(Wait(4));
  EXPECT_TRUE(Wait(6));
  EXPECT_EQ(ended_, (std::vector<int64_t>{5, 5}));
}

TEST_F(ReportStoreTest, AWaiterEndsAtItsDeadline) {
  store_.Publish(Report(1));
  Wait(1, kStart + absl::Seconds(2));
  Wait(1, kStart + absl::Seconds(1));
  store_.ExpireWaiters(kStart + absl::Seconds(1) - absl::Nanoseconds(1));
  EXPECT_TRUE(ended_.empty());
  store_.ExpireWaiters(kStart + absl::Seconds(1));
  EXPECT_EQ(ended_.size(), 1u);
  EXPECT_EQ(store_.waiters(), 1);
}

TEST_F(ReportStoreTest, AWaiterStaysForWhatWasNotedByItsDeadline) {
  store_.Publish(Report(1));
  store_.NoteChange();
  Wait(1, kStart);
  store_.ExpireWaiters(kStart);
  EXPECT_TRUE(ended_.empty());
  store_.NoteChange();  // What is noted later is for the next one.
  store_.Publish(Report(1), 0);
  EXPECT_TRUE(ended_.empty());
  store_.Publish(Report(1), 1);
  EXPECT_EQ(ended_, std::vector<int64_t>{1});
  EXPECT_TRUE(is_read_);
  EXPECT_TRUE(store_.IsBehind());
  store_.Publish(Report(1), 2);
  EXPECT_FALSE(store_.IsBehind());
}

TEST_F(ReportStoreTest, ChangesThatGoOnForEverKeepNoWaiterForEver) {
  store_.Publish(Report(1));
  store_.NoteChange();
  Wait(1, kStart);
  for (int noted = 1; ended_.empty(); ++noted) {
    ASSERT_LT(noted, 5);
    store_.ExpireWaiters(kStart + noted * absl::Seconds(2));
    store_.NoteChange();
    store_.Publish(Report(1), noted);
  }
  EXPECT_TRUE(is_read_);
}

TEST_F(ReportStoreTest, AWaiterIsNotHeldForEver) {
  store_.Publish(Report(1));
  store_.NoteChange();
  Wait(1, kStart);
  store_.ExpireWaiters(kStart + kHoldMax - absl::Nanoseconds(1));
  EXPECT_TRUE(ended_.empty());
  store_.ExpireWaiters(kStart + kHoldMax);
  EXPECT_EQ(ended_, std::vector<int64_t>{1});
  EXPECT_FALSE(is_read_);
}

TEST_F(ReportStoreTest, BeforeItsDeadlineAWaiterEndsWithNewsAlone) {
  store_.Publish(Report(1));
  store_.NoteChange();
  Wait(1);
  store_.ExpireWaiters(kStart);
  store_.Publish(Report(1), 1);
  EXPECT_TRUE(ended_.empty());
  store_.Publish(Report(2), 1);
  EXPECT_EQ(ended_, std::vector<int64_t>{2});
  EXPECT_TRUE(is_read_);
}

TEST_F(ReportStoreTest, NewsIsHeldWhileAChangeIsBeingRead) {
  store_.Publish(Report(1));
  Wait(1);
  store_.NoteChange();
  store_.Publish(Report(2), 0);  // News of one source; the change is of another.
  EXPECT_TRUE(Wait(1)) << "and so is whoever comes now";
  EXPECT_TRUE(ended_.empty());
  store_.NoteChange();
  store_.Publish(Report(3), 1);
  EXPECT_EQ(ended_, (std::vector<int64_t>{3, 3}));
  EXPECT_TRUE(is_read_);
}

TEST_F(ReportStoreTest, NewsIsNotHeldForEver) {
  store_.Publish(Report(1));
  Wait(1, kStart + absl::Hours(1));
  store_.NoteChange();
  store_.Publish(Report(2), 0);
  store_.ExpireWaiters(kStart);
  store_.ExpireWaiters(kStart + kHoldMax - absl::Nanoseconds(1));
  EXPECT_TRUE(ended_.empty());
  store_.ExpireWaiters(kStart + kHoldMax);
  EXPECT_EQ(ended_, std::vector<int64_t>{2});
  EXPECT_FALSE(is_read_);
}

// LVM can be read again, by a reading that began before the latest changes.
TEST_F(ReportStoreTest, AReportWithFewerChangesThanTheOneBeforeIsHeld) {
  store_.Publish(Report(1));
  store_.NoteChange();
  store_.Publish(Report(2), 1);
  Wait(2);
  store_.Publish(Report(3), 0);
  EXPECT_TRUE(ended_.empty());
  store_.Publish(Report(3), 1);
  EXPECT_EQ(ended_, std::vector<int64_t>{3});
}

TEST_F(ReportStoreTest, NobodyWaitsPastTheEnd) {
  store_.Publish(Report(1));
  Wait(1, absl::InfiniteFuture());
  store_.Close();
  EXPECT_TRUE(Wait(1));
  EXPECT_EQ(ended_, (std::vector<int64_t>{1, 1}));
}

TEST_F(ReportStoreTest, WaitersAreDueWhenTheFirstOfThemIs) {
  store_.Publish(Report(1));
  EXPECT_EQ(store_.ExpireWaiters(kStart), absl::InfiniteFuture()) << "nobody waits";
  Wait(1, kStart + absl::Seconds(20));
  EXPECT_EQ(sooner_, 1);
  EXPECT_EQ(store_.ExpireWaiters(kStart), kStart + absl::Seconds(20));
  Wait(1, kStart + absl::Seconds(30));
  EXPECT_EQ(sooner_, 1) << "it is as due as before";
  Wait(1, kStart + absl::Seconds(10));
  EXPECT_EQ(sooner_, 2);
  EXPECT_EQ(store_.ExpireWaiters(kStart), kStart + absl::Seconds(10));
  EXPECT_EQ(store_.ExpireWaiters(kStart + absl::Seconds(10)), kStart + absl::Seconds(20));
}

// From then on their hold is measured.
TEST_F(ReportStoreTest, WaitersThatAreHeldAreDueAtOnceAndThenWhenTheirHoldIsOver) {
  store_.Publish(Report(1));
  Wait(1, kStart + absl::Hours(1));
  store_.ExpireWaiters(kStart);
  store_.NoteChange();
  store_.Publish(Report(2), 0);
  EXPECT_EQ(sooner_, 2) << "one was parked, and there is news for it";
  EXPECT_EQ(store_.ExpireWaiters(kStart), kStart + kHoldMax);
  Wait(1);
  EXPECT_EQ(sooner_, 3) << "and so is whoever comes now";
  EXPECT_EQ(store_.ExpireWaiters(kStart), kStart + kHoldMax);
}

TEST_F(ReportStoreTest, OnlySoManyWait) {
  store_.Publish(Report(1));
  for (int64_t i = 0; i < kWaitersMax; ++i) ASSERT_TRUE(Wait(1));
  EXPECT_FALSE(Wait(1));
  store_.Publish(Report(2));
  EXPECT_EQ(static_cast<int64_t>(ended_.size()), kWaitersMax);
  EXPECT_TRUE(Wait(2));
}

TEST_F(ReportStoreTest, AWaiterMayUseTheStore) {
  store_.Publish(Report(1));
  store_.Wait(1, absl::InfiniteFuture(),
              [this](const ReportStore::Snapshot&, bool) { ended_.push_back(store_.waiters()); });
  store_.Publish(Report(2));
  EXPECT_EQ(ended_, std::vector<int64_t>{0});
}

}  // namespace
}  // namespace pmem::agent
