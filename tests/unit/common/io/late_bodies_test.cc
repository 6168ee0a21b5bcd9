// SPDX-License-Identifier: Apache-2.0
#include "common/io/late_bodies.h"

#include <gtest/gtest.h>

namespace pmem {
namespace {

struct Counter final : LateBodies::Waiter {
  void Expire() noexcept override { ++count; }
  int count = 0;
};

class LateBodiesTest : public testing::Test {
 protected:
  // How often it was told after a look `late_by` after its deadline, and after a second one.
  int Told(absl::Duration late_by) {
    bodies_.Look(now_ + late_by);
    bodies_.Look(now_ + late_by);
    return waiter_->count;
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  std::shared_ptr<Counter> waiter_ = std::make_shared<Counter>();
  LateBodies bodies_;
  const LateBodies::Key key_ = bodies_.Add(now_, waiter_);
};

TEST_F(LateBodiesTest, NobodyIsToldBeforeTheDeadline) { EXPECT_EQ(Told(-absl::Nanoseconds(1)), 0); }

TEST_F(LateBodiesTest, WhoIsLateIsToldOnce) { EXPECT_EQ(Told(absl::ZeroDuration()), 1); }

TEST_F(LateBodiesTest, WhoseBytesCameIsNotTold) {
  bodies_.Remove(key_);
  EXPECT_EQ(Told(absl::Hours(1)), 0);
}

TEST_F(LateBodiesTest, OthersOfTheSameDeadlineAreToldToo) {
  const auto other = std::make_shared<Counter>();
  const LateBodies::Key other_key = bodies_.Add(now_, other);
  bodies_.Remove(key_);
  EXPECT_EQ(Told(absl::ZeroDuration()), 0);
  EXPECT_EQ(other->count, 1);
  bodies_.Remove(other_key);  // Once more than needed.
}

TEST_F(LateBodiesTest, ALookTellsWhetherBytesAreWaitedFor) {
  EXPECT_TRUE(bodies_.Look(now_ - absl::Nanoseconds(1)));
  EXPECT_FALSE(bodies_.Look(now_)) << "it is late";
}

TEST_F(LateBodiesTest, WhoWentAwayKeepsNobodyFromBeingTold) {
  const auto other = std::make_shared<Counter>();
  bodies_.Add(now_, other);
  waiter_.reset();
  bodies_.Look(now_);
  EXPECT_EQ(other->count, 1);
}

}  // namespace
}  // namespace pmem
