// SPDX-License-Identifier: Apache-2.0
#include "extender/ticker.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "extender/attended_clock.h"
#include "tests/unit/extender/service_testing.h"

namespace pmem::extender {
namespace {

class TickerTest : public testing::Test, public ServiceFixture {
 protected:
  // Whether `line` is one of the exposition.
  bool Shows(std::string_view line) {
    return absl::StrContains(metrics_.registry().Text(),
                             absl::StrCat("\n", std::string(line), "\n"));
  }

  // Lines that the component logs while the timer ticks so often.
  int LinesOf(std::string_view component, int ticks) {
    testing::internal::CaptureStderr();
    for (int i = 0; i < ticks; ++i) ticker_.Tick();
    const std::string said = testing::internal::GetCapturedStderr();
    const std::string mark = absl::StrCat("\"component\":\"", std::string(component), "\"");
    int count = 0;
    for (size_t at = said.find(mark); at != std::string::npos; at = said.find(mark, at + 1))
      ++count;
    return count;
  }

  // An hour of ticks takes no time; the agents answer all along.
  void Pass(absl::Duration duration) {
    clock.Advance(duration);
    for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
  }

  ExtenderMetrics metrics_{&service};
  StatusApi status_{&service, &metrics_.registry(), &clock};
  Ticker ticker_{&service, &metrics_, &status_};
};

TEST_F(TickerTest, ABrokenInvariantIsCountedAndToldOfNowAndThen) {
  Begin();
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n1";
  Emit(Seen<Claim>{claim});
  ticker_.Tick();
  EXPECT_TRUE(Shows("pmem_extender_invariants_broken_total 0"));
  // Nobody holds what has its place.
  service.Write([&claim](Ledger& ledger, absl::Time now) {
    ledger.HoldClaim(claim, {claim.meta.uid, PoolKind::kLvm, kGiB}, "n1", now);
  });
  EXPECT_EQ(LinesOf("ledger", Ticker::kTicksAfterRound), 1);
  EXPECT_TRUE(Shows("pmem_extender_invariants_broken_total 1"));
  EXPECT_EQ(LinesOf("ledger", Ticker::kTicksAfterBroken - 1), 0);
  EXPECT_EQ(LinesOf("ledger", 1), 1);
  EXPECT_TRUE(Shows("pmem_extender_invariants_broken_total 2"));
  Pass(LedgerOptions{}.hold_ttl);  // It ends, and the ledger is right again.
  EXPECT_EQ(LinesOf("ledger", 2 * Ticker::kTicksAfterBroken), 0);
}

TEST_F(TickerTest, ADriftIsToldOfWhenItBeginsAndWhenItEnds) {
  Begin();
  ticker_.Tick();
  const std::string unknown = "disk-" + Uid(7);
  Emit(MakeReport("n1", 2, {MakeLvmPool(20 * kGiB, {{unknown, kGiB}})}));
  EXPECT_EQ(LinesOf("drift", 1), 0);
  Pass(LedgerOptions{}.drift_grace + absl::Seconds(1));
  EXPECT_EQ(LinesOf("drift", 2), 1);
  EXPECT_TRUE(Shows("pmem_extender_drifts{kind=\"volume_unclaimed\"} 1"));
  Emit(MakeReport("n1", 3, {MakeLvmPool(20 * kGiB)}));
  EXPECT_EQ(LinesOf("drift", 2), 1);
  EXPECT_TRUE(Shows("pmem_extender_drifts{kind=\"volume_unclaimed\"} 0"));
}

TEST_F(TickerTest, OfManyDriftsAtOnceTheFirstAreNamedAndTheOthersCounted) {
  Begin();
  ticker_.Tick();
  std::vector<VolumeReport> volumes;
  for (int i = 0; i < static_cast<int>(Ticker::kDriftLinesMax) + 2; ++i) {
    volumes.push_back({"disk-" + Uid(i), kGiB / 4});
  }
  Emit(MakeReport("n1", 2, {MakeLvmPool(20 * kGiB, volumes)}));
  ticker_.Tick();
  Pass(LedgerOptions{}.drift_grace + absl::Seconds(1));
  EXPECT_EQ(LinesOf("drift", 1), static_cast<int>(Ticker::kDriftLinesMax) + 1);
}

TEST_F(TickerTest, ItSleepsUntilSomethingEndsButNeverForLong) {
  Begin();
  for (int i = 1; i < Ticker::kTicksToSettle; ++i) EXPECT_EQ(ticker_.Tick(), Ticker::kPeriod);
  Pass(LedgerOptions{}.takeover_window);
  EXPECT_EQ(ticker_.Tick(), Ticker::kIdlePeriod);
  Filter(AddPod(1, kGiB));
  const absl::Duration soon = absl::Milliseconds(200);
  Pass(LedgerOptions{}.hold_ttl - soon);
  EXPECT_EQ(ticker_.Tick(), soon) << "the hold ends";
  Pass(soon);
  EXPECT_EQ(ticker_.Tick(), Ticker::kIdlePeriod);
}

// Else a process in which nothing happens would seem to stand still.
TEST_F(TickerTest, ItAsksForTheTimeSeveralTimesWhileThatMayBeLeftOut) {
  EXPECT_LE(4 * Ticker::kIdlePeriod, AttendedClock::kSilenceMax);
}

TEST_F(TickerTest, ItDoesNotSleepWhereOneTickDoesNotLookAtAllNodes) {
  Begin();
  for (int i = 0; i < Ticker::kTicksToSettle; ++i) ticker_.Tick();
  AgentsListed many;
  for (int i = 0; i <= Ticker::kStepsPerTick * LedgerService::kDriftNodesPerLook; ++i) {
    many.nodes.push_back(absl::StrCat("n", i));
  }
  Emit(many);
  EXPECT_EQ(ticker_.Tick(), Ticker::kPeriod);
}

TEST_F(TickerTest, ThatVerbsAreDecidedIsToldOnceAndThatTheyAreNoLongerToo) {
  EXPECT_EQ(LinesOf("ledger", 2), 0);
  Begin();
  EXPECT_EQ(LinesOf("ledger", 2), 1);
  service.SetLeading(false);
  EXPECT_EQ(LinesOf("ledger", 2), 1);
}

}  // namespace
}  // namespace pmem::extender
