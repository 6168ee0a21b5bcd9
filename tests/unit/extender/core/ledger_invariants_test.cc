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

TEST_F(LedgerInvariantsTest, ARoundSeesEveryNodeAndClaimOnceInStepsOfAnySize) {
  Start(3, 10 * kGiB);
  Pin(MakeClaim(1, kGiB), "n2");
  AddPod(2, {MakeClaim(2, kGiB)});
  constexpr int kObjects = 3 + 2;
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

}  // namespace
}  // namespace pmem::extender
