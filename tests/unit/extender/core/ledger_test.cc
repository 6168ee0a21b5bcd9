// SPDX-License-Identifier: Apache-2.0
#include "extender/core/ledger.h"

#include <gtest/gtest.h>

#include "extender/core/verbs.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

constexpr absl::Duration kBlink = absl::Milliseconds(1);

// A synced ledger with nodes n1..nN, each with an LVM pool of the same size, and what the scheduler
// would do to it.
class LedgerTest : public testing::Test {
 protected:
  void Start(int nodes, int64_t pool_bytes) {
    AgentsListed listed;
    for (int i = 1; i <= nodes; ++i) listed.nodes.push_back("n" + std::to_string(i));
    Apply(Relisted<Node>{});
    Apply(Relisted<Pod>{});
    Apply(Relisted<Claim>{});
    Apply(Relisted<PersistentVolume>{});
    Apply(Relisted<StorageClass>{{MakeClass("pmem-lvm"), MakeClass("pmem-direct")}});
    Apply(listed);
    for (const std::string& name : listed.nodes) {
      Apply(MakeReport(name, 1, {MakeLvmPool(pool_bytes)}));
    }
    names_ = listed.nodes;
  }

  void Apply(const Event& event) {
    ledger_.Apply(event, now_);
    ledger_.Expire(now_);
    ASSERT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
  }

  void Pass(absl::Duration duration) {
    now_ += duration;
    ledger_.Expire(now_);
  }

  // Filters over all nodes and holds what was answered. Returns the passing nodes.
  std::vector<std::string> FilterPod(const Pod& pod) {
    const PodDemand demand = ledger_.Demand(pod, nullptr);
    const std::vector<std::string_view> names(names_.begin(), names_.end());
    FilterDecision decision = Filter(ledger_, {}, pod, demand, names, now_);
    reasons_ = decision.reasons;
    is_held_ = decision.is_held;
    ledger_.AssumeOn(pod, demand, decision.node_ids, decision.static_volumes, now_);
    EXPECT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
    std::vector<std::string> named;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (decision.is_named[i]) named.push_back(names_[i]);
    }
    return named;
  }

  Claim Pin(Claim claim, const std::string& node) {
    claim.selected_node = node;
    Apply(Seen<Claim>{claim});
    return claim;
  }

  Pod AddPod(int number, const std::vector<Claim>& claims) {
    for (const Claim& claim : claims) Apply(Seen<Claim>{claim});
    const Pod pod = MakePod(number, claims);
    Apply(Seen<Pod>{pod});
    return pod;
  }

  using Names = std::vector<std::string>;
  absl::Time now_ = absl::FromUnixSeconds(1000);
  Ledger ledger_{LedgerOptions{}};
  Names names_;
  std::vector<Reason> reasons_;
  bool is_held_ = false;
};

TEST_F(LedgerTest, IsSyncedOnceEveryKindWasListed) {
  Ledger ledger{LedgerOptions{}};
  ledger.Apply(Relisted<Node>{}, now_);
  ledger.Apply(Relisted<Pod>{}, now_);
  EXPECT_EQ(ledger.Unsynced(),
            (std::vector<std::string>{"agents", "claims", "storageclasses", "volumes"}));
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
  claim.is_bind_completed = true;
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
  EXPECT_EQ(ledger_.counters().reports_old, 1);
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, AReportOfTheLastBootComesTooLate) {
  Start(1, 10 * kGiB);
  Apply(MakeReport("n1", 1, {MakeLvmPool(4 * kGiB)}, "boot-2"));
  Apply(MakeReport("n1", 9, {MakeLvmPool(10 * kGiB)}, "boot-1"));
  EXPECT_EQ(ledger_.nodes().Find("n1")->report->boot_id, "boot-2");
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

TEST_F(LedgerTest, ATakeoverHoldsForPodsThatOthersMayHaveDecided) {
  Start(1, 10 * kGiB);
  const Pod old = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  ledger_.BeginTakeover(now_);
  const Pod fresh = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(fresh), Names{});
  EXPECT_EQ(FilterPod(old), (Names{"n1"}));
  Pass(LedgerOptions{}.hold_ttl + kBlink);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(fresh), (Names{"n1"}));
}

TEST_F(LedgerTest, AClaimSeenFirstDuringATakeoverIsHeldForToo) {
  Start(1, 10 * kGiB);
  ledger_.BeginTakeover(now_);
  const Pod ours = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(ours), Names{});
  EXPECT_TRUE(is_held_);
  Pass(LedgerOptions{}.takeover_window + kBlink);
  EXPECT_EQ(FilterPod(ours), (Names{"n1"}));
}

TEST_F(LedgerTest, APinInFlightIsHeldForDuringATakeover) {
  Start(1, 10 * kGiB);
  StorageClass immediate = MakeClass("pmem-lvm-now", false);
  immediate.parameters["pmemType"] = "lvm";
  Apply(Seen<StorageClass>{immediate});
  Apply(Seen<Claim>{MakeClaim(1, 6 * kGiB, "pmem-lvm-now")});
  ledger_.BeginTakeover(now_);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
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

TEST_F(LedgerTest, AHeldClaimThatARelistMissesIsOwed) {
  Start(1, 10 * kGiB);
  const Pod pod = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  FilterPod(pod);
  Apply(Relisted<Claim>{});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  EXPECT_TRUE(is_held_);
}

// No list has it, and the watch never had it: only its hold says where it may be in the making.
TEST_F(LedgerTest, AHeldClaimThatOnlyALiveReadToldOfIsOwedWhenAListMissesIt) {
  Start(2, 10 * kGiB);
  const Claim claim = MakeClaim(1, 6 * kGiB);
  const Pod pod = MakePod(1, {claim});
  const LiveObjects live{.claims = {claim}};
  ledger_.Learn(live, now_);
  ledger_.Assume(pod, ledger_.Demand(pod, &live), {"n1"}, {}, now_);
  Apply(Relisted<Claim>{});
  Apply(Gone<Pod>{pod});
  Pass(ledger_.options().hold_grace);
  EXPECT_TRUE(ledger_.holds().IsEmpty());
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), (Names{"n2"}));
}

TEST_F(LedgerTest, AClaimThatIsBoundElsewhereThanItWasLastPinnedIsOwedThere) {
  Start(2, 10 * kGiB);
  Claim claim = MakeClaim(1, 6 * kGiB);
  Apply(Seen<Claim>{claim});
  claim.selected_node = "n1";  // Which the watch has not told.
  claim.volume_name = "pvc-" + claim.meta.uid;
  PersistentVolume volume;
  volume.meta.key.name = claim.volume_name;
  volume.csi_volume_handle = "disk-" + claim.meta.uid;
  volume.affinity_node = "n2";
  Apply(Seen<PersistentVolume>{volume});
  Apply(MakeReport("n2", 2, {MakeLvmPool(10 * kGiB, {{volume.csi_volume_handle, 6 * kGiB}})}));
  Apply(Relisted<Claim>{{claim}});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  Pass(LedgerOptions{}.debt_grace);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(3, 6 * kGiB)})), Names{"n1"});
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
    ledger_ = Ledger{LedgerOptions{}};
    Start(3, 10 * kGiB);
    FilterPod(AddPod(1, {MakeClaim(1, 6 * kGiB)}));
    Pin(MakeClaim(2, 5 * kGiB), "n2");
    if (round == 0) first = ledger_.Dump();
  }
  EXPECT_EQ(ledger_.Dump(), first);
  EXPECT_NE(first.find("assigned " + Uid(2)), std::string::npos);
}

TEST_F(LedgerTest, ARelistThatMissesAClaimForgetsIt) {
  Start(1, 10 * kGiB);
  Pin(MakeClaim(1, 6 * kGiB), "n1");
  Apply(Relisted<Claim>{});
  EXPECT_EQ(ledger_.FindPlace(Uid(1)), nullptr);
  EXPECT_EQ(ledger_.nodes().Find("n1")->debts.size(), 1u);
}

TEST_F(LedgerTest, APinThatWasTakenAwayLiveAsksForRoomThoughTheWatchIsBehind) {
  Start(2, 10 * kGiB);
  Claim claim = MakeClaim(1, 6 * kGiB);
  const Pod pod = AddPod(1, {claim});
  claim.selected_node = "n1";
  claim.meta.resource_version = "5";
  Apply(Seen<Claim>{claim});
  Claim live = claim;
  live.selected_node.clear();
  live.meta.resource_version = "6";
  ledger_.Learn({.claims = {live}}, now_);
  EXPECT_EQ(FilterPod(pod), (Names{"n1", "n2"}));
  Apply(Seen<Claim>{claim});  // What was true before: no evidence of this attempt.
  EXPECT_EQ(ledger_.FindPlace(Uid(1)), nullptr);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, AClaimThatOnlyALiveReadTellsOfKeepsItsRoomOnItsNode) {
  Start(2, 10 * kGiB);
  Claim pinned = MakeClaim(1, 6 * kGiB);
  const Claim waiting = MakeClaim(2, 3 * kGiB);
  pinned.selected_node = "n1";
  ledger_.Learn({.claims = {pinned, waiting}}, now_);
  EXPECT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(3, 6 * kGiB)})), (Names{"n2"}));
  Apply(Seen<Claim>{pinned});
  EXPECT_EQ(ledger_.FindPlace(Uid(1))->node, "n1");
  EXPECT_EQ(ledger_.holds().Find("claim/" + Uid(1)), nullptr);
}

// Pinned to n2 by hand, refused there, then decided for n1 before the watch has told of any of it.
TEST_F(LedgerTest, AnEarlierPinOfAClaimThatOnlyALiveReadTellsOfIsNoEvidence) {
  Start(2, 10 * kGiB);
  Claim claim = MakeClaim(1, 6 * kGiB);
  claim.meta.resource_version = "9";
  const Pod pod = MakePod(1, {claim});
  const LiveObjects live{.claims = {claim}};
  ledger_.Learn(live, now_);
  ledger_.Assume(pod, ledger_.Demand(pod, &live), {"n1"}, {}, now_);
  Claim earlier = claim;
  earlier.meta.resource_version = "8";
  earlier.selected_node = "n2";
  Apply(Seen<Claim>{earlier});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), (Names{"n2"}));
  Apply(Seen<Claim>{claim});
  EXPECT_NE(ledger_.cache().FindClaim(Uid(1)), nullptr);
}

TEST_F(LedgerTest, AClaimThatOnlyALiveReadTellsOfIsForgottenWhenTheWatchNeverDoes) {
  Start(1, 10 * kGiB);
  Claim pinned = MakeClaim(1, 6 * kGiB);
  pinned.selected_node = "n1";
  ledger_.Learn({.claims = {pinned}}, now_);
  Pass(ledger_.options().hold_ttl);
  EXPECT_TRUE(ledger_.holds().IsEmpty());
}

TEST_F(LedgerTest, APinThatWasNotWrittenKeepsItsRoomUntilTheWatchMustHaveTold) {
  Start(1, 10 * kGiB);
  const Claim claim = MakeClaim(1, 6 * kGiB);
  Apply(Seen<Claim>{claim});
  ledger_.AssumeClaim(claim, {Uid(1), PoolKind::kLvm, 6 * kGiB}, "n1", now_);
  ledger_.EndHold("claim/" + Uid(1), now_);  // Somebody else was faster, and pinned it perhaps.
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  Pass(ledger_.options().hold_grace);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), (Names{"n1"}));
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
  ledger_.Assume(pod, ledger_.Demand(pod, nullptr), {"n1"}, {}, now_);
  Apply(AgentsListed{});
  Apply(AgentsListed{{"n1", "n2"}});
  for (const std::string& name : names_) Apply(MakeReport(name, 2, {MakeLvmPool(10 * kGiB)}));
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{"n2"});
}

// The leader before us may have known the node for longer.
TEST_F(LedgerTest, ATakeoverHoldsAlsoOnANodeThatIsListedInItsWindow) {
  Start(1, 10 * kGiB);
  AddPod(1, {MakeClaim(1, 6 * kGiB)});
  ledger_.BeginTakeover(now_);
  names_ = {"n1", "n2"};
  Apply(AgentsListed{names_});
  Apply(MakeReport("n2", 1, {MakeLvmPool(10 * kGiB)}));
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

// Pinned by another leader, and deleted, both unseen.
TEST_F(LedgerTest, AClaimWithoutANodeThatARelistMissesIsOwedEverywhere) {
  Start(2, 10 * kGiB);
  Apply(Seen<Claim>{MakeClaim(1, 6 * kGiB)});
  Apply(Relisted<Claim>{});
  const Pod pod = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{});
  Pass(ledger_.options().debt_grace);
  Apply(AgentConfirmed{"n2"});
  EXPECT_EQ(FilterPod(pod), Names{"n2"});
}

}  // namespace
}  // namespace pmem::extender
