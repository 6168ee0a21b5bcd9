// SPDX-License-Identifier: Apache-2.0
// What the watch does not tell, or tells late: decisions of a leader before us, claims that were
// read live, lists that miss what was there.
#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

constexpr absl::Duration kBlink = absl::Milliseconds(1);

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

// The leader before us knew the class, and may have answered.
TEST_F(LedgerTest, AClaimWhoseClassIsHeardOfDuringATakeoverIsHeldForToo) {
  Start(1, 10 * kGiB);
  Claim decided = MakeClaim(2, 6 * kGiB);
  decided.storage_class_name = "fast";
  AddPod(2, {decided});
  ledger_.BeginTakeover(now_);
  const Pod ours = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  StorageClass fast = MakeClass("fast");
  fast.parameters["pmemType"] = "lvm";
  Apply(Seen<StorageClass>{fast});
  EXPECT_EQ(FilterPod(ours), Names{});
  EXPECT_TRUE(is_held_);
}

// The leader before us may have decided for the other pod that uses it.
TEST_F(LedgerTest, ATakeoverHoldsAClaimOfTwoPodsWhenOneOfThemIsDecided) {
  Start(1, 10 * kGiB);
  const Claim shared = MakeClaim(1, 10 * kGiB);
  AddPod(1, {shared});
  const Pod second = AddPod(2, {shared});
  const Pod other = AddPod(3, {MakeClaim(3, 10 * kGiB)});
  ledger_.BeginTakeover(now_);
  EXPECT_EQ(FilterPod(second), Names{});
  EXPECT_EQ(FilterPod(other), Names{});
  EXPECT_TRUE(is_held_);
  Pass(LedgerOptions{}.takeover_window + kBlink);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(other), Names{"n1"});
}

// On n1, made for claim 1.
PersistentVolume MakeVolumeOfClaim(int64_t bytes) {
  PersistentVolume volume = MakeVolumeByHand("n1", bytes);
  volume.is_ours = true;
  volume.csi_volume_handle = "disk-" + Uid(1);
  volume.claim = {"default", "claim-1"};
  volume.claim_uid = Uid(1);
  return volume;
}

// Created, pinned and deleted while the watch of the claims was behind.
TEST_F(LedgerTest, AVolumeOfAClaimThatNobodyToldOfIsOwedUntilAReportListsIt) {
  Start(1, 10 * kGiB);
  Apply(Seen<PersistentVolume>{MakeVolumeOfClaim(6 * kGiB)});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  EXPECT_TRUE(is_held_);
  Apply(MakeReport("n1", 2, {MakeLvmPool(20 * kGiB, {{"disk-" + Uid(1), 6 * kGiB}})}));
  EXPECT_TRUE(ledger_.nodes().Find("n1")->debts.empty());
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(3, 14 * kGiB)})), Names{"n1"});
}

TEST_F(LedgerTest, AVolumeOfAClaimThatNobodyToldOfIsOwedAfterATakeover) {
  Start(1, 10 * kGiB);
  Apply(Seen<PersistentVolume>{MakeVolumeOfClaim(6 * kGiB)});
  Pass(ledger_.options().debt_grace);
  Apply(AgentConfirmed{"n1"});
  const Pod pod = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{"n1"});
  ledger_.BeginTakeover(now_);
  EXPECT_EQ(FilterPod(pod), Names{});
}

TEST_F(LedgerTest, AVolumeWhoseClaimIsCountedOnItsNodeIsNotOwed) {
  Start(1, 10 * kGiB);
  Pin(MakeClaim(1, 6 * kGiB), "n1");
  Apply(Seen<PersistentVolume>{MakeVolumeOfClaim(6 * kGiB)});
  Apply(Relisted<PersistentVolume>{{MakeVolumeOfClaim(6 * kGiB)}});
  EXPECT_TRUE(ledger_.nodes().Find("n1")->debts.empty());
}

TEST_F(LedgerTest, AClaimThatOnlyALiveReadTellsOfKeepsVolumesThatItMayGet) {
  Start(1, 10 * kGiB);
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB)});
  const Claim claim = MakeClaim(1, 6 * kGiB);
  const Pod first = MakePod(1, {claim});
  const LiveObjects live{.claims = {claim}};
  const PodDemand demand = ledger_.Demand(first, &live);
  const FilterDecision decision = Filter(ledger_, {}, first, demand, {"n1"}, now_);
  ledger_.HoldOnIds(first, demand, decision.node_ids, decision.static_volumes, now_);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

// No volume is made for it, whatever room there is; whether one that is there serves it the watch
// will tell.
TEST_F(LedgerTest, AClaimWithASelectorThatOnlyALiveReadTellsOfGetsNoNewVolume) {
  Start(1, 10 * kGiB);
  Claim claim = MakeClaim(1, 6 * kGiB);
  claim.has_selector = true;
  const Pod pod = MakePod(1, {claim});
  const LiveObjects live{.claims = {claim}};
  const auto judge = [&] {
    return ledger_.judge().Judge("n1", ledger_.Demand(pod, &live), pod.meta.uid, now_);
  };
  EXPECT_EQ(judge(), Reason::kHeld);
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(judge(), Reason::kNoVolume);
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB)});
  EXPECT_EQ(judge(), Reason::kFits);
}

// Whoever serves the second pod does not know of the first one's volume, and may give it away.
TEST_F(LedgerTest, AVolumeThatWasKeptForAnotherIsForWhomeverWasAnsweredMeanwhile) {
  Start(1, 13 * kGiB);
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB)});
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, 6 * kGiB)})), Names{"n1"});
  Pass(LedgerOptions{}.hold_ttl / 2);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{"n1"});
  Pass(LedgerOptions{}.hold_ttl / 2 + kBlink);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(3, 14 * kGiB)})), Names{});
}

// The first pod was answered before the volume was free: what its claim takes is new room.
TEST_F(LedgerTest, ASharedClaimThatIsHeldElsewhereTakesRoomThoughAVolumeWouldServeIt) {
  Start(1, 10 * kGiB);
  PersistentVolume volume = MakeVolumeByHand("n1", 6 * kGiB);
  volume.is_taken = true;
  volume.claim = {"default", "of-another"};
  Apply(Seen<PersistentVolume>{volume});
  const Claim shared = MakeClaim(1, 6 * kGiB);
  EXPECT_EQ(FilterPod(AddPod(1, {shared})), Names{"n1"});
  volume.is_taken = false;
  volume.claim = {};
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_EQ(FilterPod(AddPod(2, {shared, MakeClaim(2, 6 * kGiB)})), Names{});
  EXPECT_TRUE(is_held_);
}

// The scheduler serves the smaller claim first: it may get the volume, and the larger one none.
TEST_F(LedgerTest, ALargerClaimDoesNotCountOnAVolumeThatOneOfALiveReadMayGet) {
  Start(1, 7 * kGiB);
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB)});
  const Claim small = MakeClaim(1, 2 * kGiB), large = MakeClaim(2, 6 * kGiB);
  Apply(Seen<Claim>{large});
  const LiveObjects live{.claims = {small, large}};
  const auto named = [&](const Pod& pod) {
    return Filter(ledger_, {}, pod, ledger_.Demand(pod, &live), {"n1"}, now_).node_ids.size();
  };
  EXPECT_EQ(named(MakePod(1, {small, large})), 0U);
  Apply(Seen<Claim>{small});
  EXPECT_EQ(named(MakePod(1, {small, large})), 1U);
}

// A scheduler may have been told of it before, and given it to the pod that was answered first.
TEST_F(LedgerTest, AVolumeThatIsHeardOfLateIsForWhomeverWasAnsweredBefore) {
  Start(1, 10 * kGiB);
  FilterPod(AddPod(1, {MakeClaim(1, 6 * kGiB)}));
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB)});
  const Pod pod = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{});
  Pass(ledger_.options().hold_ttl);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(pod), Names{"n1"});
}

TEST_F(LedgerTest, AVolumeThatIsHeardOfLateIsNotForWhomeverWasAnsweredElsewhere) {
  Start(2, 10 * kGiB);
  const Pod first = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  ledger_.HoldOn(first, ledger_.Demand(first, nullptr), {"n2"}, {}, now_);
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB)});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 70 * kGiB)})), Names{"n1"});
}

TEST_F(LedgerTest, AVolumeOfAnotherNodeIsFreeOnceThePodHasItsNode) {
  Start(2, 1 * kGiB);
  for (const std::string& node : names_) {
    PersistentVolume volume = MakeVolumeByHand(node, 80 * kGiB);
    volume.meta.key.name = "on-" + node;
    Apply(Seen<PersistentVolume>{volume});
  }
  Pod first = AddPod(1, {MakeClaim(1, 70 * kGiB)});
  EXPECT_EQ(FilterPod(first), (Names{"n1", "n2"}));
  const Pod second = AddPod(2, {MakeClaim(2, 70 * kGiB)});
  EXPECT_EQ(FilterPod(second), Names{});
  EXPECT_TRUE(is_held_);
  first.nominated_node_name = "n2";
  first.meta.resource_version = "11";
  Apply(Seen<Pod>{first});
  EXPECT_EQ(FilterPod(second), Names{"n1"});
}

// The claim says that it has the volume before the volume does.
TEST_F(LedgerTest, AVolumeIsHeldUntilItMustHaveBeenHeardOfAsTaken) {
  Start(1, 1 * kGiB);
  const PersistentVolume volume = MakeVolumeByHand("n1", 80 * kGiB);
  Apply(Seen<PersistentVolume>{volume});
  Claim claim = MakeClaim(1, 70 * kGiB);
  FilterPod(AddPod(1, {claim}));
  claim.volume_name = volume.meta.key.name;
  Apply(Seen<Claim>{claim});
  const Pod second = AddPod(2, {MakeClaim(2, 70 * kGiB)});
  EXPECT_EQ(FilterPod(second), Names{});
  Pass(ledger_.options().hold_grace - kBlink);
  EXPECT_EQ(FilterPod(second), Names{});
  Pass(kBlink);
  EXPECT_EQ(FilterPod(second), Names{"n1"});
}

// A scheduler may have given it to somebody else before.
TEST_F(LedgerTest, ATakeoverCountsOnNoVolumeThatIsThere) {
  Start(1, 10 * kGiB);
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB)});
  ledger_.BeginTakeover(now_);
  const Pod pod = AddPod(1, {MakeClaim(1, 70 * kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{});
  EXPECT_TRUE(is_held_);
  Pass(ledger_.options().takeover_window);
  EXPECT_EQ(FilterPod(pod), Names{"n1"});
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

TEST_F(LedgerTest, AHeldClaimThatARelistMissesIsOwed) {
  Start(1, 10 * kGiB);
  const Pod pod = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  FilterPod(pod);
  Apply(Relisted<Claim>{});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  EXPECT_TRUE(is_held_);
}

// Its list was begun before the claim was read live, and comes after.
TEST_F(LedgerTest, AListThatIsOlderThanWhatWasReadLiveIsNoNews) {
  Start(2, 10 * kGiB);
  Claim claim = MakeClaim(1, 10 * kGiB);
  claim.meta.resource_version = "10";
  AddPod(1, {claim});
  Claim pinned = claim;
  pinned.meta.resource_version = "12";
  pinned.selected_node = "n1";
  ledger_.Learn({.claims = {pinned}}, now_);
  Apply(Relisted<Claim>{{claim}});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 10 * kGiB)})), Names{"n2"});
}

// No list has it, and the watch never had it: only its hold says where it may be in the making.
TEST_F(LedgerTest, AHeldClaimThatOnlyALiveReadToldOfIsOwedWhenAListMissesIt) {
  Start(2, 10 * kGiB);
  const Claim claim = MakeClaim(1, 6 * kGiB);
  const Pod pod = MakePod(1, {claim});
  const LiveObjects live{.claims = {claim}};
  ledger_.Learn(live, now_);
  ledger_.HoldOn(pod, ledger_.Demand(pod, &live), {"n1"}, {}, now_);
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
  EXPECT_EQ(ledger_.holds().Find(ClaimOwner(Uid(1))), nullptr);
}

// Pinned to n2 by hand, refused there, then decided for n1 before the watch has told of any of it.
TEST_F(LedgerTest, AnEarlierPinOfAClaimThatOnlyALiveReadTellsOfIsNoEvidence) {
  Start(2, 10 * kGiB);
  Claim claim = MakeClaim(1, 6 * kGiB);
  claim.meta.resource_version = "9";
  const Pod pod = MakePod(1, {claim});
  const LiveObjects live{.claims = {claim}};
  ledger_.Learn(live, now_);
  ledger_.HoldOn(pod, ledger_.Demand(pod, &live), {"n1"}, {}, now_);
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
  ledger_.HoldClaim(claim, {Uid(1), PoolKind::kLvm, 6 * kGiB}, "n1", now_);
  ledger_.EndHold(ClaimOwner(Uid(1)), now_);  // Somebody else was faster, and pinned it perhaps.
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  Pass(ledger_.options().hold_grace);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), (Names{"n1"}));
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

TEST_F(LedgerTest, AClaimThatARelistMissesIsOwedAlsoWhereAnAgentIsHeardOfLater) {
  Start(1, 10 * kGiB);
  Apply(Seen<Claim>{MakeClaim(1, 6 * kGiB)});
  Apply(Relisted<Claim>{});
  Apply(AgentsListed{{"n1", "n2"}});
  Apply(MakeReport("n2", 1, {MakeLvmPool(10 * kGiB)}));
  names_ = {"n1", "n2"};
  const Pod pod = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(pod), Names{});
  Pass(ledger_.options().debt_grace);
  Apply(AgentConfirmed{"n2"});
  Apply(AgentsListed{{"n1", "n2", "n3"}});
  Apply(MakeReport("n3", 1, {MakeLvmPool(10 * kGiB)}));
  names_ = {"n1", "n2", "n3"};
  EXPECT_EQ(FilterPod(pod), (Names{"n2", "n3"}));
}

// The API server may be slow to write what the leader before us sent last.
TEST_F(LedgerTest, APinOfATakeoverLeavesTheRoomThatTheLeaderBeforeMayHaveGiven) {
  Start(2, 10 * kGiB);
  const Claim claim = MakeClaim(1, 6 * kGiB);
  Apply(Seen<Claim>{claim});
  ledger_.BeginTakeover(now_);
  ledger_.HoldClaim(claim, {Uid(1), PoolKind::kLvm, 6 * kGiB}, "n1", now_);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, APinOfAPodLeavesTheRoomThatTheLeaderBeforeMayHaveGivenItsClaim) {
  Start(2, 10 * kGiB);
  const Pod pod = AddPod(1, {MakeClaim(1, 6 * kGiB)});
  ledger_.BeginTakeover(now_);
  ledger_.HoldOn(pod, ledger_.Demand(pod, nullptr), {"n1"}, {}, now_);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

TEST_F(LedgerTest, AnAgentWhoseReportIsOlderThanOursDoesNotConfirmOurs) {
  Start(1, 10 * kGiB);
  Apply(MakeReport("n1", 7, {MakeLvmPool(10 * kGiB)}));
  Apply(MakeReport("n1", 6, {MakeLvmPool(10 * kGiB)}));
  Pass(ledger_.options().agent_silence_max + kBlink);
  Apply(AgentConfirmed{"n1", 6});
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, kGiB)})), Names{});
  EXPECT_EQ(reasons_, std::vector<Reason>{Reason::kStaleReport});
  Apply(AgentConfirmed{"n1", 7});
  EXPECT_EQ(FilterPod(AddPod(1, {MakeClaim(1, kGiB)})), Names{"n1"});
}

TEST_F(LedgerTest, AClaimThatIsPinnedCountsOnNoVolumeThatComesMeanwhile) {
  Start(1, 10 * kGiB);
  const Claim claim = MakeClaim(1, kGiB);
  Apply(Seen<Claim>{claim});
  ledger_.HoldClaim(claim, {Uid(1), PoolKind::kLvm, kGiB}, "n1", now_);
  PersistentVolume volume;
  volume.meta.key.name = "by-hand";
  volume.storage_class_name = claim.storage_class_name.value();
  Apply(Seen<PersistentVolume>{volume});
  Apply(Gone<Claim>{claim});
  EXPECT_TRUE(ledger_.holds().IsEmpty());
}

}  // namespace
}  // namespace pmem::extender
