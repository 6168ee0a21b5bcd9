// SPDX-License-Identifier: Apache-2.0
#include "extender/core/refused_writes.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace pmem::extender {
namespace {

using Kind = CapacityChange::Kind;

constexpr absl::Time kNow = absl::UnixEpoch();

CapacityChange Change(Kind kind, std::string name = "a") {
  return {.kind = kind, .name = std::move(name)};
}

TEST(RefusedWrites, EachIsLeftAloneForLongerUpToAMinute) {
  RefusedWrites refused;
  absl::Time now = kNow;
  EXPECT_TRUE(refused.MayTry(Change(Kind::kCreate), now));
  for (const int seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    const absl::Duration pause = absl::Seconds(seconds);
    EXPECT_EQ(refused.Note(Change(Kind::kCreate), now), pause);
    EXPECT_FALSE(refused.MayTry(Change(Kind::kCreate), now + pause - absl::Milliseconds(1)));
    now += pause;
    EXPECT_TRUE(refused.MayTry(Change(Kind::kCreate), now));
  }
}

TEST(RefusedWrites, OtherObjectsAndOtherKindsOfWritesAreNotHeldBack) {
  RefusedWrites refused;
  refused.Note(Change(Kind::kReplace), kNow);
  EXPECT_FALSE(refused.MayTry(Change(Kind::kReplace), kNow));
  EXPECT_TRUE(refused.MayTry(Change(Kind::kReplace, "b"), kNow));
  EXPECT_TRUE(refused.MayTry(Change(Kind::kCreate), kNow));
  EXPECT_TRUE(refused.MayTry(Change(Kind::kDelete), kNow));
}

TEST(RefusedWrites, AreForgottenOnceNothingHasToBeWrittenOfTheirObject) {
  RefusedWrites refused;
  refused.Note(Change(Kind::kReplace), kNow);
  refused.KeepOnly({Change(Kind::kCreate)});
  EXPECT_FALSE(refused.MayTry(Change(Kind::kReplace), kNow))
      << "made anew, not yet as it should be";
  refused.KeepOnly({Change(Kind::kReplace, "b")});
  EXPECT_TRUE(refused.MayTry(Change(Kind::kReplace), kNow));
  EXPECT_EQ(refused.Note(Change(Kind::kReplace), kNow), kRefusedPauseMin);
}

TEST(RefusedWrites, NoMoreAreRememberedThanTheirMost) {
  RefusedWrites refused;
  for (size_t i = 0; i < kRefusedWritesMax; ++i) {
    EXPECT_TRUE(refused.Note(Change(Kind::kCreate, absl::StrCat(i)), kNow));
  }
  EXPECT_FALSE(refused.Note(Change(Kind::kCreate, "one more"), kNow));
  EXPECT_TRUE(refused.MayTry(Change(Kind::kCreate, "one more"), kNow));
  EXPECT_TRUE(refused.Note(Change(Kind::kCreate, "0"), kNow)) << "known already";
}

}  // namespace
}  // namespace pmem::extender
