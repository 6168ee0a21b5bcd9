// SPDX-License-Identifier: Apache-2.0
#include "extender/attended_clock.h"

#include <gtest/gtest.h>

#include "tests/unit/extender/service_testing.h"

namespace pmem::extender {
namespace {

class AttendedClockTest : public testing::Test {
 protected:
  absl::Duration PassesWithin(absl::Duration real) {
    const absl::Time begin = clock_.SteadyNow();
    real_.Advance(real);
    return clock_.SteadyNow() - begin;
  }

  FakeClock real_;
  AttendedClock clock_{&real_};
};

TEST_F(AttendedClockTest, TimePassesWhileSomebodyAsks) {
  for (const absl::Duration pause : {absl::Milliseconds(100), AttendedClock::kSilenceMax}) {
    EXPECT_EQ(PassesWithin(pause), pause);
  }
}

TEST_F(AttendedClockTest, WhatNobodyAskedInIsLeftOutForGood) {
  EXPECT_EQ(PassesWithin(absl::Minutes(10)), AttendedClock::kSilenceMax);
  EXPECT_EQ(PassesWithin(absl::Milliseconds(300)), absl::Milliseconds(300));
  EXPECT_EQ(clock_.WallNow(), real_.WallNow()) << "what people see is left as it is";
}

// The old leader's last answer became a selected-node while we stood still, and that event is
// still in the socket when the first question is decided.
TEST_F(AttendedClockTest, ATakeoverIsNotOverBecauseTheProcessStoodStill) {
  FakeLiveReader live;
  LedgerService service({.hold_wait_max = absl::ZeroDuration()}, &live, &clock_);
  const auto emit = [&service](Event event) { service.Emit(std::move(event)); };
  const Claim theirs = MakeClaim(1, 15 * kGiB);
  const Claim ours = MakeClaim(2, 15 * kGiB);
  live.Add(ours);
  service.SetLeading(true);
  for (const Event& event : ListsOf({.nodes = {ServiceFixture::MakeNode("n1")},
                            .claims = {theirs, ours},
                            .classes = {MakeClass("pmem-lvm")},
                            .agents = {"n1"}})) {
    emit(event);
  }
  emit(MakeReport("n1", 1, {MakeLvmPool(20 * kGiB)}));
  constexpr std::string_view kNodes[] = {"n1"};
  const auto ask = [&] {
    return service.Filter(MakePod(2, {ours}), kNodes, LedgerService::Patience::kBlocks)->reasons;
  };
  real_.Advance(absl::Minutes(10));
  EXPECT_EQ(ask(), std::vector<Reason>{Reason::kHeld});
  for (int i = 0; i < 600; ++i) {
    real_.Advance(absl::Milliseconds(100));
    service.Tick();
  }
  emit(AgentConfirmed{"n1"});
  EXPECT_EQ(ask(), std::vector<Reason>{Reason::kFits}) << "nobody said where it went";
}

// Pods that somebody else placed meanwhile are still in the sockets.
TEST_F(AttendedClockTest, WhatWasKnownBeforeALongPauseIsNotCountedOnUntilAgentsHaveAnswered) {
  FakeLiveReader live;
  LedgerService service({.hold_wait_max = absl::ZeroDuration()}, &live, &clock_);
  service.SetLeftOut([this] { return clock_.LeftOut(); });
  const Claim claim = MakeClaim(1, 15 * kGiB);
  live.Add(claim);
  service.SetLeading(true);
  for (const Event& event : ListsOf({.nodes = {ServiceFixture::MakeNode("n1")},
                            .claims = {claim},
                            .classes = {MakeClass("pmem-lvm")},
                            .agents = {"n1"}})) {
    service.Emit(event);
  }
  service.Emit(MakeReport("n1", 1, {MakeLvmPool(20 * kGiB)}));
  const Pod pod = MakePod(1, {claim});
  constexpr std::string_view kNodes[] = {"n1"};
  const auto ask = [&] {
    return service.Filter(pod, kNodes, LedgerService::Patience::kBlocks)->reasons;
  };
  const std::vector<Reason> fits = {Reason::kFits};
  EXPECT_EQ(ask(), fits);
  real_.Advance(LedgerOptions{}.hold_grace);
  EXPECT_EQ(ask(), fits) << "as late as news may always be";
  real_.Advance(absl::Minutes(10));
  EXPECT_EQ(ask(), std::vector<Reason>{Reason::kHeld});
  EXPECT_EQ(service.GetPauses(), 1);
  real_.Advance(absl::Milliseconds(100));
  service.Emit(AgentConfirmed{"n1"});
  EXPECT_EQ(ask(), fits);
}

}  // namespace
}  // namespace pmem::extender
