// SPDX-License-Identifier: Apache-2.0
// That nothing remembered outlives what it was made of.
#include "extender/core/verdict_memo.h"

#include <gtest/gtest.h>

#include "extender/core/verbs.h"
#include "extender/core/views.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

// A synced ledger with n1 and n2 that is asked for the same shape again and again.
class VerdictMemoTest : public testing::Test {
 protected:
  VerdictMemoTest() {
    for (const Event& event : ListsOf({.agents = {"n1", "n2"}})) Apply(event);
    Report("n1", 1, 20 * kGiB);
    Report("n2", 1, 20 * kGiB);
  }

  void Apply(const Event& event) { ledger_.Apply(event, now_); }
  void Report(const std::string& node, int64_t generation, int64_t bytes) {
    Apply(MakeReport(node, generation, {MakeLvmPool(bytes)}));
  }

  // Of n1 and n2, for a pod of that number with a claim of 10 GiB. Promises nothing.
  std::vector<Reason> Ask(int number) {
    const Claim claim = MakeClaim(number, 10 * kGiB);
    Apply(Seen<Claim>{claim});
    const Pod pod = MakePod(number, {claim});
    const std::vector<std::string_view> names = {"n1", "n2"};
    std::vector<Reason> reasons =
        Filter(ledger_, {}, pod, ledger_.Demand(pod, nullptr), names, now_).reasons;
    EXPECT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
    return reasons;
  }

  // What n1 would have left.
  int64_t LeftOnFirst(Strategy strategy) {
    const Claim claim = MakeClaim(50, 10 * kGiB);
    Apply(Seen<Claim>{claim});
    const PodDemand demand = ledger_.Demand(MakePod(50, {claim}), nullptr);
    const int32_t id = ledger_.nodes().FindId("n1");
    const Question question = ledger_.judge().Ask(demand, "pod", now_);
    return ledger_.judge().LeftoverById(id, question, strategy).lvm_bytes;
  }

  using Reasons = std::vector<Reason>;
  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  Ledger ledger_{LedgerOptions{}};
};

TEST_F(VerdictMemoTest, ANewReportIsLookedAt) {
  EXPECT_EQ(Ask(1), (Reasons{Reason::kFits, Reason::kFits}));
  Report("n1", 2, 5 * kGiB);
  EXPECT_EQ(Ask(2), (Reasons{Reason::kNoRoom, Reason::kFits}));
  Report("n1", 3, 20 * kGiB);
  EXPECT_EQ(Ask(3), (Reasons{Reason::kFits, Reason::kFits}));
}

TEST_F(VerdictMemoTest, APromiseIsLookedAt) {
  EXPECT_EQ(Ask(1), (Reasons{Reason::kFits, Reason::kFits}));
  Claim pinned = MakeClaim(2, 15 * kGiB);
  pinned.selected_node = "n2";
  Apply(Seen<Claim>{pinned});
  EXPECT_EQ(Ask(3), (Reasons{Reason::kFits, Reason::kNoRoom}));
}

TEST_F(VerdictMemoTest, AnAgentThatFallsSilentIsStale) {
  EXPECT_EQ(Ask(1), (Reasons{Reason::kFits, Reason::kFits}));
  now_ += LedgerOptions().agent_silence_max * 4 / 5;
  Apply(AgentConfirmed{"n1"});
  now_ += LedgerOptions().agent_silence_max * 4 / 5;
  EXPECT_EQ(Ask(2), (Reasons{Reason::kFits, Reason::kStaleReport}));
}

TEST_F(VerdictMemoTest, AnAgentThatGoesAndComesBackIsLookedAt) {
  EXPECT_EQ(Ask(1), (Reasons{Reason::kFits, Reason::kFits}));
  Apply(AgentsListed{{"n2"}});
  EXPECT_EQ(Ask(2), (Reasons{Reason::kNoAgent, Reason::kFits}));
  Apply(AgentsListed{{"n3", "n1", "n2"}});
  EXPECT_EQ(Ask(3), (Reasons{Reason::kNoReport, Reason::kFits}));
}

TEST_F(VerdictMemoTest, HoldsOfOthersAreLookedAtEachTime) {
  EXPECT_EQ(Ask(1), (Reasons{Reason::kFits, Reason::kFits}));
  const Claim claim = MakeClaim(2, 15 * kGiB);
  Apply(Seen<Claim>{claim});
  const Pod pod = MakePod(2, {claim});
  ledger_.HoldOn(pod, ledger_.Demand(pod, nullptr), {"n1"}, {}, now_);
  EXPECT_EQ(Ask(3), (Reasons{Reason::kHeld, Reason::kFits}));
  ledger_.EndHold(pod.meta.uid, now_);
  now_ += ledger_.options().hold_grace;
  ledger_.Expire(now_);
  EXPECT_EQ(Ask(4), (Reasons{Reason::kFits, Reason::kFits}));
}

TEST_F(VerdictMemoTest, WhatWouldBeLeftFollowsTheReports) {
  EXPECT_EQ(LeftOnFirst(Strategy::kBinpack), 10 * kGiB);
  EXPECT_EQ(LeftOnFirst(Strategy::kSpread), 10 * kGiB);
  Report("n1", 2, 32 * kGiB);
  EXPECT_EQ(LeftOnFirst(Strategy::kBinpack), 22 * kGiB);
  Report("n1", 3, 1 * kGiB);
  EXPECT_EQ(LeftOnFirst(Strategy::kBinpack), -1);
}

TEST_F(VerdictMemoTest, WhatPeopleAskForTakesNoPlace) {
  Ask(1);
  const PodDemand demand = ledger_.Demand(MakePod(1, {MakeClaim(1, 10 * kGiB)}), nullptr);
  const ShapeMemo* memo = ledger_.judge().Ask(demand, "pod", now_).memo;
  for (int i = 0; i < static_cast<int>(VerdictMemo::kShapesMax); ++i) {
    const Claim claim = MakeClaim(10 + i, (1 + i) * kGiB);
    Apply(Seen<Claim>{claim});
    const Pod pod = MakePod(10 + i, {claim});
    Apply(Seen<Pod>{pod});
    EXPECT_TRUE(ExplainJson(ledger_, now_, pod.meta.key, {}).has_value());
  }
  EXPECT_EQ(ledger_.judge().Ask(demand, "pod", now_).memo, memo);
  EXPECT_NE(memo->verdicts[0].stamp, 0U);
}

TEST(VerdictMemo, ForgetsTheShapeThatWasNotAskedForLongest) {
  VerdictMemo memo;
  const auto shape = [](size_t number) {
    return std::vector<QuickItem>{{PoolKind::kLvm, static_cast<int64_t>(number)}};
  };
  for (size_t i = 0; i < VerdictMemo::kShapesMax; ++i) memo.Of(shape(i), 1).verdicts[0].stamp = 7;
  EXPECT_EQ(memo.Of(shape(0), 1).verdicts[0].stamp, 7U);
  memo.Of(shape(VerdictMemo::kShapesMax), 1);
  EXPECT_EQ(memo.Of(shape(0), 2).verdicts[0].stamp, 7U);
  EXPECT_EQ(memo.Of(shape(1), 1).verdicts[0].stamp, 0U);
}

}  // namespace
}  // namespace pmem::extender
