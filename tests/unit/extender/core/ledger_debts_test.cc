// SPDX-License-Identifier: Apache-2.0
// Debts past their time end when their node's agent answers, or is gone; and there are not too
// many of them.
#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

class LedgerDebtsTest : public LedgerTest {};

// The first look after that is at this node alone.
TEST_F(LedgerDebtsTest, ADebtEndsWithTheFirstAnswerAfterItsTime) {
  Start(2, 10 * kGiB);
  for (const int number : {1, 2}) {
    Apply(Gone<Claim>{Pin(MakeClaim(number, kGiB), "n" + std::to_string(number))});
  }
  Pass(LedgerOptions{}.debt_grace);
  EXPECT_EQ(ledger_.nodes().Find("n1")->debts.size(), 1u);
  const int64_t version = ledger_.version();
  ledger_.Apply(AgentConfirmed{"n1"}, now_);
  EXPECT_TRUE(ledger_.nodes().Find("n1")->debts.empty());
  EXPECT_GT(ledger_.version(), version) << "who waits for room is told";
  EXPECT_EQ(ledger_.nodes().Find("n2")->debts.size(), 1u);
  ledger_.Apply(MakeReport("n2", 1, {MakeLvmPool(10 * kGiB)}), now_);  // The same again.
  EXPECT_TRUE(ledger_.nodes().Find("n2")->debts.empty());
}

TEST_F(LedgerDebtsTest, ADebtWhoseTimeIsOverEndsWithItsAgent) {
  Start(1, 10 * kGiB);
  Apply(Gone<Claim>{Pin(MakeClaim(1, kGiB), "n1")});
  Pass(LedgerOptions{}.debt_grace);
  EXPECT_EQ(ledger_.nodes().Find("n1")->debts.size(), 1u);
  Apply(AgentsListed{});
  EXPECT_TRUE(ledger_.nodes().Find("n1")->debts.empty());
}

// Its agent is silent, perhaps for days: what is remembered of the node is not void all that time.
TEST_F(LedgerDebtsTest, ADebtThatWaitsForItsAgentChangesNothingMeanwhile) {
  Start(1, 10 * kGiB);
  Apply(Gone<Claim>{Pin(MakeClaim(1, kGiB), "n1")});
  Pass(LedgerOptions{}.debt_grace);
  const auto stamp = [this] { return ledger_.nodes().StampOf(ledger_.nodes().FindId("n1")); };
  const uint32_t before = stamp();
  for (int i = 0; i < 3; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(stamp(), before);
  EXPECT_EQ(ledger_.nodes().Find("n1")->debts.size(), 1u);
}

TEST_F(LedgerDebtsTest,
       WhereNewAgentsWouldBeOwedTooMuchNodesTakeNothingUntilTheirAgentsHaveAnsweredLater) {
  Restart({.unseen_debts_max = 3});
  Start(1, 10 * kGiB);
  for (int number : {1, 2}) Apply(Seen<Claim>{MakeClaim(number, kGiB)});
  Apply(Relisted<Claim>{});
  EXPECT_EQ(ledger_.counters().debts_made, 2);
  Apply(AgentsListed{{"n1", "n2", "n3"}});
  EXPECT_EQ(ledger_.counters().debts_made, 2);
  Apply(MakeReport("n2", 1, {MakeLvmPool(10 * kGiB)}));
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(3, kGiB)})), Names{});
}

TEST_F(LedgerDebtsTest, DebtsOnAgentsThatAreHeardOfOneByOneAreCountedTogether) {
  Restart({.unseen_debts_max = 4});
  Start(1, 10 * kGiB);
  for (int number : {1, 2}) Apply(Seen<Claim>{MakeClaim(number, kGiB)});
  Apply(Relisted<Claim>{});
  Apply(AgentsListed{{"n1", "n2"}});
  EXPECT_EQ(ledger_.counters().debts_made, 4);
  Apply(AgentsListed{{"n1", "n2", "n3"}});
  EXPECT_EQ(ledger_.counters().debts_made, 4);
  Apply(MakeReport("n3", 1, {MakeLvmPool(10 * kGiB)}));
  names_ = {"n3"};
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(3, kGiB)})), Names{});
}

// An account of thousands of claims on thousands of nodes would take all memory there is.
TEST_F(LedgerDebtsTest,
       WhereAListMissesTooManyClaimsNodesTakeNothingUntilTheirAgentsHaveAnsweredLater) {
  Restart({.unseen_debts_max = 3});
  Start(2, 10 * kGiB);
  for (int number : {1, 2}) Apply(Seen<Claim>{MakeClaim(number, kGiB)});
  Apply(Relisted<Claim>{});
  EXPECT_EQ(ledger_.counters().debts_made, 0);
  const Pod pod = AddPod(3, {MakeClaim(3, kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{});
  EXPECT_EQ(reasons_, (std::vector<Reason>{Reason::kHeld, Reason::kHeld}));
  EXPECT_EQ(ledger_.DebtEndOn("n1"), now_ + ledger_.options().debt_grace);  // It is asked then.
  Pass(ledger_.options().debt_grace);
  EXPECT_EQ(FilterPod(pod), Names{});
  Apply(AgentConfirmed{"n2"});
  EXPECT_EQ(FilterPod(pod), Names{"n2"});
}

TEST_F(LedgerDebtsTest,
       ATakeoverOfTooManyClaimsLetsNodesTakeNothingUntilTheirAgentsHaveAnsweredLater) {
  Restart({.takeover_holds_max = 3});
  Start(2, 10 * kGiB);
  for (int number : {1, 2}) Apply(Seen<Claim>{MakeClaim(number, kGiB)});
  ledger_.BeginTakeover(now_);
  EXPECT_TRUE(ledger_.holds().IsEmpty());
  const Pod pod = AddPod(3, {MakeClaim(3, kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{});
  EXPECT_EQ(reasons_, (std::vector<Reason>{Reason::kHeld, Reason::kHeld}));
  Pass(ledger_.options().takeover_window);
  Apply(AgentConfirmed{"n2"});
  EXPECT_EQ(FilterPod(pod), Names{"n2"});
}

}  // namespace
}  // namespace pmem::extender
