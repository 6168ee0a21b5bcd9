// SPDX-License-Identifier: Apache-2.0
// Whose turn it is when there is more to plan than a plan may do.
#include "absl/strings/str_cat.h"
#include "tests/unit/extender/core/pinning_fixture.h"

namespace pmem::extender {
namespace {

TEST_F(PinningTest, ClaimsThatAlwaysWaitForAReadKeepNobodyElseWaiting) {
  for (int i = 1; i <= 20; ++i) {
    Pod pod = MakePod(i, {Add(Immediate(i))});
    pod.requested_cpu_milli = 100;
    AddPod(pod);
  }
  AddPod(MakePod(99, {Add(Immediate(99, kGiB))}));  // Searched for last, and asks for nothing.
  Pairs pins;
  for (int plan = 0; plan < 200 && pins.empty(); ++plan) {
    pins = Pins(PlanPins(ledger_, {.judgements_max = 1}, placed_, uses_, memory_, now_));
    // As if what was read had been too old at once.
    for (const char* node : {"n1", "n2", "n3"}) memory_.NoteRead(PinMemory::NodeKey(node));
  }
  EXPECT_EQ(pins, (Pairs{{"claim-99", "n1"}}));
}

TEST_F(PinningTest, OfMoreUsersThanAreLookedAtEachHasItsTurn) {
  const Claim claim = Add(Immediate(1, kGiB));
  constexpr int kUsers = 150;
  for (int i = 1; i <= kUsers; ++i) {
    Pod pod = MakePod(i, {claim});
    pod.node_selector = {{"kubernetes.io/hostname", i == kUsers ? "n2" : absl::StrCat("x", i)}};
    AddPod(pod);
  }
  Pairs pins;
  for (int round = 0; round < 10 && pins.empty(); ++round) {
    pins = Pins(Plan());
    Pass(absl::Seconds(5));
  }
  EXPECT_EQ(pins, (Pairs{{"claim-1", "n2"}}));
}

// There may be many thousands of them, and rounds come five times a second.
TEST_F(PinningTest, PodsThatComeAreLookedForOnlyWhileSomebodyIsPlacedBesideThem) {
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n1";
  Pod pod = MakePod(1, {Add(claim)});
  pod.requested_cpu_milli = 500;
  AddPod(pod);
  Plan();
  EXPECT_TRUE(memory_.coming().empty());
  AddPod(MakePod(2, {Add(Immediate(2, 100 * kGiB))}));
  Plan();
  EXPECT_TRUE(memory_.coming().contains("n1"));
  // It has arrived, which what was read of the node before does not tell.
  Apply(Gone<Pod>{pod});
  Apply(Gone<Pod>{MakePod(2, {})});
  Pass(absl::Seconds(1));
  Plan();
  EXPECT_FALSE(memory_.coming().contains("n1"));
  EXPECT_EQ(memory_.LastArrival("n1"), now_);
  AddPod(pod);
  Pass(PinMemory::kArrivalsKept);
  Plan();
  EXPECT_TRUE(memory_.coming().empty());
}

}  // namespace
}  // namespace pmem::extender
