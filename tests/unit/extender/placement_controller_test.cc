// SPDX-License-Identifier: Apache-2.0
// Plans are carried out: what is written, what becomes of holds, what is read. Rounds are run by
// the test; what is planned is the matter of core/pinning_test.
#include "extender/placement_controller.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "tests/unit/extender/placement_testing.h"

namespace pmem::extender {
namespace {

TEST_F(PlacementControllerTest, APinIsWrittenOnceAndItsRoomStaysHeldUntilTheWatchShowsIt) {
  const Claim claim = AddImmediate(1);
  AddPodOf(1, {claim});
  controller_.Tick();
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(Holds(), 2);  // The pod's and the claim's.
  Claim pinned = claim;
  pinned.selected_node = "n1";
  pinned.is_pinned_by_us = true;
  pinned.meta.resource_version = "101";
  Emit(Seen<Claim>{pinned});
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(Holds(), 0);
}

TEST_F(PlacementControllerTest, ItRestsWhileNobodyWaitsForANode) {
  EXPECT_EQ(controller_.Tick(), PlacementController::kRestPause);
  const Claim claim = MakeClaim(1, kGiB);
  Emit(Seen<Claim>{claim});  // Its pod may come with a node.
  controller_.Tick();
  EXPECT_EQ(controller_.Tick(), PlacementController::kPeriod);
  Emit(Gone<Claim>{claim});
  EXPECT_EQ(controller_.Tick(), PlacementController::kRestPause);
  const Pod pod = AddPod(2, 100 * kGiB);
  Filter(pod);
  Emit(Gone<Claim>{MakeClaim(2, 100 * kGiB)});
  EXPECT_EQ(controller_.Tick(), PlacementController::kPeriod) << "a refused pod";
  Emit(Gone<Pod>{pod});
  EXPECT_EQ(controller_.Tick(), PlacementController::kRestPause);
  service.SetLeading(false);
  AddImmediate(3);
  EXPECT_EQ(controller_.Tick(), PlacementController::kRestPause);
}

TEST_F(PlacementControllerTest, NothingIsPlannedByAFollower) {
  service.SetLeading(false);
  AddPodOf(1, {AddImmediate(1)});
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), Names());
}

TEST_F(PlacementControllerTest, WhoseVolumeIsInATroubledPoolIsToldFromTimeToTime) {
  const Claim claim = MakeClaim(1, kGiB);
  Emit(Seen<Claim>{claim});
  PoolReport pool = MakeLvmPool(20 * kGiB, {{"disk-" + claim.meta.uid, kGiB}});
  pool.state = PoolState::kReadOnly;
  Emit(MakeReport("n1", 2, {pool}));
  controller_.Tick();
  controller_.Tick();
  ASSERT_EQ(api_.notices.size(), 1U);
  EXPECT_EQ(api_.notices[0].reason, NoticeReason::kPoolInTrouble);
  EXPECT_EQ(api_.notices[0].claim.meta.uid, claim.meta.uid);
  clock.Advance(PlacementController::kHealthPeriod);
  Emit(AgentConfirmed{"n1"});
  controller_.Tick();
  EXPECT_EQ(api_.notices.size(), 2U);
}

TEST_F(PlacementControllerTest, WhoseClassAsksForNoKnownKindIsToldFromTimeToTime) {
  StorageClass odd = MakeClass("odd");
  odd.parameters = {{"pmemType", "foo"}};
  Emit(Seen<StorageClass>{odd});
  Emit(Seen<Claim>{MakeClaim(1, kGiB, "odd")});
  controller_.Tick();
  controller_.Tick();
  ASSERT_EQ(api_.notices.size(), 1U);
  EXPECT_EQ(api_.notices[0].reason, NoticeReason::kUnknownKind);
}

TEST_F(PlacementControllerTest, OwnersBeyondThoseWhoAreToldAtATimeHaveTheirTurnNext) {
  StorageClass odd = MakeClass("odd");
  odd.parameters = {{"pmemType", "foo"}};
  Emit(Seen<StorageClass>{odd});
  constexpr auto kClaims = static_cast<int>(PlacementController::kTroubledMax) + 1;
  for (int number = 1; number <= kClaims; ++number) {
    Emit(Seen<Claim>{MakeClaim(number, kGiB, "odd")});
  }
  controller_.Tick();
  EXPECT_EQ(api_.notices.size(), PlacementController::kTroubledMax);
  clock.Advance(PlacementController::kHealthPeriod);
  Emit(AgentConfirmed{"n1"});
  controller_.Tick();
  std::set<std::string> told;
  for (const Notice& notice : api_.notices) told.insert(notice.claim.meta.key.name);
  EXPECT_EQ(told.size(), kClaims);
}

struct AnswerCase {
  const char* name;
  absl::Status answer;
  int64_t holds = 0;
  friend void PrintTo(const AnswerCase& c, std::ostream* os) { *os << c.name; }
};

class PlacementAnswers : public PlacementControllerTest,
                         public testing::WithParamInterface<AnswerCase> {};

// Certain losses give the room back once the watch must have told who won; what may have been
// written keeps it. Neither is tried again before the claim has changed.
TEST_P(PlacementAnswers, DecideOverTheHold) {
  api_.on_patch = [](const ObjectKey&) { return GetParam().answer; };
  Claim claim = AddImmediate(1);
  AddPodOf(1, {claim});
  controller_.Tick();
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(Holds(), 2);  // Somebody else may have pinned it, and the watch be behind.
  clock.Advance(LedgerOptions().hold_grace);
  service.Tick();
  EXPECT_EQ(Holds(), GetParam().holds);
  claim.meta.resource_version = "101";
  Emit(Seen<Claim>{claim});
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1", "claim-1"}));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, PlacementAnswers,
    testing::Values(AnswerCase{"Ok", absl::OkStatus(), 2},
                    AnswerCase{"Lost422", absl::FailedPreconditionError("422")},
                    AnswerCase{"Conflict409", absl::AbortedError("409")},
                    AnswerCase{"Gone404", absl::NotFoundError("404")},
                    AnswerCase{"Forbidden403", absl::PermissionDeniedError("403")},
                    AnswerCase{"Malformed400", absl::InvalidArgumentError("400")},
                    AnswerCase{"Busy429", absl::ResourceExhaustedError("429")},
                    AnswerCase{"NoAnswer", absl::DeadlineExceededError("60 s"), 2},
                    AnswerCase{"Odd", absl::UnknownError("302"), 2},
                    AnswerCase{"ServerError", absl::UnavailableError("500"), 2}),
    [](const auto& row) { return row.param.name; });

TEST_F(PlacementControllerTest, OneLostClaimDoesNotGiveUpTheRoomOfItsWrittenSibling) {
  api_.on_patch = [](const ObjectKey& claim) {
    return claim.name == "claim-2" ? absl::FailedPreconditionError("422") : absl::OkStatus();
  };
  AddPodOf(1, {AddImmediate(1, kGiB), AddImmediate(2, kGiB)});
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1", "claim-2"}));
  clock.Advance(LedgerOptions().hold_grace);
  service.Tick();
  EXPECT_EQ(Holds(), 2);  // The pod's and that of the claim that was written.
}

TEST_F(PlacementControllerTest, PodsWithANodeAreReadOnceForAWhile) {
  const Claim claim = MakeClaim(1, kGiB);
  Emit(Seen<Claim>{claim});
  Pod pod = MakePod(1, {claim});
  pod.node_name = "n2";
  api_.pods["default"] = {pod};
  controller_.Tick();
  EXPECT_EQ(api_.listed, Names());  // The claim has not settled.
  clock.Advance(absl::Seconds(1));
  controller_.Tick();
  EXPECT_EQ(api_.listed, (Names{"default"}));
  controller_.Tick();
  EXPECT_EQ(api_.listed, (Names{"default"}));
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
}

// Its pod could never run beside a volume elsewhere.
TEST_F(PlacementControllerTest, AnImmediateClaimGoesWhereItsPodWasPutThoughPodsWereReadBefore) {
  AddImmediate(1);
  controller_.Tick();
  clock.Advance(absl::Seconds(1));
  controller_.Tick();
  clock.Advance(absl::Milliseconds(500));
  Pod pod = MakePod(2, {AddImmediate(2)});
  pod.node_name = "n2";
  api_.pods["default"] = {pod};
  controller_.Tick();
  clock.Advance(absl::Seconds(1));
  for (int i = 0; i < 2; ++i) controller_.Tick();
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1", "claim-2"}));
  EXPECT_NE(api_.patches[1].json_patch.find(R"("value":"n2")"), std::string::npos);
}

TEST_F(PlacementControllerTest, PodsThatCannotBeReadKeepAnImmediateClaimWaiting) {
  AddImmediate(1);
  api_.list_failure = absl::UnavailableError("500");
  controller_.Tick();
  clock.Advance(absl::Seconds(1));
  for (int i = 0; i < 3; ++i) controller_.Tick();
  EXPECT_EQ(api_.listed, (Names{"default"}));
  EXPECT_EQ(PatchedClaims(), Names());
  api_.list_failure = absl::OkStatus();
  clock.Advance(kReadRetryPause);
  for (int i = 0; i < 2; ++i) controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
}

TEST_F(PlacementControllerTest, PodsThatCannotBeReadAreAskedForEverMoreRarelyAndItIsTold) {
  AddImmediate(1);
  api_.list_failure = absl::ResourceExhaustedError("too many");
  EXPECT_GE(ListsWithin(absl::Seconds(20)), 4U);
  EXPECT_TRUE(api_.notices.empty());
  EXPECT_LE(ListsWithin(absl::Minutes(5)), 12U);
  ASSERT_FALSE(api_.notices.empty());
  EXPECT_EQ(api_.notices[0].reason, NoticeReason::kNoNodeFits);
  EXPECT_TRUE(api_.notices[0].message.ends_with("could not be read"));
  api_.list_failure = absl::OkStatus();
  clock.Advance(kReadRetryPauseMax);
  for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
  for (int i = 0; i < 2; ++i) controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
}

// Longer than what was read is believed: it is of use for one plan.
TEST_F(PlacementControllerTest, AnApiServerThatIsSlowToListPodsKeepsNobodyWaitingForEver) {
  AddPodOf(1, {AddImmediate(1)}, 1000);
  AddImmediate(2);
  api_.on_list = [this] {
    clock.Advance(PlacementController::kPodsAgeMin + absl::Seconds(1));
    for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
  };
  controller_.Tick();
  clock.Advance(absl::Seconds(1));
  for (int i = 0; i < 2; ++i) controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1", "claim-2"}));
  EXPECT_EQ(api_.listed, (Names{"on n1", "default"}));
}

TEST_F(PlacementControllerTest, NodesThatAreLookedForInVainKeepARoundForAMomentOnly) {
  for (int i = 1; i <= 3; ++i) {
    Claim claim = AddImmediate(i);
    claim.selected_node = "gone-" + std::to_string(i);
    claim.is_pinned_by_us = true;
    Emit(Seen<Claim>{claim});
  }
  api_.on_has_node = [this] { clock.Advance(PlacementController::kLookupTimeMax); };
  controller_.Tick();
  clock.Advance(absl::Seconds(6));
  controller_.Tick();
  EXPECT_EQ(api_.asked_nodes, Names{"gone-1"});
}

TEST_F(PlacementControllerTest, ListsThatHangKeepARoundFromItsOtherWorkForAMomentOnly) {
  for (int i = 1; i <= 3; ++i) {
    Claim claim = MakeClaim(i, kGiB);
    claim.meta.key.kube_namespace = "team-" + std::to_string(i);
    Emit(Seen<Claim>{claim});
  }
  controller_.Tick();  // Notes that they have come.
  clock.Advance(absl::Seconds(1));
  api_.on_list = [this] { clock.Advance(PlacementController::kLookupTimeMax); };
  controller_.Tick();
  EXPECT_EQ(api_.listed.size(), 1U);
  for (int i = 0; i < 2; ++i) controller_.Tick();
  EXPECT_EQ(api_.listed, (Names{"team-1", "team-2", "team-3"}));
}

// More kube_namespaces than one round reads.
TEST_F(PlacementControllerTest, EveryKubeNamespaceIsReadInItsTurn) {
  std::set<std::string> names;
  for (int i = 1; i <= 3 * PlacementController::kLookupsMax; ++i) {
    Claim claim = MakeClaim(i, kGiB);
    claim.meta.key.kube_namespace = "team-" + std::to_string(i);
    names.insert(claim.meta.key.kube_namespace);
    Emit(Seen<Claim>{claim});
  }
  controller_.Tick();
  for (int i = 0; i < 3; ++i) {
    clock.Advance(PlacementController::kPodsAgeMin + absl::Milliseconds(1));
    controller_.Tick();
  }
  EXPECT_EQ(std::set<std::string>(api_.listed.begin(), api_.listed.end()), names);
}

TEST_F(PlacementControllerTest, AClaimThatNobodyUsesIsAskedAfterEverMoreRarely) {
  Emit(Seen<Claim>{MakeClaim(1, kGiB)});
  controller_.Tick();
  EXPECT_GE(ListsWithin(absl::Minutes(2)), 4U);
  EXPECT_LE(ListsWithin(absl::Minutes(10)), 10U);
}

// Nothing says that its room is there again but a look at it.
TEST_F(PlacementControllerTest, OfManyRefusedPodsEachIsLookedAt) {
  constexpr int kPods = 100;
  for (int i = 1; i <= kPods; ++i) {
    const Pod pod = AddPod(i, i == kPods ? 30 * kGiB : 100 * kGiB);
    service.Write([&](Ledger& ledger, absl::Time now) { ledger.NoteRefused(pod, true, 0, now); });
  }
  controller_.Tick();
  clock.Advance(LedgerOptions().takeover_window);
  controller_.Tick();
  EXPECT_EQ(api_.wake_ups, 0);
  clock.Advance(PlacementController::kWakeDelay);
  controller_.Tick();
  EXPECT_EQ(api_.wake_ups, 1);
}

TEST_F(PlacementControllerTest, WhatRunsOnTheBestNodeIsReadBeforeAPodWithCpuGoesThere) {
  Pod running = MakePod(9, {});
  running.requested_cpu_milli = 3500;
  api_.pods_on["n1"] = {running};
  AddPodOf(1, {AddImmediate(1)}, 1000);
  for (int i = 0; i < 3; ++i) controller_.Tick();
  EXPECT_EQ(api_.listed, (Names{"on n1", "on n2"}));
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_NE(api_.patches[0].json_patch.find(R"("value":"n2")"), std::string::npos);
}

// More busy nodes than lists fit into the time that a pod may be sent by one.
class PlacementAmongBusyNodes : public PlacementControllerTest {
 protected:
  static constexpr int kNodes = 30;

  PlacementAmongBusyNodes() {
    std::vector<Node> nodes;
    for (int i = 0; i < kNodes; ++i) {
      names_.push_back("busy-" + std::to_string(100 + i));
      nodes.push_back(MakeNode(names_.back()));
    }
    Emit(Relisted<Node>{nodes});
    Emit(AgentsListed{names_});
    for (int i = 0; i < kNodes; ++i) {
      Emit(MakeReport(names_[static_cast<size_t>(i)], 1, {MakeLvmPool((20 + i) * kGiB)}));
      Pod runs = MakePod(1000 + i, {});
      runs.requested_cpu_milli = 3500;
      api_.pods_on[names_[static_cast<size_t>(i)]] = {runs};
    }
    AddPodOf(1, {AddImmediate(1)}, 1000);
    api_.on_list = [this] { clock.Advance(absl::Milliseconds(50)); };
  }

  // Lists of pods in that time, if nothing was placed.
  size_t ListsIn(absl::Duration duration) {
    const size_t before = api_.listed.size();
    const absl::Time end = clock.SteadyNow() + duration;
    while (clock.SteadyNow() < end && api_.patches.empty()) {
      for (const std::string& name : names_) Emit(AgentConfirmed{name});
      const size_t listed = api_.listed.size();
      controller_.Tick();
      if (api_.listed.size() == listed) clock.Advance(absl::Seconds(1));
    }
    return api_.listed.size() - before;
  }

  std::vector<std::string> names_;
};

TEST_F(PlacementAmongBusyNodes, TheOneThatIsFreeIsFound) {
  api_.pods_on[names_.back()] = {};
  EXPECT_LE(ListsIn(absl::Seconds(10)), 2U * kNodes);
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_NE(api_.patches[0].json_patch.find(names_.back()), std::string::npos);
}

TEST_F(PlacementAmongBusyNodes, ThatAllAreBusyIsToldAndTheyAreReadEverMoreRarely) {
  EXPECT_LE(ListsIn(absl::Seconds(20)), 1U * kNodes);
  ASSERT_FALSE(api_.notices.empty());
  EXPECT_EQ(api_.notices[0].reason, NoticeReason::kNoNodeFits);
  EXPECT_TRUE(api_.notices[0].message.ends_with("0/30 nodes: 30 insufficient cpu"));
  ListsIn(absl::Minutes(10));
  EXPECT_LE(ListsIn(absl::Minutes(8)), 3U * kNodes);
  api_.pods_on[names_[7]] = {};
  ListsIn(PlacementController::kUsesAgeMax + absl::Seconds(5));
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
}

TEST_F(PlacementControllerTest, PodsOfANodeThatCannotBeReadStopNobody) {
  api_.list_failure = absl::UnavailableError("500");
  AddPodOf(1, {AddImmediate(1)}, 1000);
  controller_.Tick();
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
}

// More than one plan does: their rounds take several.
TEST_F(PlacementControllerTest, ManyClaimsAreAllPlannedForInOneGo) {
  constexpr int kClaims = 1500;
  clock.Advance(LedgerOptions().takeover_window);
  for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
  service.Tick();
  for (int i = 1; i <= kClaims; ++i) AddPodOf(i, {AddImmediate(i, i > 1 ? 100 * kGiB : kGiB)});
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(api_.notices.size(), kClaims - 1U);
}

TEST_F(PlacementControllerTest, UsersAreToldWhenNothingFits) {
  const Claim claim = AddImmediate(1, 100 * kGiB);
  AddPodOf(1, {claim});
  controller_.Tick();
  ASSERT_EQ(api_.notices.size(), 1U);
  EXPECT_EQ(api_.notices[0].reason, NoticeReason::kNoNodeFits);
  EXPECT_EQ(api_.notices[0].claim.meta.uid, claim.meta.uid);
}

TEST_F(PlacementControllerTest, APinOnANodeThatIsGoneIsTakenAwayOnce) {
  Claim claim = AddImmediate(1);
  claim.selected_node = "n9";
  claim.is_pinned_by_us = true;
  Emit(Seen<Claim>{claim});
  controller_.Tick();
  clock.Advance(absl::Seconds(5));
  controller_.Tick();
  controller_.Tick();
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_NE(api_.patches[0].json_patch.find(R"("op":"remove")"), std::string::npos);
}

TEST_F(PlacementControllerTest, TheLogSaysWhetherAPinWasTakenAway) {
  Claim claim = AddImmediate(1);
  claim.selected_node = "n9";
  claim.is_pinned_by_us = true;
  Emit(Seen<Claim>{claim});
  controller_.Tick();
  clock.Advance(absl::Seconds(5));
  api_.on_patch = [](const ObjectKey&) { return absl::FailedPreconditionError("changed"); };
  testing::internal::CaptureStderr();
  controller_.Tick();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find(R"("level":"warning","component":"placement",)"
                      R"("message":"pin on a node that is gone not taken away",)"
                      R"("kube_namespace":"default","claim":"claim-1","node":"n9")"),
            std::string::npos)
      << said;
}

// The watch of the nodes may be behind that of the claims by the pause of its next try.
TEST_F(PlacementControllerTest, APinOnANodeThatOnlyTheApiServerTellsOfStays) {
  Claim claim = AddImmediate(1);
  claim.selected_node = "n9";
  claim.is_pinned_by_scheduler = true;
  Emit(Seen<Claim>{claim});
  api_.nodes = {"n9"};
  controller_.Tick();
  clock.Advance(absl::Seconds(5));
  for (int i = 0; i < 3; ++i) controller_.Tick();
  EXPECT_EQ(PatchedClaims(), Names{});
  EXPECT_TRUE(api_.notices.empty());
  EXPECT_EQ(api_.asked_nodes, Names{"n9"}) << "not each time";
  api_.nodes.clear();
  api_.node_failure = absl::UnavailableError("away");
  clock.Advance(PlacementController::kNodeLookPause);
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), Names{}) << "nobody knows";
  api_.node_failure = absl::OkStatus();
  clock.Advance(PlacementController::kNodeLookPause);
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), Names{"claim-1"});
}

// Nobody takes such a pin away. A node that is new may be one that the watch has not told of yet.
TEST_F(PlacementControllerTest, ANodeThatAUserTypedInIsToldToBeGoneOnceTheApiServerSaysSo) {
  Claim claim = AddImmediate(1);
  claim.selected_node = "n9";
  Emit(Seen<Claim>{claim});
  api_.nodes = {"n9"};
  controller_.Tick();
  clock.Advance(absl::Seconds(5));
  for (int i = 0; i < 3; ++i) controller_.Tick();
  EXPECT_TRUE(api_.notices.empty());
  EXPECT_EQ(api_.asked_nodes, Names{"n9"}) << "not each time";
  api_.nodes.clear();
  clock.Advance(PlacementController::kNodeLookPause);
  for (int i = 0; i < 3; ++i) controller_.Tick();
  ASSERT_FALSE(api_.notices.empty());
  EXPECT_EQ(api_.notices[0].reason, NoticeReason::kPinnedNodeGone);
  EXPECT_EQ(api_.asked_nodes, (Names{"n9", "n9"})) << "not each time";
  EXPECT_EQ(PatchedClaims(), Names{});
}

}  // namespace
}  // namespace pmem::extender
