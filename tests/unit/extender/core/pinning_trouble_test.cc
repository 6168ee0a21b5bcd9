// SPDX-License-Identifier: Apache-2.0
// Refusals, lost races, nodes that are gone: what becomes of a pin.
#include "tests/unit/extender/core/pinning_fixture.h"

namespace pmem::extender {
namespace {

TEST_F(PinningTest, AWrittenClaimIsLeftAloneUntilTheWatchShowsIt) {
  const Claim claim = Add(Immediate(1));
  AddPod(MakePod(1, {claim}));
  const PinningPlan plan = Plan();
  memory_.NoteWrite(claim, plan.pins[0].node, PinMemory::Written::kYes, now_);
  Pass(absl::Seconds(20));
  EXPECT_EQ(Pins(Plan()), Pairs());
}

TEST_F(PinningTest, AClaimThatWasLostIsLookedAtOnceItHasChangedOrAfterAWhile) {
  Claim claim = Add(Immediate(1));
  AddPod(MakePod(1, {claim}));
  Plan();
  memory_.NoteWrite(claim, "n1", PinMemory::Written::kNo, now_);
  EXPECT_EQ(Pins(Plan()), Pairs());
  claim.meta.resource_version = "101";
  Add(claim);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
  memory_.NoteWrite(claim, "n1", PinMemory::Written::kNo, now_);
  Pass(PinMemory::kLossPatience);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
}

TEST_F(PinningTest, ANodeThatRefusedAClaimIsNotTriedForItAgainForAWhile) {
  const Claim claim = Add(Immediate(1));
  AddPod(MakePod(1, {claim}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
  const Claim pinned = ShowPinned(claim, "n1");
  EXPECT_EQ(Pins(Plan()), Pairs());
  ShowUnpinned(pinned);  // The provisioner did not find the room.
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n2"}}));
  ledger_.EndHold(MakePod(1, {}).meta.uid, now_);
  const Claim other = Add(Immediate(2, kGiB));
  AddPod(MakePod(2, {other}));
  Pass(absl::Seconds(15));  // What the lost pin still owes its node is forgotten.
  EXPECT_EQ(Pins(Plan())[1], (std::pair<std::string, std::string>("claim-2", "n1")));
}

TEST_F(PinningTest, OnlyNodesThatRefusedAreATaleForTheUserUntilTheyAreTriedAgain) {
  const Claim claim = Add(Immediate(1, 55 * kGiB));  // Only n3 could.
  AddPod(MakePod(1, {claim}));
  ShowUnpinned(ShowPinned(claim, Plan().pins[0].node));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), Pairs());
  EXPECT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kNoNodeFits}));
  Pass(PinMemory::kRefusalPause);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n3"}}));
}

// A follower answers nobody, so that every pin of a scheduler looks like one by hand.
TEST_F(PinningTest, WhatAFollowerHeardOfIsNotToldWhenItLeads) {
  for (int number : {1, 2}) {
    Claim claim = MakeClaim(number, 18 * kGiB);
    Add(claim);
    claim.selected_node = "n1";
    claim.is_pinned_by_scheduler = true;
    claim.meta.resource_version = "1001";
    Add(claim);
  }
  ledger_.BeginTakeover(now_);
  EXPECT_EQ(Notices(Plan()), std::vector<NoticeReason>());
}

TEST_F(PinningTest, APinByHandWhoseVolumeIsThereIsNotTold) {
  Claim claim = MakeClaim(1, 18 * kGiB);
  claim.selected_node = "n1";
  Add(claim);
  Apply(MakeReport("n1", 2, {MakeLvmPool(20 * kGiB, {{"disk-" + Uid(1), 18 * kGiB}})}));
  EXPECT_EQ(Notices(Plan()), std::vector<NoticeReason>());
}

struct GoneCase {
  const char* name;
  bool by_us = false;
  bool by_scheduler = false;
  bool is_removed = false;
  friend void PrintTo(const GoneCase& c, std::ostream* os) { *os << c.name; }
};

class PinOnANodeThatIsGone : public PinningTest, public testing::WithParamInterface<GoneCase> {};

TEST_P(PinOnANodeThatIsGone, IsToldAndTakenAwayUnlessAUserWroteIt) {
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n9";
  claim.is_pinned_by_us = GetParam().by_us;
  claim.is_pinned_by_scheduler = GetParam().by_scheduler;
  Add(claim);
  EXPECT_EQ(Notices(Plan()), std::vector<NoticeReason>());  // It may be on its way.
  Pass(absl::Seconds(5));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kPinnedNodeGone}));
  ASSERT_EQ(plan.unpins.size(), GetParam().is_removed ? 1U : 0U);
  if (!GetParam().is_removed) return;
  EXPECT_EQ(plan.unpins[0].node, "n9");
  memory_.NoteWrite(claim, "", PinMemory::Written::kYes, now_);
  EXPECT_TRUE(Plan().unpins.empty());  // Once is enough until the watch has shown it.
}

INSTANTIATE_TEST_SUITE_P(
    Rows, PinOnANodeThatIsGone,
    testing::Values(GoneCase{.name = "ByUs", .by_us = true, .is_removed = true},
                    GoneCase{.name = "ByAScheduler", .by_scheduler = true, .is_removed = true},
                    GoneCase{.name = "ByHand"}),
    [](const auto& row) { return row.param.name; });

// A report had the volume, and nobody can reach it any more.
TEST_F(PinningTest, APinOnANodeThatIsGoneIsTakenAwayThoughItsVolumeWasMade) {
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n1";
  claim.is_pinned_by_scheduler = true;
  Add(claim);
  Apply(MakeReport("n1", 2, {MakeLvmPool(20 * kGiB, {{"disk-" + Uid(1), kGiB}})}));
  Node gone;
  gone.meta.key.name = "n1";
  Apply(Gone<Node>{gone});
  Plan();
  Pass(absl::Seconds(5));
  EXPECT_TRUE(Plan().unpins.empty());  // Its agent answers: the Node may come back.
  Apply(AgentsListed{{"n2", "n3"}});
  Plan();
  Pass(absl::Seconds(5));
  const PinningPlan plan = Plan();
  ASSERT_EQ(plan.unpins.size(), 1U);
  EXPECT_EQ(plan.unpins[0].node, "n1");
}

// What a scheduler may choose while it cannot ask us.
class PinWithoutPmem : public PinningTest {
 protected:
  PinWithoutPmem() {
    Apply(Seen<Node>{MakeNode("n4")});
    claim_ = MakeClaim(1, kGiB);
    claim_.selected_node = "n4";
    claim_.is_pinned_by_scheduler = true;
  }

  // What is planned once the patience is over.
  PinningPlan PlanLate() {
    Plan();
    Pass(absl::Seconds(30));
    return Plan();
  }

  Claim claim_;
};

TEST_F(PinWithoutPmem, IsTakenAwaySoThatTheSchedulerChoosesAnew) {
  Add(claim_);
  Plan();
  Pass(PinningOptions{}.dead_end_patience - absl::Milliseconds(1));
  PinningPlan plan = Plan();
  EXPECT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kPinnedNodeUnfit}));
  EXPECT_TRUE(plan.unpins.empty());  // The node may be a new one.
  Pass(absl::Milliseconds(1));
  plan = Plan();
  ASSERT_EQ(plan.unpins.size(), 1U);
  EXPECT_EQ(plan.unpins[0].node, "n4");
  EXPECT_EQ(plan.unpins[0].why, Unpin::Why::kNoPmem);
  memory_.NoteWrite(claim_, "", PinMemory::Written::kYes, now_);
  EXPECT_TRUE(Plan().unpins.empty());  // Once is enough until the watch has shown it.
}

TEST_F(PinWithoutPmem, StaysWhereItsUserOrThePlacementControllerWroteIt) {
  claim_.is_pinned_by_scheduler = false;
  Add(claim_);
  Claim by_us = MakeClaim(2, kGiB);
  by_us.selected_node = "n4";
  by_us.is_pinned_by_us = true;
  Add(by_us);
  const PinningPlan plan = PlanLate();
  EXPECT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kPinnedNodeUnfit,
                                                      NoticeReason::kPinnedNodeUnfit}));
  EXPECT_TRUE(plan.unpins.empty());
}

TEST_F(PinWithoutPmem, OfAClaimThatBindsImmediatelyStays) {
  claim_.storage_class_name = "now";
  Add(claim_);
  EXPECT_TRUE(PlanLate().unpins.empty());
}

// Its agent, and the driver beside it, are on their way or were there.
TEST_F(PinWithoutPmem, IsNoneWhereTheNodeIsToHaveAnAgentOrHasHadOne) {
  Add(claim_);
  for (const char* key : {"pmem.csi.alibabacloud.com/type", "pmem.csi.alibabacloud.com"}) {
    Node node = MakeNode("n4");
    node.labels[key] = "direct";
    Apply(Seen<Node>{node});
    EXPECT_TRUE(PlanLate().unpins.empty()) << key;
  }
  Apply(Seen<Node>{MakeNode("n4")});
  Apply(AgentsListed{{"n1", "n2", "n3", "n4"}});
  EXPECT_TRUE(PlanLate().unpins.empty()) << "has not reported";
  Apply(MakeReport("n4", 1, {}));
  Apply(AgentsListed{{"n1", "n2", "n3"}});
  EXPECT_TRUE(PlanLate().unpins.empty()) << "had an agent";
}

// ---- A bounded part at a time.

TEST_F(PinningTest, ARoundIsPlannedInPartsAndEveryClaimHasItsTurn) {
  constexpr int kClaims = 100;
  for (int i = 1; i <= kClaims; ++i) {
    AddPod(MakePod(i, {Add(Immediate(i, i == kClaims ? kGiB : (100 + i % 30) * kGiB))}));
  }
  const PinningOptions options{.judgements_max = 40};
  Pairs pins;
  std::set<std::string> told;
  int plans = 0;
  for (bool is_over = false; !is_over; ++plans) {
    ASSERT_LT(plans, kClaims);
    const PinningPlan plan = PlanPins(ledger_, options, placed_, uses_, memory_, now_);
    EXPECT_LE(plan.notices.size(), 40U / 4 + 1);
    for (const auto& pin : Pins(plan)) pins.push_back(pin);
    for (const Notice& notice : plan.notices) told.insert(notice.claim.meta.uid);
    is_over = plan.is_round_over;
  }
  EXPECT_GT(plans, 10);
  EXPECT_EQ(pins, (Pairs{{"claim-100", "n1"}}));
  EXPECT_EQ(told.size(), kClaims - 1U);
}

TEST_F(PinningTest, AClaimThatWasPinnedInAPartOfARoundIsNotPinnedInTheNext) {
  AddPod(MakePod(1, {Add(Immediate(1)), Add(Immediate(2))}));
  AddPod(MakePod(2, {Add(Immediate(3))}));
  Pairs pins;
  for (bool is_over = false; !is_over;) {
    const PinningPlan plan =
        PlanPins(ledger_, {.judgements_max = 1}, placed_, uses_, memory_, now_);
    for (const auto& pin : Pins(plan)) pins.push_back(pin);
    is_over = plan.is_round_over;
  }
  EXPECT_EQ(pins, (Pairs{{"claim-1", "n1"}, {"claim-2", "n1"}, {"claim-3", "n2"}}));
}

TEST_F(PinningTest, AClaimThatWentWhileARoundIsUnderWayIsLeftAlone) {
  const Claim claim = Add(Immediate(1));
  const Claim other = Add(Immediate(2));
  AddPod(MakePod(1, {claim}));
  AddPod(MakePod(2, {other}));
  const PinningOptions options{.judgements_max = 1};
  for (int i = 0; i < 2; ++i) PlanPins(ledger_, options, placed_, uses_, memory_, now_);
  Apply(Gone<Claim>{claim});
  Pairs pins;
  for (bool is_over = false; !is_over;) {
    const PinningPlan plan = PlanPins(ledger_, options, placed_, uses_, memory_, now_);
    for (const auto& pin : Pins(plan)) pins.push_back(pin);
    is_over = plan.is_round_over;
  }
  EXPECT_EQ(pins, (Pairs{{"claim-2", "n1"}}));
}

// ---- What a user is told.

TEST_F(PinningTest, WhenNoNodeFitsItIsToldHowManyWereLeftOutForWhichReason) {
  Node cordoned = MakeNode("n3");
  cordoned.is_unschedulable = true;
  Apply(Seen<Node>{cordoned});
  Apply(Seen<Node>{MakeNode("n4")});
  Apply(Seen<Node>{MakeNode("n5")});
  Apply(AgentsListed{{"n1", "n2", "n3", "n5"}});
  AddPod(MakePod(1, {Add(Immediate(1, 50 * kGiB))}));
  const PinningPlan plan = Plan();
  ASSERT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kNoNodeFits}));
  EXPECT_EQ(plan.notices[0].message,
            "no node can hold the claim now; it will be tried again: 0/5 nodes: 2 insufficient "
            "free PMEM, 1 no PMEM agent on the node, 1 PMEM of the node is not known yet, "
            "1 cordoned");
}

TEST_F(PinningTest, ANameThatOnlyAPinKnowsIsNotCountedAsANode) {
  Claim lost = MakeClaim(2, kGiB);
  lost.selected_node = "nowhere";
  Add(lost);
  AddPod(MakePod(1, {Add(Immediate(1, 100 * kGiB))}));
  std::vector<std::string> told;
  for (const Notice& notice : Plan().notices) {
    if (notice.reason == NoticeReason::kNoNodeFits) told.push_back(notice.message);
  }
  EXPECT_EQ(told, std::vector<std::string>{
                      "no node can hold the claim now; it will be tried again: 0/3 nodes: 3 "
                      "insufficient free PMEM"});
}

TEST_F(PinningTest, ThatAClaimWaitsForAnotherOfItsPodIsToldAfterAWhile) {
  AddPod(MakePod(1, {Add(Immediate(1)), Immediate(2)}));
  EXPECT_EQ(Notices(Plan()), std::vector<NoticeReason>{});
  Pass(PinningOptions().search_patience);
  const PinningPlan plan = Plan();
  ASSERT_EQ(Notices(plan), std::vector<NoticeReason>{NoticeReason::kNoNodeFits});
  EXPECT_EQ(plan.notices[0].message,
            "no node can be chosen for the claim yet: pod pod-1 also uses a claim that is missing, "
            "lacks its class, or is not bound or given to this driver yet");
  Add(Immediate(2));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}, {"claim-2", "n1"}}));
}

TEST_F(PinningTest, OfAPresetNodeTheReasonIsTold) {
  for (const auto& [node, text] :
       Pairs{{"n1", "insufficient free PMEM"}, {"n9", "no PMEM agent on the node"}}) {
    Pod pod = MakePod(1, {Add(MakeClaim(1, 30 * kGiB))});
    pod.node_name = node;
    placed_["default"].users = KnownPodsOf({pod}, now_).users;
    const PinningPlan plan = SettledPlan();
    ASSERT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kPresetNodeUnfit}));
    EXPECT_EQ(plan.notices[0].message,
              "node " + node + " of pod pod-1 cannot hold the claim: " + text);
  }
}

// The watch of the pods may be behind that of the claims.
TEST_F(PinningTest, AnImmediateClaimFollowsAPodThatOnlyTheListTellsOf) {
  Pod pod = MakePod(1, {Add(Immediate(1))});
  pod.node_selector = {{"kubernetes.io/hostname", "n3"}};
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-1", "n3"}}));
}

TEST_F(PinningTest, AClaimThatWaitsIsLeftToTheSchedulerOfAPodThatOnlyTheListTellsOf) {
  const Claim claim = Add(MakeClaim(1, kGiB));
  Pod preset = MakePod(1, {claim});
  preset.node_name = "n2";
  placed_["default"].users = KnownPodsOf({preset, MakePod(2, {claim})}, now_).users;
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
  placed_["default"].users = KnownPodsOf({preset}, now_).users;
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n2"}}));
}

// Its agent could not read it. The driver may read it, and make the volumes, all the same.
TEST_F(PinningTest, PinsInAPoolThatCannotBeReadAreToldForWhatTheyAreAfterAWhile) {
  PoolReport unknown = MakeLvmPool(20 * kGiB);
  unknown.state = PoolState::kUnknown;
  Apply(MakeReport("n1", 2, {unknown}));
  for (const int number : {1, 2}) {
    Claim claim = MakeClaim(number, kGiB);
    claim.selected_node = "n1";
    Add(claim);
  }
  EXPECT_EQ(Notices(Plan()), std::vector<NoticeReason>{});
  Pass(PinningOptions().search_patience - absl::Seconds(1));
  EXPECT_EQ(Notices(Plan()), std::vector<NoticeReason>{});
  Pass(absl::Seconds(1));
  const PinningPlan plan = Plan();
  ASSERT_EQ(plan.notices.size(), 2U);
  EXPECT_EQ(plan.notices[0].message,
            "pinned to node n1: " + std::string(ReasonText(Reason::kUnusablePool)));
}

TEST_F(PinningTest, APinByHandWithoutRoomIsToldAtOnceAndLeft) {
  Claim claim = MakeClaim(1, 30 * kGiB);
  claim.selected_node = "n1";
  Add(claim);
  const PinningPlan plan = Plan();
  ASSERT_EQ(plan.notices.size(), 1U);
  EXPECT_EQ(plan.notices[0].reason, NoticeReason::kPinnedNodeUnfit);
  EXPECT_EQ(plan.notices[0].message, "pinned to node n1: insufficient free PMEM");
  EXPECT_TRUE(plan.unpins.empty());
}

}  // namespace
}  // namespace pmem::extender
