// SPDX-License-Identifier: Apache-2.0
#include "extender/core/reflector_state.h"

#include <gtest/gtest.h>

#include <ostream>

namespace pmem::extender {

// What gtest prints when a request is not the expected one.
void PrintTo(const ReflectorRequest& request, std::ostream* os) {
  *os << "kind " << static_cast<int>(request.kind) << " version \"" << request.resource_version
      << "\" continue \"" << request.continue_token << "\" anew " << request.begins_anew
      << " delay " << absl::FormatDuration(request.delay);
}

namespace {

using Kind = ReflectorRequest::Kind;

const absl::Time kStart = absl::UnixEpoch();

// A state that has published a list of version "10" and is watching.
ReflectorState Synced() {
  ReflectorState state;
  state.Next(0);
  state.OnListEnd("10", "");
  state.Next(0);
  state.OnStreamBegin(kStart);
  return state;
}

ReflectorRequest Watch(std::string version, absl::Duration delay = absl::ZeroDuration()) {
  return {.kind = Kind::kWatch, .resource_version = std::move(version), .delay = delay};
}

ReflectorRequest Anew(absl::Duration delay = absl::ZeroDuration()) {
  return {.kind = Kind::kList, .begins_anew = true, .delay = delay};
}

TEST(ReflectorState, AListIsPublishedAtItsEndAndWatchedFromItsVersion) {
  ReflectorState state;
  EXPECT_EQ(state.Next(0.5), Anew());
  EXPECT_FALSE(state.is_synced());
  EXPECT_EQ(state.OnListEnd("9", ""), ReflectorAction::kPublish);
  EXPECT_TRUE(state.is_synced());
  EXPECT_EQ(state.resource_version(), "9");
  EXPECT_EQ(state.Next(0), Watch("9"));
  state.OnStreamBegin(kStart);
  EXPECT_EQ(state.OnEvent(WatchEventType::kModified, "11"), ReflectorAction::kApply);
  state.OnStreamEnd(kStart + absl::Minutes(6));
  EXPECT_EQ(state.Next(0), Watch("11"));
}

TEST(ReflectorState, AListThatIsOlderThanWhatTheWatchToldIsOfAServerThatWasSetBack) {
  ReflectorState state = Synced();
  state.OnEvent(WatchEventType::kModified, "11");
  state.Relist();
  state.Next(0);
  EXPECT_EQ(state.OnListEnd("10", ""), ReflectorAction::kPublishSetBack);
  EXPECT_EQ(state.Next(0), Watch("10"));
  state.Relist();
  state.Next(0);
  EXPECT_EQ(state.OnListEnd("10", ""), ReflectorAction::kPublish) << "from then on it goes on";
}

// A server whose data was restored from a backup takes a watch from what it has not reached yet.
TEST(ReflectorState, AfterAStreamThatWasMuteForTooLongTheListTells) {
  ReflectorState state = Synced();
  state.OnFailure({}, kStart + kReflectorHealthyAfter);
  EXPECT_EQ(state.Next(0), Anew(kReflectorBackoffMin));
  EXPECT_EQ(state.OnListEnd("9", ""), ReflectorAction::kPublishSetBack);
  EXPECT_EQ(state.Next(0), Watch("9"));
}

TEST(ReflectorState, AStreamThatBrokeSoonerOrBroughtABookmarkIsGoneOnWith) {
  ReflectorState state = Synced();
  state.OnFailure({}, kStart + kReflectorHealthyAfter - absl::Milliseconds(1));
  EXPECT_EQ(state.Next(0).kind, Kind::kWatch);
  state.OnStreamBegin(kStart);
  state.OnEvent(WatchEventType::kBookmark, "11");
  state.OnFailure({}, kStart + absl::Minutes(6));
  EXPECT_EQ(state.Next(0).kind, Kind::kWatch);
}

TEST(ReflectorState, AServerThatSendsLessAtOnceIsAskedForTheRest) {
  ReflectorState state;
  state.Next(0);
  EXPECT_EQ(state.OnListEnd("20", "token"), ReflectorAction::kNothing);
  EXPECT_EQ(state.Next(0), (ReflectorRequest{.kind = Kind::kList, .continue_token = "token"}));
  EXPECT_FALSE(state.is_synced());
  EXPECT_EQ(state.OnListEnd("20", ""), ReflectorAction::kPublish);
  EXPECT_EQ(state.Next(0), Watch("20"));
}

TEST(ReflectorState, BookmarksAdvanceTheVersion) {
  ReflectorState state = Synced();
  EXPECT_EQ(state.OnEvent(WatchEventType::kBookmark, "77"), ReflectorAction::kNothing);
  state.OnStreamEnd(kStart + absl::Minutes(6));
  EXPECT_EQ(state.Next(0), Watch("77"));
}

TEST(ReflectorState, AFailedListBeginsFromItsBegin) {
  ReflectorState state;
  state.Next(0);
  state.OnListEnd("20", "token");
  state.Next(0);
  state.OnFailure({.code = 410, .reason = "Expired"}, kStart);
  EXPECT_EQ(state.Next(0), Anew(kReflectorBackoffMin));
}

class Gone : public ::testing::TestWithParam<ApiFailure> {};

TEST_P(Gone, BeginsAnewAtOnceAsStatusAndAsEvent) {
  ReflectorState by_status = Synced();
  by_status.OnFailure(GetParam(), kStart + absl::Minutes(1));
  EXPECT_EQ(by_status.Next(0.5), Anew());
  EXPECT_TRUE(by_status.is_synced()) << "what was known stands until the new set is whole";

  ReflectorState by_event = Synced();
  by_event.OnErrorEvent(GetParam(), kStart + absl::Minutes(1));
  EXPECT_EQ(by_event.Next(0.5), Anew());
}

INSTANTIATE_TEST_SUITE_P(Forms, Gone,
                         ::testing::Values(ApiFailure{.code = 410, .reason = "Expired"},
                                           ApiFailure{.code = 410, .reason = "Gone"},
                                           ApiFailure{.code = 410},
                                           ApiFailure{.code = 0, .reason = "Expired"}));

TEST(ReflectorState, GoneAgainAndAgainIsSlowedDown) {
  ReflectorState state = Synced();
  state.OnFailure({.code = 410}, kStart);
  state.Next(0);
  state.OnStreamBegin(kStart);
  state.OnFailure({.code = 410}, kStart);
  EXPECT_EQ(state.Next(0), Anew(kReflectorBackoffMin));
  state.OnFailure({.code = 410}, kStart);
  EXPECT_EQ(state.Next(0), Anew(kReflectorBackoffMin * 2));
}

TEST(ReflectorState, AVersionFromTheFutureBeginsAnewAfterTheTimeTheServerSays) {
  ReflectorState state = Synced();
  state.OnFailure({.code = 504,
                   .reason = "Timeout",
                   .is_too_large_version = true,
                   .retry_after = absl::Seconds(5)},
                  kStart);
  EXPECT_EQ(state.Next(0), Anew(absl::Seconds(5)));
}

TEST(ReflectorState, TooManyRequestsKeepsTheVersionAndWaits) {
  ReflectorState state = Synced();
  state.OnFailure({.code = 429, .retry_after = absl::Seconds(7)}, kStart);
  EXPECT_EQ(state.Next(0), Watch("10", absl::Seconds(7)));
  state.OnFailure({.code = 429, .retry_after = absl::Hours(7)}, kStart);
  EXPECT_EQ(state.Next(0), Watch("10", kReflectorRetryAfterMax));
}

TEST(ReflectorState, FailuresBackOffDoublingUpToTheLimitWithJitter) {
  const std::pair<int, absl::Duration> limits[] = {{0, kReflectorBackoffUnansweredMax},
                                                   {503, kReflectorBackoffMax}};
  for (const auto& [code, max] : limits) {
    SCOPED_TRACE(code);
    ReflectorState state = Synced();
    absl::Duration expected = kReflectorBackoffMin;
    for (int i = 0; i < 10; ++i) {
      state.OnFailure({.code = code}, kStart);
      EXPECT_EQ(state.Next(0.5), Watch("10", expected * 1.5));
      expected = std::min(expected * 2, max);
    }
    EXPECT_EQ(expected, max);
  }
}

TEST(ReflectorState, GoneAfterAnOutageIsNotDelayedByTheOutage) {
  ReflectorState state = Synced();
  for (int i = 0; i < 5; ++i) state.OnFailure({}, kStart);
  state.Next(0);
  state.OnErrorEvent({.code = 410, .reason = "Expired"}, kStart);
  EXPECT_EQ(state.Next(0.5), Anew());
}

TEST(ReflectorState, TwoHealthyMinutesForgetTheBackoff) {
  ReflectorState state = Synced();
  state.OnFailure({}, kStart);
  state.Next(0);
  state.OnFailure({}, kStart + absl::Seconds(1));
  state.Next(0);
  state.OnStreamBegin(kStart + kReflectorHealthyAfter);
  state.OnFailure({}, kStart + absl::Seconds(1) + kReflectorHealthyAfter);
  EXPECT_EQ(state.Next(0), Watch("10", kReflectorBackoffMin));
}

TEST(ReflectorState, ANormalEndContinuesAtOnceButAnEmptyShortStreamDoesNot) {
  ReflectorState state = Synced();
  state.OnStreamEnd(kStart + kReflectorShortStream);
  EXPECT_EQ(state.Next(0), Watch("10"));
  state.OnStreamBegin(kStart);
  state.OnStreamEnd(kStart + kReflectorShortStream / 2);
  EXPECT_EQ(state.Next(0), Watch("10", kReflectorBackoffMin));
}

TEST(ReflectorState, ShortStreamsThatFollowEachOtherAreSpacedWhateverTheyBring) {
  ReflectorState state = Synced();
  const auto end_after = [&state](absl::Duration duration) {
    state.OnStreamBegin(kStart);
    state.OnEvent(WatchEventType::kBookmark, "11");
    state.OnStreamEnd(kStart + duration);
    return state.Next(0).delay;
  };
  EXPECT_EQ(end_after(absl::Milliseconds(5)), absl::ZeroDuration()) << "once is nothing";
  EXPECT_EQ(end_after(absl::Milliseconds(5)), kReflectorSpacingMin);
  EXPECT_EQ(end_after(absl::Milliseconds(5)), 2 * kReflectorSpacingMin);
  for (int i = 0; i < 10; ++i) end_after(absl::Milliseconds(5));
  EXPECT_EQ(end_after(absl::Milliseconds(5)), kReflectorSpacingMax);
  EXPECT_EQ(end_after(kReflectorShortStream), absl::ZeroDuration());
  EXPECT_EQ(end_after(absl::Milliseconds(5)), absl::ZeroDuration()) << "a long one came between";
  EXPECT_EQ(end_after(absl::Milliseconds(5)), kReflectorSpacingMin);
}

TEST(ReflectorState, AnErrorEventOfUnknownKindBeginsAnewSlowly) {
  ReflectorState state = Synced();
  state.OnErrorEvent({.code = 500}, kStart);
  EXPECT_EQ(state.Next(0), Anew(kReflectorBackoffMin));
}

TEST(ReflectorState, ForbiddenWaitsAndAsksTheSameAgain) {
  ReflectorState state;
  state.Next(0);
  state.OnFailure({.code = 403, .reason = "Forbidden"}, kStart);
  EXPECT_EQ(state.Next(0), Anew(kReflectorBackoffMin));
}

TEST(ReflectorState, AListThatBrokeOffIsCollectedAnew) {
  ReflectorState state;
  state.Next(0);
  state.OnFailure({}, kStart);
  EXPECT_EQ(state.Next(0), Anew(kReflectorBackoffMin));
}

}  // namespace
}  // namespace pmem::extender
