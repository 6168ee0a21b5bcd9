// SPDX-License-Identifier: Apache-2.0
// Plans are carried out: what is written, what becomes of holds, what is read. Rounds are run by
// the test; what is planned is the matter of core/pinning_test.
#include "extender/placement_controller.h"

#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_placement_api.h"
#include "tests/unit/extender/service_testing.h"

namespace pmem::extender {
namespace {

class PlacementControllerTest : public testing::Test, public ServiceFixture {
 protected:
  PlacementControllerTest() { Begin(); }

  Claim AddImmediate(int number, int64_t bytes = 10 * kGiB) {
    Claim claim = MakeClaim(number, bytes, "now");
    claim.meta.resource_version = std::to_string(number * 100);
    claim.storage_provisioner = std::string(kDriverName);
    claim.has_annotations = true;
    Emit(Seen<Claim>{claim});
    return claim;
  }

  Pod AddPodOf(int number, const std::vector<Claim>& claims, int64_t cpu_milli = 0) {
    Pod pod = MakePod(number, claims);
    pod.requested_cpu_milli = cpu_milli;
    Emit(Seen<Pod>{pod});
    return pod;
  }

  std::vector<std::string> PatchedClaims() const {
    std::vector<std::string> names;
    for (const auto& patch : api_.patches) names.push_back(patch.claim.name);
    return names;
  }

  size_t Holds() {
    return service.Read([](const Ledger& l, absl::Time) { return l.holds().holds().size(); });
  }

  double Count(const std::string& what) { return metrics_.AddCounter(what, "").Value(); }

  using Names = std::vector<std::string>;
  FakePlacementApi api_;
  Metrics metrics_{"test", "1"};
  PlacementController controller_{{}, &service, &api_, &clock, &metrics_};
};

TEST_F(PlacementControllerTest, APinIsWrittenOnceAndItsRoomStaysHeldUntilTheWatchShowsIt) {
  const Claim claim = AddImmediate(1);
  AddPodOf(1, {claim});
  controller_.Tick();
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(Holds(), 2U);  // The pod's and the claim's.
  Claim pinned = claim;
  pinned.selected_node = "n1";
  pinned.is_pinned_by_us = true;
  pinned.meta.resource_version = "101";
  Emit(Seen<Claim>{pinned});
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(Holds(), 0U);
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

struct AnswerCase {
  const char* name;
  absl::Status answer;
  size_t holds = 0;
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
  EXPECT_EQ(Holds(), 2U);  // Somebody else may have pinned it, and the watch be behind.
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
  EXPECT_EQ(Holds(), 2U);  // The pod's and that of the claim that was written.
}

class PlacementInTime : public PlacementControllerTest {
 protected:
  PlacementInTime() { StandStill(LedgerOptions().takeover_window); }

  void StandStill(absl::Duration duration) {
    clock.Advance(duration);
    for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
    service.Tick();
  }

  // Of a pod that asks for 18 GiB, on n1, which has 20.
  Reason AskForMostOfN1() { return Filter(AddPod(3, 18 * kGiB))->reasons[0]; }
};

TEST_F(PlacementInTime, ThePinsRoomStaysHeldWhenItsPodIsDeletedWhileItIsWritten) {
  const Pod pod = AddPodOf(1, {AddImmediate(1, 18 * kGiB)});
  Reason told = Reason::kFits;
  api_.on_patch = [&](const ObjectKey&) {
    Emit(Gone<Pod>{pod});
    StandStill(PinTimes::kDeadline - absl::Milliseconds(1));
    told = AskForMostOfN1();
    return absl::OkStatus();
  };
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(told, Reason::kHeld);
}

// The renewal of the lease was late; another leader may have decided in between.
TEST_F(PlacementInTime, APinThatWasPlannedBeforeTheLeadWasLostIsNotWrittenAfterIt) {
  AddPodOf(1, {AddImmediate(1, 21 * kGiB)});
  AddPodOf(2, {AddImmediate(2, 18 * kGiB)});
  Reason told = Reason::kFits;
  api_.on_patch = [&](const ObjectKey&) {
    clock.Advance(absl::Milliseconds(1));
    service.SetLeading(false);
    service.SetLeading(true);
    StandStill(LedgerOptions().takeover_window + absl::Milliseconds(1));
    told = AskForMostOfN1();
    return absl::OkStatus();
  };
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(told, Reason::kHeld);  // Its write might have been on its way.
}

TEST_F(PlacementInTime, AServerThatWasBusyOnceIsAskedAgainSoonAndNoNodeIsBlamed) {
  AddPodOf(1, {AddImmediate(1, 38 * kGiB)});  // n2 alone has the room.
  const absl::Time begin = clock.SteadyNow();
  api_.on_patch = [&](const ObjectKey&) {
    return api_.patches.size() == 1 ? absl::ResourceExhaustedError("429") : absl::OkStatus();
  };
  while (api_.patches.size() < 2 && clock.SteadyNow() - begin < absl::Minutes(2)) {
    controller_.Tick();
    StandStill(absl::Milliseconds(200));
  }
  EXPECT_LE(clock.SteadyNow() - begin, PinMemory::kLossPatience + absl::Milliseconds(400));
  EXPECT_TRUE(api_.notices.empty());
}

// The use of a node is old before a round has come around: 400 plans of 4 ms, say.
TEST_F(PlacementInTime, AClaimIsPlacedByWhatWasReadForItHoweverLongARoundTakes) {
  PlacementController slow({.judgements_max = 4}, &service, &api_, &clock, &metrics_);
  constexpr int kClaims = 400;
  for (int i = 1; i <= kClaims; ++i) {
    AddPodOf(i, {AddImmediate(i, kGiB)}, i == kClaims / 2 ? 1000 : 100'000);
  }
  const absl::Time begin = clock.SteadyNow();
  while (api_.patches.empty() && clock.SteadyNow() - begin < absl::Minutes(2)) {
    slow.Tick();
    StandStill(absl::Milliseconds(400));
  }
  EXPECT_EQ(PatchedClaims(), (Names{absl::StrCat("claim-", kClaims / 2)}));
}

// The answer to the first PATCH takes too long for the hold of the second to outlive its own.
TEST_F(PlacementControllerTest, APinWhoseHoldMayEndBeforeItIsHeardOfIsGivenUpAndPlannedAgain) {
  const PinTimes times = PinTimesOf(LedgerOptions());
  const absl::Duration begin_max = LedgerOptions().hold_ttl - times.standing;
  EXPECT_EQ(begin_max, absl::Seconds(15));
  const auto stand_still = [this](absl::Duration duration) {
    clock.Advance(duration);
    for (const char* node : {"n1", "n2"}) Emit(AgentConfirmed{node});
  };
  stand_still(LedgerOptions().takeover_window);
  AddPodOf(1, {AddImmediate(1, 38 * kGiB)});
  AddPodOf(2, {AddImmediate(2, 18 * kGiB)});
  api_.on_patch = [&](const ObjectKey& claim) {
    if (claim.name == "claim-1") stand_still(begin_max + absl::Milliseconds(1));
    return absl::OkStatus();
  };
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(api_.patches[0].deadline, PinTimes::kDeadline);
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1", "claim-2"}));
  stand_still(LedgerOptions().hold_ttl - absl::Milliseconds(1));
  service.Tick();
  EXPECT_NE(service.Read([](const Ledger& l, absl::Time) {
    return l.holds().Find(MakePod(2, {}).meta.uid);
  }),
            nullptr);
}

// Its sibling is on its way to a node that nobody has told of.
TEST_F(PlacementControllerTest, AGivenUpPinIsNotPlannedAgainBeforeItsWrittenSiblingIsHeardOf) {
  const Claim first = AddImmediate(1, kGiB);
  AddPodOf(1, {first, AddImmediate(2, kGiB)});
  api_.on_patch = [&](const ObjectKey& claim) {
    if (claim.name == "claim-1") clock.Advance(absl::Seconds(16));
    return absl::OkStatus();
  };
  controller_.Tick();
  Emit(AgentConfirmed{"n2"});  // By now the only node that is fresh.
  clock.Advance(absl::Seconds(10));
  controller_.Tick();
  EXPECT_EQ(PatchedClaims(), (Names{"claim-1"}));
  Claim pinned = first;
  pinned.selected_node = "n1";
  pinned.is_pinned_by_us = true;
  pinned.meta.resource_version = "101";
  Emit(Seen<Claim>{pinned});
  Emit(AgentConfirmed{"n1"});
  controller_.Tick();
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1", "claim-2"}));
  EXPECT_NE(api_.patches[1].json_patch.find(R"("value":"n1")"), std::string::npos);
}

TEST(PinTimes, LeaveTimeToHearOfAWriteWhileItsHoldStands) {
  for (const int seconds : {1, 5, 10, 30, 300}) {
    const LedgerOptions options{.hold_ttl = absl::Seconds(seconds)};
    const PinTimes times = PinTimesOf(options);
    EXPECT_LT(times.standing, options.hold_ttl) << seconds;
    EXPECT_GT(times.deadline, absl::ZeroDuration()) << seconds;
    EXPECT_LE(times.deadline, PinTimes::kDeadline) << seconds;
    const absl::Duration heard = std::min(options.hold_grace, options.hold_ttl / 3);
    EXPECT_EQ(times.deadline + heard, times.standing) << seconds;
  }
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
  clock.Advance(PlacementController::kLookupRetryPause);
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
  const auto reads_in = [&](absl::Duration duration) {
    const size_t before = api_.listed.size();
    for (const absl::Time end = clock.SteadyNow() + duration; clock.SteadyNow() < end;) {
      clock.Advance(absl::Seconds(1));
      controller_.Tick();
    }
    return api_.listed.size() - before;
  };
  EXPECT_GE(reads_in(absl::Minutes(2)), 4U);
  EXPECT_LE(reads_in(absl::Minutes(10)), 10U);
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

}  // namespace
}  // namespace pmem::extender
