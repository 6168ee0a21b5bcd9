// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

class LedgerInvariantsTest : public LedgerTest {
 protected:
  void Check(int objects_max) {
    EXPECT_EQ(ledger_.CheckSomeInvariants(round_, now_, objects_max), absl::OkStatus());
  }
  Ledger::InvariantRound round_;
};

TEST_F(LedgerInvariantsTest, ARoundSeesEveryNodeClaimAndPodOnceInStepsOfAnySize) {
  Start(3, 10 * kGiB);
  Pin(MakeClaim(1, kGiB), "n2");
  AddPod(2, {MakeClaim(2, kGiB)});
  constexpr int kObjects = 3 + 2 + 1;
  for (const int step : {1, 2, 3, 100}) {
    SCOPED_TRACE(step);
    round_ = {};
    int steps = 0;
    for (; round_.rounds == 0; ++steps) Check(step);
    EXPECT_EQ(round_.objects, kObjects);
    EXPECT_EQ(steps, (kObjects + step - 1) / step);
  }
}

TEST_F(LedgerInvariantsTest, TheNextRoundBeginsByItself) {
  Start(3, 10 * kGiB);
  for (int i = 0; i < 3; ++i) Check(100);
  EXPECT_EQ(round_.rounds, 3);
}

TEST_F(LedgerInvariantsTest, AHoldThatOutlivedItsTimeIsFound) {
  Start(1, 10 * kGiB);
  FilterPod(AddPod(1, {MakeClaim(1, kGiB)}));
  now_ += absl::Hours(1);  // And nobody ends what is over.
  EXPECT_FALSE(ledger_.CheckInvariants(now_).ok());
  EXPECT_FALSE(ledger_.CheckSomeInvariants(round_, now_, 1).ok());
}

// The rest: the checks in Apply are all that is looked at. Each dies when the accounting that it
// names is broken (tests/mutation/account_guards.py).

TEST_F(LedgerInvariantsTest, WhatIsAssignedIsComparedWithWhatHasItsPlaceThere) {
  Start(2, 10 * kGiB);
  const Claim claim = MakeClaim(1, 4 * kGiB);
  Pin(claim, "n1");
  Pin(claim, "n2");
  Apply(Seen<Claim>{claim});
}

TEST_F(LedgerInvariantsTest, ExpansionsAndTheRoomBesideThemAreComparedWithTheReport) {
  Start(1, 10 * kGiB);
  const std::string name = "disk-" + Uid(1);
  Claim claim = MakeClaim(1, 4 * kGiB);
  claim.volume_name = name;
  Pin(claim, "n1");
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {{name, 4 * kGiB}})}));
  claim.requested_bytes = 6 * kGiB;
  Pin(claim, "n1");
  ASSERT_EQ(ledger_.nodes().Find("n1")->expansions.size(), 1u);
  Apply(MakeReport("n1", 3, {MakeLvmPool(10 * kGiB, {{name, 6 * kGiB}})}));
  claim.requested_bytes = 7 * kGiB;
  claim = Pin(claim, "n1");
  ASSERT_EQ(ledger_.nodes().Find("n1")->expansions.size(), 1u);
  Apply(Gone<Claim>{claim});
}

TEST_F(LedgerInvariantsTest, ReservationsAreComparedWithWhatThePodsNeed) {
  Start(2, 10 * kGiB);
  const Claim first = MakeClaim(1, kGiB);
  const Claim second = MakeClaim(2, kGiB);
  const Pod pod = AddPod(1, {first, second, MakeClaim(3, kGiB)});
  Pin(first, "n1");
  ASSERT_EQ(ledger_.nodes().Find("n1")->reserved.size(), 2u);
  Pin(second, "n1");
  Pin(second, "n2");
  Pin(first, "n2");
  Apply(Gone<Pod>{pod});
}

}  // namespace
}  // namespace pmem::extender
