// SPDX-License-Identifier: Apache-2.0
// What becomes of pins and their holds when writes, reads and rounds take long.
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "extender/config.h"
#include "tests/unit/extender/placement_testing.h"

namespace pmem::extender {
namespace {

class PlacementInTime : public PlacementControllerTest {
 protected:
  PlacementInTime() { StandStill(LedgerOptions().takeover_window); }

  void StandStill(absl::Duration duration) {
    clock.Advance(duration);
    for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
    service.Tick();
  }

  // Of a pod that asks for 18 GiB, on n1, which has 20.
  Reason AskForMostOfN1() { return Filter(AddPod(3, 18 * kGiB))->reasons[0]; }
};

TEST_F(PlacementInTime, ThePinsRoomStaysHeldWhenItsPodIsDeletedWhileItIsWritten) {
  const Pod pod = AddPodOf(1, {AddImmediate(1, 18 * kGiB)});
  Reason told = Reason::kFits;
  api_.on_patch = [&](const ObjectKey&) {
    Emit(Gone<Pod>{pod});
    StandStill(PinTimes::kDeadline - absl::Milliseconds(1));
    told = AskForMostOfN1();
    return absl::OkStatus();
  };
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(told, Reason::kHeld);
}

// The renewal of the lease was late; another leader may have decided in between.
TEST_F(PlacementInTime, APinThatWasPlannedBeforeTheLeadWasLostIsNotWrittenAfterIt) {
  AddPodOf(1, {AddImmediate(1, 21 * kGiB)});
  AddPodOf(2, {AddImmediate(2, 18 * kGiB)});
  Reason told = Reason::kFits;
  api_.on_patch = [&](const ObjectKey&) {
    clock.Advance(absl::Milliseconds(1));
    service.SetLeading(false);
    service.SetLeading(true);
    StandStill(LedgerOptions().takeover_window + absl::Milliseconds(1));
    told = AskForMostOfN1();
    return absl::OkStatus();
  };
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(told, Reason::kHeld);  // Its write might have been on its way.
}

TEST_F(PlacementInTime, AServerThatWasBusyOnceIsAskedAgainSoonAndNoNodeIsBlamed) {
  AddPodOf(1, {AddImmediate(1, 38 * kGiB)});  // n2 alone has the room.
  const absl::Time begin = clock.SteadyNow();
  api_.on_patch = [&](const ObjectKey&) {
    return api_.patches.size() == 1 ? absl::ResourceExhaustedError("429") : absl::OkStatus();
  };
  while (api_.patches.size() < 2 && clock.SteadyNow() - begin < absl::Minutes(2)) {
    controller_.Tick();
    StandStill(absl::Milliseconds(200));
  }
  EXPECT_LE(clock.SteadyNow() - begin, PinMemory::kLossPatience + absl::Milliseconds(400));
  EXPECT_TRUE(api_.notices.empty());
}

// The list of pods took so long that the lease was lost meanwhile.
TEST_F(PlacementInTime, PodsThatWereReadBeforeTheLeadWasLostAreReadAnewAfterIt) {
  const Claim claim = AddImmediate(1);
  controller_.Tick();
  StandStill(absl::Seconds(1));
  api_.on_list = [this] { service.SetLeading(false); };
  for (int i = 0; i < 2; ++i) controller_.Tick();
  EXPECT_EQ(api_.listed, Names{"default"});
  Pod pod = MakePod(1, {claim});
  pod.node_name = "n2";
  api_.pods["default"] = {pod};
  api_.on_list = [] {};
  clock.Advance(absl::Hours(1));
  service.SetLeading(true);
  StandStill(LedgerOptions().takeover_window);
  for (int i = 0; i < 2; ++i) controller_.Tick();
  ASSERT_EQ(PatchedClaims(), Names{"claim-1"});
  EXPECT_NE(api_.patches[0].json_patch.find(R"("value":"n2")"), std::string::npos);
}

// The use of a node is old before a round has come around: 400 plans of 4 ms, say.
TEST_F(PlacementInTime, AClaimIsPlacedByWhatWasReadForItHoweverLongARoundTakes) {
  PlacementController slow({.judgements_max = 4}, &service, &api_, &clock, &metrics_);
  constexpr int kClaims = 400;
  for (int i = 1; i <= kClaims; ++i) {
    AddPodOf(i, {AddImmediate(i, kGiB)}, i == kClaims / 2 ? 1000 : 100'000);
  }
  const absl::Time begin = clock.SteadyNow();
  while (api_.patches.empty() && clock.SteadyNow() - begin < absl::Minutes(2)) {
    slow.Tick();
    StandStill(absl::Milliseconds(400));
  }
  EXPECT_EQ(PatchedClaims(), (Names{absl::StrCat("claim-", kClaims / 2)}));
}

// The answer to the first PATCH takes too long for the hold of the second to outlive its own.
TEST_F(PlacementControllerTest, APinWhoseHoldMayEndBeforeItIsHeardOfIsGivenUpAndPlannedAgain) {
  const PinTimes times = PinTimesOf(LedgerOptions(), absl::InfiniteDuration());
  const absl::Duration begin_max = LedgerOptions().hold_ttl - times.standing;
  EXPECT_EQ(begin_max, absl::Seconds(15));
  const auto stand_still = [this](absl::Duration duration) {
    clock.Advance(duration);
    for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
  };
  stand_still(LedgerOptions().takeover_window);
  AddPodOf(1, {AddImmediate(1, 38 * kGiB)});
  AddPodOf(2, {AddImmediate(2, 18 * kGiB)});
  api_.on_patch = [&](const ObjectKey& claim) {
    if (claim.name == "claim-1") stand_still(begin_max + absl::Milliseconds(1));
    return absl::OkStatus();
  };
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(api_.patches[0].deadline, PinTimes::kDeadline);
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1", "claim-2"}));
  stand_still(LedgerOptions().hold_ttl - absl::Milliseconds(1));
  service.Tick();
  EXPECT_NE(service.Read([](const Ledger& l, absl::Time) {
    return l.holds().Find(MakePod(2, {}).meta.uid);
  }),
            nullptr);
}

// Its sibling is on its way to a node that nobody has told of.
TEST_F(PlacementControllerTest, AGivenUpPinIsNotPlannedAgainBeforeItsWrittenSiblingIsHeardOf) {
  const Claim first = AddImmediate(1, kGiB);
  AddPodOf(1, {first, AddImmediate(2, kGiB)});
  api_.on_patch = [&](const ObjectKey& claim) {
    if (claim.name == "claim-1") clock.Advance(absl::Seconds(16));
    return absl::OkStatus();
  };
  controller_.Tick();
  Emit(AgentConfirmed{"n2"});  // By now the only node that is fresh.
  clock.Advance(absl::Seconds(10));
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  Claim pinned = first;
  pinned.selected_node = "n1";
  pinned.is_pinned_by_us = true;
  pinned.meta.resource_version = "101";
  Emit(Seen<Claim>{pinned});
  Emit(AgentConfirmed{"n1"});
  controller_.Tick();
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1", "claim-2"}));
  EXPECT_NE(api_.patches[1].json_patch.find(R"("value":"n1")"), std::string::npos);
}

TEST(PinTimes, LeaveTimeToHearOfAWriteWhileItsHoldStands) {
  for (const absl::Duration hold_ttl :
       {kHoldTtlMin, absl::Seconds(12), absl::Seconds(15), absl::Seconds(30), absl::Minutes(5)}) {
    const LedgerOptions options{.hold_ttl = hold_ttl};
    const PinTimes times = PinTimesOf(options, absl::InfiniteDuration());
    EXPECT_LT(times.standing, hold_ttl) << hold_ttl;
    EXPECT_GE(times.deadline, PinTimes::kDeadlineMin) << hold_ttl;
    EXPECT_LE(times.deadline, PinTimes::kDeadline) << hold_ttl;
    EXPECT_EQ(times.standing - times.deadline, options.hold_grace) << hold_ttl;
  }
}

// A write that is begun as the lead ends, and takes its whole time.
TEST(PinTimes, LeaveTimeToHearOfAWriteBeforeTheNextLeaderDecides) {
  const LedgerOptions options;
  for (const int seconds : {1, 5, 10, 30}) {
    const absl::Duration lead_gap = absl::Seconds(seconds);
    const PinTimes times = PinTimesOf(options, lead_gap);
    EXPECT_LE(times.deadline + options.hold_grace, lead_gap + options.takeover_window) << seconds;
    EXPECT_GE(times.deadline, PinTimes::kDeadlineMin) << seconds;
  }
  EXPECT_EQ(PinTimesOf(options, absl::Seconds(5)).deadline, absl::Seconds(5));
  EXPECT_EQ(PinTimesOf(options, absl::Seconds(30)).deadline, PinTimes::kDeadline);
}

class PlacementBesideOtherLeaders : public PlacementControllerTest {
 protected:
  PlacementController elected_{{.lead_gap = absl::Seconds(5)}, &service, &api_, &clock, &metrics_};
};

TEST_F(PlacementBesideOtherLeaders, GivesAWriteNoLongerThanTheNextOneWaits) {
  AddPodOf(1, {AddImmediate(1)});
  elected_.Tick();
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(api_.patches[0].deadline, absl::Seconds(5));
}

}  // namespace
}  // namespace pmem::extender
