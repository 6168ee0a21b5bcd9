// SPDX-License-Identifier: Apache-2.0
// Pins that lead nowhere are taken away; and what is left to do where none is to be written.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/unit/extender/placement_testing.h"

namespace pmem::extender {
namespace {

TEST_F(PlacementControllerTest, APinOnANodeWithoutPersistentMemoryIsTakenAwayAndTold) {
  Node plain;
  plain.meta.key.name = "n9";
  Emit(Seen<Node>{plain});
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n9";
  claim.is_pinned_by_scheduler = true;
  Emit(Seen<Claim>{claim});
  controller_.Tick();
  clock.Advance(absl::Seconds(30));
  controller_.Tick();
  controller_.Tick();
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(api_.patches[0].json_patch, UnpinPatch({.claim = claim, .node = "n9"}));
  EXPECT_TRUE(api_.asked_nodes.empty());
  const auto told = std::count_if(
      api_.notices.begin(), api_.notices.end(),
      [](const Notice& notice) { return notice.reason == NoticeReason::kPinTakenAway; });
  EXPECT_EQ(told, 1);
}

// The API server takes 5 s for each of them and does not say what became of it.
class PlacementAmongDeadEnds : public PlacementControllerTest {
 protected:
  static constexpr int kDeadEnds = 20;

  PlacementAmongDeadEnds() {
    Node plain;
    plain.meta.key.name = "n9";
    Emit(Seen<Node>{plain});
    for (int i = 1; i <= kDeadEnds; ++i) {
      Claim claim = MakeClaim(i, kGiB);
      claim.selected_node = "n9";
      claim.is_pinned_by_scheduler = true;
      Emit(Seen<Claim>{claim});
    }
    controller_.Tick();
    StandStill(absl::Seconds(30) - PlacementController::kWakeDelay);
    api_.on_patch = [this](const ObjectKey&) {
      StandStill(PlacementController::kLookupTimeMax);
      return absl::DeadlineExceededError("silence");
    };
  }

  void StandStill(absl::Duration duration) {
    clock.Advance(duration);
    for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
  }
};

TEST_F(PlacementAmongDeadEnds, ARefusedPodIsWokenUpInTime) {
  Filter(AddPod(100, 50 * kGiB));
  controller_.Tick();
  Emit(MakeReport("n1", 2, {MakeLvmPool(60 * kGiB)}));
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), Names());
  StandStill(PlacementController::kWakeDelay);
  controller_.Tick();
  EXPECT_EQ(PatchedClaims().size(), 1U);
  EXPECT_EQ(api_.wake_ups, 1);
}

TEST_F(PlacementAmongDeadEnds, EachHasItsTurn) {
  StandStill(PlacementController::kWakeDelay);
  for (int i = 0; i < kDeadEnds; ++i) controller_.Tick();
  const Names patched = PatchedClaims();
  EXPECT_EQ(std::set<std::string>(patched.begin(), patched.end()).size(), size_t{kDeadEnds});
}

// --placement-controller=false
class PlacementWithoutPins : public PlacementControllerTest {
 protected:
  Metrics metrics_of_it_{"test", "1"};
  PlacementController without_pins_{
      {.writes_pins = false}, &service, &api_, &clock, &metrics_of_it_};
};

TEST_F(PlacementWithoutPins, NoneIsWrittenOrTakenAwayAndUsersAreTold) {
  AddPodOf(1, {AddImmediate(1)});
  Claim gone = AddImmediate(2);
  gone.selected_node = "n9";
  gone.is_pinned_by_us = true;
  Emit(Seen<Claim>{gone});
  without_pins_.Tick();
  clock.Advance(absl::Seconds(30));
  without_pins_.Tick();
  EXPECT_EQ(PatchedClaims(), Names());
  EXPECT_EQ(Holds(), 0);
  ASSERT_EQ(api_.notices.size(), 1U);
  EXPECT_EQ(api_.notices[0].reason, NoticeReason::kPinnedNodeGone);
}

TEST_F(PlacementWithoutPins, RefusedPodsAreWokenUp) {
  Filter(AddPod(1, 50 * kGiB));
  without_pins_.Tick();
  Emit(MakeReport("n1", 2, {MakeLvmPool(60 * kGiB)}));
  without_pins_.Tick();
  clock.Advance(PlacementController::kWakeDelay);
  without_pins_.Tick();
  EXPECT_EQ(api_.wake_ups, 1);
}

}  // namespace
}  // namespace pmem::extender
