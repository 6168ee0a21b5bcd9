// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/said_events.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace pmem::extender {
namespace {

constexpr absl::Time kNow = absl::UnixEpoch();
const SaidEvents::Said kSaid = {"c1", "PinCannotWork"};

SaidEvents::Said Numbered(size_t i) { return {absl::StrCat("c", i), "PinCannotWork"}; }

TEST(SaidEvents, TheSameReasonOnTheSameClaimIsDueAfterAWhile) {
  SaidEvents events;
  EXPECT_TRUE(events.MayBeSaid(kSaid, kNow));
  EXPECT_TRUE(events.Note(kSaid, kNow));
  EXPECT_FALSE(events.MayBeSaid(kSaid, kNow + kClaimEventRepeat - absl::Milliseconds(1)));
  EXPECT_TRUE(events.MayBeSaid(kSaid, kNow + kClaimEventRepeat));
  EXPECT_TRUE(events.MayBeSaid({"c1", "Placed"}, kNow));
  EXPECT_TRUE(events.MayBeSaid({"c2", "PinCannotWork"}, kNow));
}

// When a refused one is due, after each refusal.
TEST(SaidEvents, ARefusedOneIsDueAfterAPauseThatGrowsUntilOneIsWritten) {
  SaidEvents events;
  for (const int seconds : {10, 20, 40, 80, 160, 300, 300}) {
    ASSERT_TRUE(events.Note(kSaid, kNow));
    events.NoteRefused(kSaid, kNow, absl::ZeroDuration());
    const absl::Time due = kNow + absl::Seconds(seconds);
    EXPECT_FALSE(events.MayBeSaid(kSaid, due - absl::Milliseconds(1))) << seconds;
    EXPECT_TRUE(events.MayBeSaid(kSaid, due)) << seconds;
  }
  events.Note(kSaid, kNow);
  events.NoteWritten(kSaid);
  EXPECT_FALSE(events.MayBeSaid(kSaid, kNow + kClaimEventRetryMax));
  events.NoteRefused(kSaid, kNow, absl::ZeroDuration());
  EXPECT_TRUE(events.MayBeSaid(kSaid, kNow + kClaimEventRetryMin)) << "the first refusal again";
}

TEST(SaidEvents, AServerThatSaysWhenToComeBackIsBelievedWithinALimit) {
  const struct {
    absl::Duration retry_after, due;
  } cases[] = {{absl::Seconds(1), kClaimEventRetryMin},
               {absl::Seconds(60), absl::Seconds(60)},
               {absl::Hours(24), kClaimEventRetryMax}};
  for (const auto& c : cases) {
    SaidEvents events;
    events.Note(kSaid, kNow);
    events.NoteRefused(kSaid, kNow, c.retry_after);
    EXPECT_FALSE(events.MayBeSaid(kSaid, kNow + c.due - absl::Milliseconds(1))) << c.retry_after;
    EXPECT_TRUE(events.MayBeSaid(kSaid, kNow + c.due)) << c.retry_after;
  }
}

TEST(SaidEvents, WhatIsNotDueIsNeverForgottenForAnother) {
  SaidEvents events;
  for (size_t i = 0; i < kClaimEventMemoryMax; ++i) ASSERT_TRUE(events.Note(Numbered(i), kNow));
  const SaidEvents::Said one_more = Numbered(kClaimEventMemoryMax);
  EXPECT_FALSE(events.Note(one_more, kNow + kClaimEventRepeat - absl::Milliseconds(1)));
  EXPECT_FALSE(events.MayBeSaid(Numbered(0), kNow));
  EXPECT_TRUE(events.Note(one_more, kNow + kClaimEventRepeat)) << "one of them is due";
  EXPECT_FALSE(events.MayBeSaid(one_more, kNow + kClaimEventRepeat));
}

TEST(SaidEvents, TheAnswerAboutOneThatWasForgottenChangesNothing) {
  SaidEvents events;
  events.NoteWritten(kSaid);
  events.NoteRefused(kSaid, kNow, absl::ZeroDuration());
  EXPECT_TRUE(events.MayBeSaid(kSaid, kNow));
}

}  // namespace
}  // namespace pmem::extender
