// SPDX-License-Identifier: Apache-2.0
#include "extender/core/leader_state.h"

#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace pmem::extender {

void PrintTo(const LeaseRecord& r, std::ostream* os) {
  *os << r.holder << " " << r.duration_seconds << "s acquired " << r.acquire_time << " renewed "
      << r.renew_time << " transitions " << r.transitions << " version " << r.resource_version;
}

namespace {

using Action = LeaderStep::Action;

// The API server's side: one Lease, and every write checked against its version.
class World {
 public:
  absl::Time now() const { return now_; }
  void Advance(absl::Duration by) { now_ += by; }
  void CutOff(bool is_cut_off) { is_cut_off_ = is_cut_off; }
  const std::optional<LeaseRecord>& lease() const { return lease_; }
  void Put(LeaseRecord record) {
    record.resource_version = std::to_string(++version_);
    lease_ = std::move(record);
  }

  // One step of `state`, carried out here and now. Returns how long it wants to wait.
  absl::Duration Step(LeaderState* state) {
    const LeaderStep step = state->Next(now_, now_, 0);
    if (step.action == Action::kWait) return step.duration;
    EXPECT_LE(step.duration, absl::Seconds(10));
    if (is_cut_off_) {
      state->OnFailure();
    } else if (step.action == Action::kRead) {
      lease_.has_value() ? state->OnRead(*lease_, now_) : state->OnAbsent();
    } else if (lease_.has_value() ? step.record.resource_version == lease_->resource_version
                                  : step.action == Action::kCreate) {
      Put(step.record);
      state->OnWritten(*lease_, now_);
    } else {
      state->OnFailure();
    }
    return absl::ZeroDuration();
  }

  // Steps until it wants to wait.
  absl::Duration Round(LeaderState* state) {
    absl::Duration wait;
    while (wait == absl::ZeroDuration()) wait = Step(state);
    return wait;
  }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1767323045);
  std::optional<LeaseRecord> lease_;
  int version_ = 0;
  bool is_cut_off_ = false;
};

class LeaderStateTest : public ::testing::Test {
 protected:
  // Rounds of both every two seconds.
  void Run(absl::Duration time) {
    for (absl::Duration t; t < time; t += absl::Seconds(2)) {
      world_.Advance(absl::Seconds(2));
      world_.Round(&a_);
      world_.Round(&b_);
      EXPECT_FALSE(a_.IsLeader(world_.now()) && b_.IsLeader(world_.now()));
    }
  }

  World world_;
  LeaderState a_{{.identity = "a"}};
  LeaderState b_{{.identity = "b"}};
};

TEST_F(LeaderStateTest, TheFirstCreatesTheLeaseAndTheSecondWaits) {
  EXPECT_EQ(world_.Round(&a_), absl::Seconds(2));
  EXPECT_EQ(*world_.lease(), (LeaseRecord{.holder = "a",
                                          .duration_seconds = 15,
                                          .acquire_time = "2026-01-02T03:04:05.000000Z",
                                          .renew_time = "2026-01-02T03:04:05.000000Z",
                                          .resource_version = "1"}));
  world_.Round(&b_);
  EXPECT_TRUE(a_.IsLeader(world_.now()));
  EXPECT_FALSE(b_.IsLeader(world_.now()));
  EXPECT_EQ(b_.holder(), "a");
}

TEST_F(LeaderStateTest, ALeaderRenewsWithOneWriteAndKeepsItsAcquireTime) {
  world_.Round(&a_);
  world_.Advance(absl::Seconds(2) + absl::Microseconds(7));
  EXPECT_EQ(a_.Next(world_.now(), world_.now(), 0).action, Action::kWrite);
  world_.Round(&a_);
  EXPECT_EQ(*world_.lease(), (LeaseRecord{.holder = "a",
                                          .duration_seconds = 15,
                                          .acquire_time = "2026-01-02T03:04:05.000000Z",
                                          .renew_time = "2026-01-02T03:04:07.000007Z",
                                          .resource_version = "2"}));
}

TEST_F(LeaderStateTest, AHealthyLeaderStaysOneForEver) {
  Run(absl::Minutes(10));
  EXPECT_TRUE(a_.IsLeader(world_.now()));
  EXPECT_EQ(world_.lease()->transitions, 0);
}

TEST_F(LeaderStateTest, ADeadLeaderIsFollowedOnlyAfterTheLeaseWasSeenUnchangedForItsDuration) {
  world_.Round(&a_);
  world_.Advance(absl::Seconds(3));
  world_.Round(&b_);  // Sees it for the first time now: the three seconds do not count.
  world_.Advance(absl::Seconds(15) - absl::Milliseconds(1));
  world_.Round(&b_);
  EXPECT_FALSE(b_.IsLeader(world_.now()));
  world_.Advance(absl::Milliseconds(1));
  world_.Round(&b_);
  EXPECT_TRUE(b_.IsLeader(world_.now()));
  EXPECT_EQ(world_.lease()->transitions, 1);
  EXPECT_EQ(world_.lease()->acquire_time, world_.lease()->renew_time);
  EXPECT_FALSE(a_.IsLeader(world_.now()));
}

TEST_F(LeaderStateTest, TimesInTheLeaseAreNeverBelieved) {
  world_.Put({.holder = "c",
              .duration_seconds = 15,
              .acquire_time = "1999-01-01T00:00:00.000000Z",
              .renew_time = "1999-01-01T00:00:00.000000Z"});
  world_.Round(&a_);
  EXPECT_FALSE(a_.IsLeader(world_.now()));
}

TEST_F(LeaderStateTest, AChangeOfMetadataIsNoSignOfLife) {
  world_.Put({.holder = "c", .duration_seconds = 15});
  for (int i = 0; i <= 15; ++i) {
    world_.Round(&a_);
    world_.Put(*world_.lease());
    world_.Advance(absl::Seconds(1));
  }
  EXPECT_TRUE(a_.IsLeader(world_.now()));
}

TEST_F(LeaderStateTest, ALeaderThatCannotRenewStopsBeforeAnyoneElseBegins) {
  world_.Round(&a_);
  world_.Round(&b_);
  world_.CutOff(true);
  for (int i = 0; i < 9; ++i) {
    world_.Advance(absl::Seconds(1));
    world_.Round(&a_);
    EXPECT_TRUE(a_.IsLeader(world_.now()));
  }
  world_.Advance(absl::Seconds(1));
  EXPECT_FALSE(a_.IsLeader(world_.now()));
  world_.CutOff(false);
  world_.Advance(absl::Seconds(4));
  world_.Round(&b_);
  EXPECT_FALSE(b_.IsLeader(world_.now())) << "the lease still stands for a second";
}

TEST_F(LeaderStateTest, AStoppedProcessWakesUpAsNoLeader) {
  world_.Round(&a_);
  world_.Round(&b_);
  world_.Advance(absl::Minutes(1));  // `a` did nothing; nor did its code run to notice.
  world_.Round(&b_);
  EXPECT_FALSE(a_.IsLeader(world_.now()));
  EXPECT_TRUE(b_.IsLeader(world_.now()));
  world_.Round(&a_);
  EXPECT_FALSE(a_.IsLeader(world_.now()));
  EXPECT_EQ(a_.holder(), "b");
}

TEST_F(LeaderStateTest, ALeaderWhoseVersionIsOldReadsOnceAndGoesOn) {
  world_.Round(&a_);
  world_.Put(*world_.lease());  // Someone put a label on it.
  world_.Advance(absl::Seconds(2));
  world_.Round(&a_);
  EXPECT_TRUE(a_.IsLeader(world_.now() + absl::Seconds(9)));
  EXPECT_EQ(world_.lease()->transitions, 0);
}

TEST_F(LeaderStateTest, ALeaderThatFindsAnotherHolderStopsAtOnce) {
  world_.Round(&a_);
  LeaseRecord stolen = *world_.lease();
  stolen.holder = "c";
  world_.Put(stolen);
  world_.Advance(absl::Seconds(2));
  world_.Round(&a_);
  EXPECT_FALSE(a_.IsLeader(world_.now()));
}

TEST_F(LeaderStateTest, OfTwoThatTakeOverTheSameLeaseOneLoses) {
  world_.Put({.holder = "", .duration_seconds = 1});
  world_.Step(&a_);
  world_.Step(&b_);  // Both have read it.
  world_.Round(&a_);
  world_.Round(&b_);
  EXPECT_TRUE(a_.IsLeader(world_.now()));
  EXPECT_FALSE(b_.IsLeader(world_.now()));
}

TEST_F(LeaderStateTest, AReleasedLeaseIsTakenAtOnce) {
  world_.Round(&a_);
  world_.Round(&b_);
  const std::optional<LeaseRecord> release = a_.Release(world_.now(), world_.now());
  ASSERT_TRUE(release.has_value());
  EXPECT_EQ(release->holder, "");
  EXPECT_EQ(release->duration_seconds, 1);
  EXPECT_EQ(release->resource_version, "1");
  world_.Put(*release);
  world_.Round(&b_);
  EXPECT_TRUE(b_.IsLeader(world_.now()));
  EXPECT_FALSE(b_.Release(world_.now() + absl::Minutes(1), world_.now()).has_value());
}

// What it had sent before it was killed may be on its way; another replica would leave it that
// time.
TEST_F(LeaderStateTest, AKilledLeaderThatBeginsAgainLeavesWhatItSentTheTimeThatOthersWould) {
  world_.Round(&a_);
  world_.Advance(absl::Seconds(1));
  LeaderState again{{.identity = "a"}};
  world_.Round(&again);
  EXPECT_FALSE(again.IsLeader(world_.now()));
  world_.Advance(absl::Seconds(5) - absl::Milliseconds(1));
  world_.Round(&again);
  EXPECT_FALSE(again.IsLeader(world_.now()));
  world_.Advance(absl::Milliseconds(1));
  world_.Round(&again);
  EXPECT_TRUE(again.IsLeader(world_.now()));
  EXPECT_EQ(world_.lease()->transitions, 0);
}

TEST_F(LeaderStateTest, ALeaderThatCouldNotRenewForAWhileGoesOnAtOnce) {
  world_.Round(&a_);
  world_.Advance(absl::Seconds(12));
  EXPECT_FALSE(a_.IsLeader(world_.now()));
  world_.Round(&a_);
  EXPECT_TRUE(a_.IsLeader(world_.now()));
}

TEST_F(LeaderStateTest, ACandidateWaitsWithJitterAndALeaderDoesNot) {
  world_.Put({.holder = "c", .duration_seconds = 15});
  a_.OnRead(*world_.lease(), world_.now());
  EXPECT_EQ(a_.Next(world_.now(), world_.now(), 0.5).duration, absl::Seconds(2) * 1.6);
}

TEST(Lease, IsWrittenAndReadWithExactlySixDigits) {
  const LeaseRecord record{.holder = "a",
                           .duration_seconds = 15,
                           .acquire_time = MicroTimeText(absl::UnixEpoch()),
                           .renew_time = MicroTimeText(absl::UnixEpoch() + absl::Nanoseconds(1999)),
                           .transitions = 3,
                           .resource_version = "8"};
  const std::string json = LeaseJson("pmem", "extender", record);
  EXPECT_EQ(json, R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease",)"
                  R"("metadata":{"name":"extender","namespace":"pmem","resourceVersion":"8"},)"
                  R"("spec":{"holderIdentity":"a","leaseDurationSeconds":15,)"
                  R"("acquireTime":"1970-01-01T00:00:00.000000Z",)"
                  R"("renewTime":"1970-01-01T00:00:00.000001Z","leaseTransitions":3}})");
  EXPECT_EQ(*ParseLease(json), record);
  EXPECT_EQ(*ParseLease(R"({"metadata":{}})"), LeaseRecord());
  EXPECT_FALSE(ParseLease(R"({"metadata":{},"spec":{"leaseDurationSeconds":"15"}})").ok());
}

TEST(LeaderOptions, ThatCouldNotBeSafeAreRefused) {
  EXPECT_TRUE(LeaderState::Options{.identity = "a"}.Validate().ok());
  const LeaderState::Options wrong[] = {
      {},
      {.identity = "a", .renew_deadline = absl::Seconds(15)},
      {.identity = "a", .retry_period = absl::Seconds(9)},
      {.identity = "a", .retry_period = absl::ZeroDuration()},
      {.identity = "a",
       .lease_duration = absl::Milliseconds(900),
       .renew_deadline = absl::Milliseconds(600),
       .retry_period = absl::Milliseconds(100)},
  };
  for (const LeaderState::Options& options : wrong) {
    EXPECT_EQ(options.Validate().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace pmem::extender
