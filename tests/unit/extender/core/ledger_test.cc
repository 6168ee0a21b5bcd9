// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

constexpr absl::Duration kBlink = absl::Milliseconds(1);

TEST_F(LedgerTest, IsSyncedOnceEveryKindWasListed) {
  Ledger ledger{LedgerOptions{}};
  ledger.Apply(Relisted<Node>{}, now_);
  ledger.Apply(Relisted<Pod>{}, now_);
  EXPECT_EQ(ledger.Unsynced(), (std::vector{ObjectKind::kAgents, ObjectKind::kClaims,
                                            ObjectKind::kStorageClasses, ObjectKind::kVolumes}));
  Start(1, kGiB);
  EXPECT_TRUE(ledger_.Unsynced().empty());
}

TEST_F(LedgerTest, HoldStandsOnEveryAnsweredNodeUntilEvidence) {
  Start(2, 10 * kGiB);
  const Pod first = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  const Pod second = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(first), (Names{"n1", "n2"}));
  EXPECT_EQ(FilterPod(second), Names{});
  EXPECT_TRUE(is_held_);
  EXPECT_EQ(reasons_, (std::vector{Reason::kHeld, Reason::kHeld}));

  Pod nominated = first;
  nominated.nominated_node_name = "n2";
  Apply(Seen<Pod>{nominated});
  EXPECT_EQ(FilterPod(second), (Names{"n1"}));
}

TEST_F(LedgerTest, ANominationFromBeforeTheFilterIsNoEvidence) {
  Start(2, 10 * kGiB);
  Pod first = MakePod(1, {MakeClaim(1, 6 * kGiB)});
  first.nominated_node_name = "n2";
  Apply(Seen<Claim>{MakeClaim(1, 6 * kGiB)});
  Apply(Seen<Pod>{first});
  EXPECT_EQ(FilterPod(first), (Names{"n1", "n2"}));
  Apply(Seen<Pod>{first});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, SelectedNodeMakesAHoldAnAssignmentThere) {
  Start(2, 10 * kGiB);
  const Claim claim = MakeClaim(1, 6 * kGiB);
  FilterPod(AddPod(1, {claim}));
  Pin(claim, "n1");
  EXPECT_TRUE(ledger_.holds().IsEmpty());
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), (Names{"n2"}));
  EXPECT_EQ(reasons_[0], Reason::kNoRoom);
}

TEST_F(LedgerTest, AClaimIsCountedOnceByLedgerOrReport) {
  Start(1, 10 * kGiB);
  const Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  EXPECT_TRUE(ledger_.FindPlace(claim.meta.uid)->is_counted);
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {{"disk-" + claim.meta.uid, 6 * kGiB}})}));
  EXPECT_FALSE(ledger_.FindPlace(claim.meta.uid)->is_counted);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 4 * kGiB)})), (Names{"n1"}));
}

TEST_F(LedgerTest, AVolumeThatVanishesBeforeItIsBoundIsCountedAgain) {
  Start(1, 10 * kGiB);
  const Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {{"disk-" + claim.meta.uid, 6 * kGiB}})}));
  Apply(MakeReport("n1", 3, {MakeLvmPool(10 * kGiB)}));  // The driver cleaned up and will retry.
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, ABoundVolumeThatIsDeletedOnTheNodeGivesItsRoomBack) {
  Start(1, 10 * kGiB);
  Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  claim.volume_name = "disk-" + claim.meta.uid;
  Apply(Seen<Claim>{claim});
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {{"disk-" + claim.meta.uid, 6 * kGiB}})}));
  Apply(MakeReport("n1", 3, {MakeLvmPool(10 * kGiB)}));
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 10 * kGiB)})), (Names{"n1"}));
}

TEST_F(LedgerTest, APinThatIsTakenAwayKeepsItsRoomForAGraceTime) {
  Start(1, 10 * kGiB);
  Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  claim.selected_node = "";
  Apply(Seen<Claim>{claim});
  const Pod other = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(other), Names{});
  EXPECT_TRUE(is_held_);
  Pass(LedgerOptions{}.debt_grace + kBlink);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(other), (Names{"n1"}));
}

// An account of all claims shows in what a half-provisioned pod reserves, which is made anew.
TEST_F(LedgerTest, AClassIsLookedAtAnewOnlyWhenClaimsAskForSomethingElseByIt) {
  Start(1, 10 * kGiB);
  const Claim first = MakeClaim(1, kGiB);
  AddPod(1, {first, MakeClaim(2, kGiB)});
  Pin(first, "n1");
  const auto is_looked_at = [this](const Event& event) {
    const int32_t id = ledger_.nodes().FindId("n1");
    const uint32_t before = ledger_.nodes().StampOf(id);
    Apply(event);
    return ledger_.nodes().StampOf(id) != before;
  };
  StorageClass ours = MakeClass("pmem-lvm");
  ours.meta.resource_version = "later";
  ours.allowed_nodes = std::vector<std::string>{"n1"};
  EXPECT_FALSE(is_looked_at(Seen<StorageClass>{ours}));
  EXPECT_FALSE(is_looked_at(Relisted<StorageClass>{{ours, MakeClass("pmem-direct")}}));
  StorageClass other = MakeClass("other");
  other.provisioner = "other.example.com";
  EXPECT_FALSE(is_looked_at(Seen<StorageClass>{other}));
  other.parameters = {{"a", "b"}};
  EXPECT_FALSE(is_looked_at(Seen<StorageClass>{other}));
  EXPECT_FALSE(is_looked_at(Gone<StorageClass>{other}));
  ours.parameters = {{"pmemType", "direct"}};
  EXPECT_TRUE(is_looked_at(Seen<StorageClass>{ours}));
  ours.is_wait_for_first_consumer = false;
  EXPECT_TRUE(is_looked_at(Relisted<StorageClass>{{ours, MakeClass("pmem-direct")}}));
  ours.provisioner = "other.example.com";
  EXPECT_TRUE(is_looked_at(Seen<StorageClass>{ours}));
}

TEST_F(LedgerTest, ADebtEndsWhenTheReportListsItsVolume) {
  Start(1, 10 * kGiB);
  const Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  Apply(Gone<Claim>{claim});
  EXPECT_EQ(ledger_.nodes().Find("n1")->debts.size(), 1u);
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {{"disk-" + claim.meta.uid, 6 * kGiB}})}));
  EXPECT_TRUE(ledger_.nodes().Find("n1")->debts.empty());
}

TEST_F(LedgerTest, ARetryNeverCountsAgainstItself) {
  Start(1, 10 * kGiB);
  const Pod pod = AddPod(1, {MakeClaim(1, 10 * kGiB)});
  EXPECT_EQ(FilterPod(pod), (Names{"n1"}));
  EXPECT_EQ(FilterPod(pod), (Names{"n1"}));
}

TEST_F(LedgerTest, AHoldEndsWhenNothingWasHeard) {
  Start(1, 10 * kGiB);
  FilterPod(AddPod(1, {MakeClaim(1, 10 * kGiB)}));
  Pass(LedgerOptions{}.hold_ttl + kBlink);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(ledger_.counters().holds_expired, 1);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 10 * kGiB)})), (Names{"n1"}));
}

TEST_F(LedgerTest, AHoldThatEndsByATakeoverOrByEvidenceDidNotExpire) {
  Start(1, 10 * kGiB);
  Apply(Seen<Claim>{MakeClaim(7, kGiB)});
  ledger_.BeginTakeover(now_);
  Pass(LedgerOptions{}.takeover_window);
  EXPECT_TRUE(ledger_.holds().IsEmpty());
  const Pod pod = AddPod(1, {MakeClaim(1, kGiB)});
  FilterPod(pod);
  Apply(Gone<Pod>{pod});
  Pass(LedgerOptions{}.hold_ttl);
  EXPECT_TRUE(ledger_.holds().IsEmpty());
  EXPECT_EQ(ledger_.counters().holds_expired, 0);
}

TEST_F(LedgerTest, AHoldEndsSoonAfterItsPodIsGone) {
  Start(1, 10 * kGiB);
  const Pod pod = AddPod(1, {MakeClaim(1, 10 * kGiB)});
  FilterPod(pod);
  Apply(Gone<Pod>{pod});
  const Pod other = AddPod(2, {MakeClaim(2, 10 * kGiB)});
  EXPECT_EQ(FilterPod(other), Names{});
  Pass(LedgerOptions{}.hold_grace + kBlink);
  EXPECT_EQ(FilterPod(other), (Names{"n1"}));
}

TEST_F(LedgerTest, AHalfProvisionedPodKeepsRoomForItsOtherClaims) {
  Start(2, 10 * kGiB);
  const Claim first = MakeClaim(1, 4 * kGiB);
  const Pod pod = AddPod(1, {first, MakeClaim(2, 6 * kGiB)});
  FilterPod(pod);
  Pin(first, "n1");
  Pass(LedgerOptions{}.hold_ttl + kBlink);  // No TTL ends it.
  for (const char* name : {"n1", "n2"}) Apply(AgentConfirmed{name});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(3, 6 * kGiB)})), (Names{"n2"}));
  EXPECT_EQ(FilterPod(pod), (Names{"n1"}));
  EXPECT_EQ(reasons_[1], Reason::kPinnedElsewhere);
}

TEST_F(LedgerTest, ThePodOfAClaimGoesWhereItsVolumeIsThoughThatDoesNotKnowItYet) {
  Start(2, 10 * kGiB);
  Claim bound = MakeClaim(1, kGiB);
  bound.volume_name = "by-hand";
  AddPod(1, {bound, MakeClaim(2, 6 * kGiB)});
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n2", kGiB)});  // As it was before.
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(3, 6 * kGiB)})), (Names{"n1"}));
}

TEST_F(LedgerTest, AReservationEndsWithItsPod) {
  Start(1, 10 * kGiB);
  const Claim first = MakeClaim(1, 4 * kGiB);
  const Pod pod = AddPod(1, {first, MakeClaim(2, 6 * kGiB)});
  Pin(first, "n1");
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(3, 6 * kGiB)})), Names{});
  Apply(Gone<Pod>{pod});
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(4, 6 * kGiB)})), (Names{"n1"}));
}

TEST_F(LedgerTest, TwoClaimsOfAPodArePackedTogether) {
  Start(2, 10 * kGiB);
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {{"foreign", 5 * kGiB}})}));
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, 4 * kGiB), MakeClaim(2, 4 * kGiB)})), (Names{"n2"}));
}

TEST_F(LedgerTest, AClaimThatTwoPodsShareCountsOnce) {
  Start(1, 10 * kGiB);
  const Claim shared = MakeClaim(1, 10 * kGiB);
  EXPECT_EQ(FilterPod(AddPod(1, {shared})), (Names{"n1"}));
  EXPECT_EQ(FilterPod(AddPod(2, {shared})), (Names{"n1"}));
}

TEST_F(LedgerTest, AClaimCreatedAgainUnderTheSameNameIsAnotherClaim) {
  Start(1, 10 * kGiB);
  const Claim old = Pin(MakeClaim(1, 6 * kGiB), "n1");
  Claim fresh = MakeClaim(2, 6 * kGiB);
  fresh.meta.key = old.meta.key;
  Apply(Seen<Claim>{fresh});
  EXPECT_EQ(ledger_.FindPlace(old.meta.uid), nullptr);
  EXPECT_EQ(ledger_.nodes().Find("n1")->debts.size(), 1u);
}

TEST_F(LedgerTest, AStaleNodeTakesNothingNew) {
  Start(2, 10 * kGiB);
  Pass(LedgerOptions{}.agent_silence_max + kBlink);
  Apply(AgentConfirmed{"n2"});
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, kGiB)})), (Names{"n2"}));
  EXPECT_EQ(reasons_[0], Reason::kStaleReport);
}

TEST_F(LedgerTest, UnknownNodesAreNotEmptyNodes) {
  Start(1, 10 * kGiB);
  Apply(AgentsListed{{"n1", "n2"}});
  names_ = {"n1", "n2", "n3"};
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, kGiB)})), (Names{"n1"}));
  EXPECT_EQ(reasons_, (std::vector{Reason::kFits, Reason::kNoReport, Reason::kNoAgent}));
}

TEST_F(LedgerTest, NewestReportWins) {
  Start(1, 10 * kGiB);
  Apply(MakeReport("n1", 5, {MakeLvmPool(4 * kGiB)}));
  Apply(MakeReport("n1", 3, {MakeLvmPool(10 * kGiB)}));
  Apply(MakeReport("n1", 5, {MakeLvmPool(4 * kGiB)}));  // The same again is not old.
  EXPECT_EQ(ledger_.counters().reports_old, 1);
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, AReportOfTheLastBootComesTooLate) {
  Start(1, 10 * kGiB);
  Apply(MakeReport("n1", 1, {MakeLvmPool(4 * kGiB)}, "boot-2"));
  Apply(MakeReport("n1", 9, {MakeLvmPool(10 * kGiB)}, "boot-1"));
  EXPECT_EQ(ledger_.nodes().Find("n1")->report->boot_id, "boot-2");
}

// The node booted and its clock was set back: by its time of observation the report looks late.
TEST_F(LedgerTest, AReportThatItsAgentConfirmsWasNotLate) {
  Start(1, 10 * kGiB);
  const auto report = [](const std::string& boot_id, int64_t generation, int64_t seconds) {
    const auto made = MakeReport("n1", generation, {MakeLvmPool(8 * kGiB)}, boot_id);
    auto dated = std::make_shared<CapacityReport>(*made.report);
    dated->observed_at = absl::FromUnixSeconds(seconds);
    return ReportReceived{dated};
  };
  Apply(report("boot-2", 7, 1000));
  Apply(report("boot-3", 8, 970));
  EXPECT_EQ(ledger_.counters().reports_old, 1);
  Pass(ledger_.options().agent_silence_max + kBlink);
  Apply(AgentConfirmed{"n1", 9});  // Of neither.
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, kGiB)})), Names{});
  Apply(AgentConfirmed{"n1", 8});
  EXPECT_EQ(ledger_.nodes().Find("n1")->report->boot_id, "boot-3");
  EXPECT_EQ(ledger_.nodes().Find("n1")->failure, "");
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, kGiB)})), Names{"n1"});
}

// The node is a virtual machine that was set back to a snapshot, and its clock right again.
TEST_F(LedgerTest, AnEarlierGenerationOfTheSameBootThatItsAgentConfirmsIsTaken) {
  Start(1, 10 * kGiB);
  const auto report = [](int64_t generation, int64_t seconds) {
    const auto made = MakeReport("n1", generation, {MakeLvmPool(8 * kGiB)});
    auto dated = std::make_shared<CapacityReport>(*made.report);
    dated->observed_at = absl::FromUnixSeconds(seconds);
    return ReportReceived{dated};
  };
  Apply(report(7, 1000));
  Apply(report(5, 990));  // Late.
  Apply(AgentConfirmed{"n1", 5});
  EXPECT_EQ(ledger_.nodes().Find("n1")->report->generation, 7);
  Apply(report(6, 1010));
  EXPECT_EQ(ledger_.nodes().Find("n1")->report->generation, 7);
  Apply(AgentConfirmed{"n1", 6});
  EXPECT_EQ(ledger_.nodes().Find("n1")->report->generation, 6);
  EXPECT_EQ(ledger_.nodes().Find("n1")->failure, "");
}

TEST_F(LedgerTest, ExpansionThatIsAskedForTakesRoom) {
  Start(1, 10 * kGiB);
  Claim claim = Pin(MakeClaim(1, 4 * kGiB), "n1");
  claim.volume_name = "disk-" + claim.meta.uid;
  claim.capacity_bytes = 4 * kGiB;
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {{claim.volume_name, 4 * kGiB}})}));
  claim.requested_bytes = 7 * kGiB;
  Apply(Seen<Claim>{claim});
  const Pod pod = AddPod(2, {MakeClaim(2, 4 * kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{});
  Apply(MakeReport("n1", 3, {MakeLvmPool(10 * kGiB, {{claim.volume_name, 7 * kGiB}})}));
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(3, 3 * kGiB)})), (Names{"n1"}));
}

TEST_F(LedgerTest, APreProvisionedVolumeNeedsNoNewRoom) {
  Start(2, kGiB);
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n2", 10 * kGiB)});
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, 8 * kGiB)})), (Names{"n2"}));
  // And only one pod may count on it.
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 8 * kGiB)})), Names{});
}

TEST_F(LedgerTest, ANominationOfAnEarlierAttemptIsNoEvidence) {
  Start(2, 10 * kGiB);
  Pod first = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  Pod nominated = first;
  nominated.nominated_node_name = "n2";
  nominated.meta.resource_version = "11";
  first.meta.resource_version = "12";  // The attempt was given up, the nomination taken back.
  EXPECT_EQ(FilterPod(first), (Names{"n1", "n2"}));
  Apply(Seen<Pod>{nominated});
  Apply(Seen<Pod>{first});
  Pass(LedgerOptions{}.hold_grace + kBlink);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, ADebtOutlivesASilentAgent) {
  Start(1, 10 * kGiB);
  Apply(Gone<Claim>{Pin(MakeClaim(1, 6 * kGiB), "n1")});
  Pass(LedgerOptions{}.debt_grace + kBlink);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  Apply(AgentConfirmed{"n1"});
  EXPECT_TRUE(ledger_.nodes().Find("n1")->debts.empty());
}

// More than a sum of them can say.
TEST_F(LedgerTest, ExpansionsBeyondAllReasonLeaveNoRoom) {
  Start(1, 100 * kGiB);
  std::vector<VolumeReport> volumes;
  std::vector<Claim> claims;
  for (int number = 1; number <= 3; ++number) {
    claims.push_back(MakeClaim(number, kGiB));
    claims.back().volume_name = "pvc-" + Uid(number);
    volumes.push_back({"disk-" + Uid(number), kGiB});
    claims.back() = Pin(claims.back(), "n1");
  }
  Apply(MakeReport("n1", 2, {MakeLvmPool(100 * kGiB, volumes)}));
  for (Claim& claim : claims) {
    claim.requested_bytes = 100 * kGiB;
    Apply(Seen<Claim>{claim});
    EXPECT_EQ(FreeBytes(ledger_.nodes().Find("n1")->room, PoolKind::kLvm), 0);
  }
  EXPECT_EQ(FilterPod(AddPod(10, {MakeClaim(10, kGiB)})), Names{});
}

TEST_F(LedgerTest, AnExpansionCountsUntilAReportHasIt) {
  Start(1, 10 * kGiB);
  Claim claim = Pin(MakeClaim(1, 2 * kGiB), "n1");
  claim.volume_name = "pvc-1";
  claim.capacity_bytes = claim.requested_bytes;
  const VolumeReport volume{"disk-" + claim.meta.uid, 2 * kGiB};
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {volume})}));
  claim.requested_bytes = 6 * kGiB;
  claim.capacity_bytes = 6 * kGiB;  // Done, says the API server.
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, APodWhoseClaimsAreOnTwoNodesKeepsNoRoomAndFitsNowhere) {
  Start(2, 10 * kGiB);
  const Pod split = AddPod(1, {MakeClaim(1, kGiB), MakeClaim(2, kGiB), MakeClaim(3, 8 * kGiB)});
  Pin(MakeClaim(1, kGiB), "n1");
  Pin(MakeClaim(2, kGiB), "n2");
  EXPECT_EQ(FilterPod(split), Names{});
  EXPECT_EQ(FilterPod(AddPod(4, {MakeClaim(4, 8 * kGiB)})), (Names{"n1", "n2"}));
}

TEST_F(LedgerTest, ReservationsThatDoNotFitTogetherDoNotKeepEachOtherOut) {
  Start(1, 10 * kGiB);
  const Pod first = AddPod(1, {MakeClaim(1, kGiB), MakeClaim(2, 6 * kGiB)});
  const Pod second = AddPod(2, {MakeClaim(3, kGiB), MakeClaim(4, 6 * kGiB)});
  Pin(MakeClaim(1, kGiB), "n1");  // By hand, both.
  Pin(MakeClaim(3, kGiB), "n1");
  EXPECT_EQ(FilterPod(second), Names{});
  EXPECT_EQ(FilterPod(first), (Names{"n1"}));
}

TEST_F(LedgerTest, TheSameEventsGiveTheSameDump) {
  std::string first;
  for (int round = 0; round < 2; ++round) {
    Restart();
    Start(3, 10 * kGiB);
    FilterPod(AddPod(1, {MakeClaim(1, 6 * kGiB)}));
    Pin(MakeClaim(2, 5 * kGiB), "n2");
    if (round == 0) first = ledger_.Dump();
  }
  EXPECT_EQ(ledger_.Dump(), first);
  EXPECT_NE(first.find("assigned " + Uid(2)), std::string::npos);
}

// Its pod's rest is reserved there as well, and not kept, as another pod's comes first.
TEST_F(LedgerTest, ADebtCountsAlsoWhenTheReservationOfItsClaimIsNotKept) {
  Start(1, 10 * kGiB);
  const Claim lost = MakeClaim(4, 7 * kGiB);
  AddPod(1, {MakeClaim(1, kGiB), MakeClaim(2, 4 * kGiB)});
  AddPod(2, {MakeClaim(3, kGiB), lost});
  Pin(lost, "n1");
  Pin(MakeClaim(1, kGiB), "n1");
  Pin(MakeClaim(3, kGiB), "n1");
  Apply(Seen<Claim>{lost});  // The pin is taken away while the volume is in the making.
  const NodeState& node = *ledger_.nodes().Find("n1");
  ASSERT_FALSE(HasClaim(NodeBook::KeptReservations(node), Uid(4)));
  EXPECT_TRUE(HasClaim(NodeBook::DebtItems(node, {}), Uid(4)));
}

// The attempt of the second may be writing its own claim to n2 when that of the first writes.
TEST_F(LedgerTest, AClaimOfTwoPodsDoesNotSayWhereEitherGoes) {
  Start(2, 10 * kGiB);
  const Claim shared = MakeClaim(1, kGiB);
  FilterPod(AddPod(1, {shared}));
  FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB), shared}));
  Pin(shared, "n1");
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(3, 6 * kGiB)})), Names{});
}

// The watch of the volumes is behind: it tells that the volume was made, then that the claim got
// it.
TEST_F(LedgerTest, AVolumeMadeByHandThatIsHeardOfLateIsTheClaimsOnceItSaysSo) {
  Start(1, 10 * kGiB);
  Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  PersistentVolume volume = MakeVolumeByHand("n1", 6 * kGiB);
  claim.volume_name = volume.meta.key.name;
  Apply(Seen<Claim>{claim});
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_NE(ledger_.FindPlace(Uid(1)), nullptr);
  volume.claim = claim.meta.key;
  volume.claim_uid = claim.meta.uid;
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_EQ(ledger_.FindPlace(Uid(1)), nullptr);
}

TEST_F(LedgerTest, AnAgentThatWasAwayMustAnswerBeforeItsNodeIsFresh) {
  Start(1, 10 * kGiB);
  const Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  Apply(Gone<Claim>{claim});
  Apply(AgentsListed{});
  Pass(ledger_.options().debt_grace);  // Nobody answers for the debt.
  Apply(AgentsListed{{"n1"}});
  const Pod pod = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{});
  EXPECT_EQ(reasons_, std::vector{Reason::kStaleReport});
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(pod), Names{"n1"});
}

TEST_F(LedgerTest, AHoldStandsThoughTheAgentIsAwayForAMoment) {
  Start(2, 10 * kGiB);
  const Pod pod = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  ledger_.HoldOn(pod, ledger_.Demand(pod, nullptr), {"n1"}, {}, now_);
  Apply(AgentsListed{});
  Apply(AgentsListed{{"n1", "n2"}});
  for (const std::string& name : names_) Apply(MakeReport(name, 2, {MakeLvmPool(10 * kGiB)}));
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{"n2"});
}

// A live read, or a wait for holds, may take longer than the pod lives; and nobody looks at refused
// pods where no placement controller runs.
TEST_F(LedgerTest, ARefusedPodThatIsGoneIsForgotten) {
  Start(1, kGiB);
  const Pod gone = MakePod(1, {MakeClaim(1, 2 * kGiB)});
  const Pod there = AddPod(2, {MakeClaim(2, 2 * kGiB)});
  for (const Pod& pod : {gone, there}) ledger_.NoteRefused(pod, true, 1, now_);
  Pass(LedgerOptions{}.hold_ttl);
  EXPECT_EQ(ledger_.refused_count(), 2U);  // Its watch may only be late.
  Pass(LedgerOptions{}.hold_ttl);
  EXPECT_FALSE(ledger_.IsRefused(gone.meta.uid));
  EXPECT_TRUE(ledger_.IsRefused(there.meta.uid));
}

}  // namespace
}  // namespace pmem::extender
