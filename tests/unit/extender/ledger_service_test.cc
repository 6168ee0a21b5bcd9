// SPDX-License-Identifier: Apache-2.0
#include "extender/ledger_service.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/io/periodic_task.h"
#include "extender/extender_metrics.h"
#include "tests/support/wait_until.h"
#include "tests/unit/extender/service_testing.h"

namespace pmem::extender {
namespace {

using Patience = LedgerService::Patience;
using Reasons = std::vector<Reason>;
using Bools = std::vector<bool>;

constexpr std::string_view kOne[] = {"n1"};
constexpr std::string_view kTurned[] = {"n2", "n1"};

class LedgerServiceTest : public testing::Test, public ServiceFixture {
 protected:
  bool WaitUntilOneWaits() {
    return WaitUntil("a filter call waits for others' holds",
                     [this] { return service.GetWaiting() > 0; });
  }
};

TEST_F(LedgerServiceTest, IsReadyOnceItLeadsAndKnowsAllObjectsAndAllAgents) {
  EXPECT_EQ(service.GetReadiness().unsynced.size(), 6U);
  Sync();
  EXPECT_TRUE(service.GetReadiness().is_synced);
  EXPECT_FALSE(service.GetReadiness().is_ready);
  service.SetLeading(true);
  EXPECT_EQ(service.GetSilentAgents(), (std::vector<std::string>{"n1", "n2"}));
  EXPECT_FALSE(service.GetReadiness().is_ready);
  Report();
  EXPECT_TRUE(service.GetReadiness().is_ready);
}

TEST_F(LedgerServiceTest, AnAgentIsSilentAgainOnceItIsStale) {
  Begin();
  EXPECT_TRUE(service.GetSilentAgents().empty());
  clock.Advance(absl::Minutes(1));
  Emit(AgentConfirmed{"n2"});
  EXPECT_EQ(service.GetSilentAgents(), (std::vector<std::string>{"n1"}));
}

TEST_F(LedgerServiceTest, OfSilentAgentsNoMoreThanTwentyAreNamed) {
  std::vector<std::string> agents;
  for (int i = 10; i < 31; ++i) agents.push_back(absl::StrCat("n", i));
  for (const Event& event : ListsOf({.agents = agents})) Emit(event);
  EXPECT_EQ(service.GetSilentAgents().size(), 20U);
}

TEST_F(LedgerServiceTest, AgentsThatStaySilentAreWaitedForNoLongerThanAgreed) {
  service.SetLeading(true);
  Sync();
  Emit(MakeReport("n1", 1, {MakeLvmPool(20 * kGiB)}));
  clock.Advance(service.options().agents_wait_max - absl::Milliseconds(1));
  service.Tick();
  EXPECT_FALSE(service.GetReadiness().is_ready);
  clock.Advance(absl::Milliseconds(1));
  service.Tick();
  EXPECT_TRUE(service.GetReadiness().is_ready);
  EXPECT_EQ(service.GetSilentAgents(), (std::vector<std::string>{"n2"}));
}

TEST_F(LedgerServiceTest, APodWithoutVolumesIsAnsweredWhateverIsBroken) {
  const auto answer = Filter(MakePod(1, {}));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->is_pmem);
  EXPECT_EQ(answer->error, "");
}

TEST_F(LedgerServiceTest, NobodyDecidesBeforeTheAgentsHaveReported) {
  service.SetLeading(true);
  Sync();
  const Pod pod = AddPod(1, kGiB);
  EXPECT_EQ(Filter(pod)->error, "waiting for the agents' first reports");
  EXPECT_EQ(service.Prioritize(pod, kOne, Patience::kBlocks)->error,
            "waiting for the agents' first reports");
  EXPECT_EQ(service.Preempt(pod, kOne, Patience::kBlocks)->error,
            "waiting for the agents' first reports");
}

TEST_F(LedgerServiceTest, AFollowerDecidesNothingOfPmem) {
  Sync();
  Report();
  EXPECT_EQ(Filter(AddPod(1, kGiB))->error, "not the leader");
}

TEST_F(LedgerServiceTest, ALeaderThatHasLostItsLeaseDecidesNothingAtOnce) {
  bool is_leader = true;
  service.SetLeaderCheck([&] { return is_leader; });
  Begin();
  const Pod pod = AddPod(1, kGiB);
  EXPECT_EQ(Filter(pod)->error, "");
  is_leader = false;
  EXPECT_EQ(Filter(pod)->error, "not the leader");
}

TEST_F(LedgerServiceTest, FilterNamesTheNodesWithRoomAndHoldsThem) {
  Begin();
  const auto answer = Filter(AddPod(1, 30 * kGiB));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->is_pmem);
  EXPECT_EQ(answer->reasons, (Reasons{Reason::kNoRoom, Reason::kFits}));
  EXPECT_EQ(answer->is_named, (Bools{false, true}));
  const auto held = service.Read([](const Ledger& ledger, absl::Time) {
    return ledger.holds().holds().begin()->second.node_ids.size();
  });
  EXPECT_EQ(held, 1U);
}

TEST_F(LedgerServiceTest, NothingIsReadOrWaitedForByWhomMayNotBlock) {
  Begin();
  const Pod pod = AddPod(1, kGiB);
  EXPECT_EQ(Filter(pod, Patience::kNone), std::nullopt);
  EXPECT_EQ(live.reads(), 0);
}

TEST_F(LedgerServiceTest, WhatOnlyOthersHoldIsWaitedForUntilItIsFree) {
  Begin();
  const Pod first = AddPod(1, 30 * kGiB);
  Filter(first);
  // Heard of within the takeover window, so held itself: it comes after the first has its answer.
  const Pod second = AddPod(2, 30 * kGiB);
  std::optional<FilterAnswer> answer;
  {
    Thread waits("waits", [&] { answer = Filter(second); });
    EXPECT_TRUE(WaitUntilOneWaits());
    Emit(Gone<Pod>{first});
    clock.Advance(service.options().ledger.hold_grace);  // Its last write may be on its way.
    service.Tick();
  }
  EXPECT_EQ(answer->reasons, (Reasons{Reason::kNoRoom, Reason::kFits}));
  EXPECT_EQ(service.GetWaits().count, 1);
  EXPECT_EQ(service.GetWaits().total, service.options().ledger.hold_grace);
  ExtenderMetrics metrics(&service);
  metrics.OnTick(service);
  const double seconds = absl::ToDoubleSeconds(service.options().ledger.hold_grace);
  EXPECT_TRUE(
      absl::StrContains(metrics.registry().Text(),
                        absl::StrCat("\npmem_extender_filter_wait_seconds_total ", seconds, "\n")));
}

// Whoever looks first: the placement controller, or another call.
TEST(LedgerServiceWaits, EndWithTheHoldThatIsWaitedForWhoeverEndsIt) {
  for (const bool is_call : {false, true}) {
    ServiceFixture it({.hold_wait_max = absl::Hours(1)});
    it.Begin();
    it.Filter(it.AddPod(1, 30 * kGiB));
    const Pod second = it.AddPod(2, 30 * kGiB), third = it.AddPod(3, kGiB);
    const Thread waits("waits", [&] { it.Filter(second); });
    EXPECT_TRUE(WaitUntil("it waits", [&] { return it.service.GetWaiting() == 1; }));
    it.clock.Advance(it.service.options().ledger.hold_ttl);
    if (is_call) it.Filter(third);
    if (!is_call) it.service.Write([](Ledger& ledger, absl::Time now) { ledger.Expire(now); });
    EXPECT_TRUE(WaitUntil("it has its answer", [&] { return it.service.GetWaiting() == 0; }));
    it.service.SetLeading(false);  // If not, it ends here.
  }
}

class LedgerServiceWithoutPatience : public testing::Test, public ServiceFixture {
 protected:
  LedgerServiceWithoutPatience() : ServiceFixture({.hold_wait_max = absl::ZeroDuration()}) {}
};

TEST_F(LedgerServiceWithoutPatience, RoomThatIsHeldIsRefusedUntilTheHoldIsOver) {
  Begin();
  Filter(AddPod(1, 30 * kGiB));
  const Pod second = AddPod(2, 30 * kGiB);
  EXPECT_EQ(Filter(second)->reasons, (Reasons{Reason::kNoRoom, Reason::kHeld}));
  clock.Advance(service.options().ledger.hold_ttl);
  service.Tick();
  Report(2);
  EXPECT_EQ(Filter(second)->reasons, (Reasons{Reason::kNoRoom, Reason::kFits}));
}

TEST_F(LedgerServiceTest, PrioritizeAndPreemptKnowTheSameRoom) {
  Begin();
  const Pod pod = AddPod(1, 10 * kGiB);
  EXPECT_EQ(service.Prioritize(pod, kTurned, Patience::kBlocks)->scores, (std::vector<int>{0, 10}));
  const Pod large = AddPod(2, 30 * kGiB);
  EXPECT_EQ(service.Preempt(large, kBoth, Patience::kBlocks)->is_kept, (Bools{false, true}));
}

TEST_F(LedgerServiceTest, PreemptGoesByWhatClaimsAreNowWhereTheWatchIsBehind) {
  Begin();
  const Pod pod = AddPod(1, 30 * kGiB);
  Claim claim = MakeClaim(1, 30 * kGiB);
  claim.meta.resource_version = "201";
  live.Hold({claim});
  claim.meta.resource_version = "200";
  claim.selected_node = "n1";
  Emit(Seen<Claim>{claim});
  EXPECT_EQ(service.Preempt(pod, kBoth, Patience::kBlocks)->is_kept, (Bools{false, true}));
}

// ---- What the cache lacks.

TEST_F(LedgerServiceTest, AClaimThatTheCacheLacksIsReadOnce) {
  Begin();
  const Claim claim = MakeClaim(7, 30 * kGiB);
  live.Hold({claim});
  const Pod pod = MakePod(7, {claim});
  EXPECT_EQ(Filter(pod, Patience::kNone), std::nullopt);  // Not on the I/O pool.
  EXPECT_EQ(live.reads(), 0);
  EXPECT_EQ(Filter(pod, Patience::kBlocks)->reasons, (Reasons{Reason::kNoRoom, Reason::kFits}));
  EXPECT_EQ(live.reads(), 1);
}

TEST_F(LedgerServiceTest, AClassThatTheCacheLacksIsReadAfterItsClaim) {
  Begin();
  const Claim claim = MakeClaim(7, 30 * kGiB, "new-class");
  StorageClass storage_class = MakeClass("new-class");
  storage_class.parameters = {{"pmemType", "lvm"}};
  live.Hold({claim}, {storage_class});
  EXPECT_EQ(Filter(MakePod(7, {claim}), Patience::kBlocks)->reasons,
            (Reasons{Reason::kNoRoom, Reason::kFits}));
  EXPECT_EQ(live.reads(), 2);
}

TEST_F(LedgerServiceTest, AClaimThatDoesNotExistIsAnErrorForEveryVerb) {
  Begin();
  const Pod pod = MakePod(7, {MakeClaim(7, kGiB)});
  const std::string error = "claim default/claim-7 does not exist";
  EXPECT_EQ(Filter(pod, Patience::kBlocks)->error, error);
  EXPECT_EQ(live.reads(), 1);
  EXPECT_EQ(service.Prioritize(pod, kOne, Patience::kBlocks)->error, error);
  EXPECT_EQ(service.Preempt(pod, kOne, Patience::kBlocks)->error, error);
}

TEST_F(LedgerServiceTest, AClassThatDoesNotExistIsAnErrorOfAClaimWithoutAVolumeOnly) {
  Begin();
  Claim claim = MakeClaim(7, kGiB, "lost-class");
  Emit(Seen<Claim>{claim});
  const Pod pod = MakePod(7, {claim});
  EXPECT_EQ(Filter(pod, Patience::kBlocks)->error, "StorageClass lost-class does not exist");
  claim.volume_name = "pv-7";
  Emit(Seen<Claim>{claim});
  EXPECT_EQ(Filter(pod, Patience::kBlocks)->error, "");
}

TEST_F(LedgerServiceTest, LiveReadsAreCountedWithTheirTime) {
  Begin();
  const Pod pod = AddPod(1, kGiB);
  EXPECT_EQ(service.GetLiveReads().count, 0);
  live.Pause();
  {
    Thread asks("asks", [&] { Filter(pod); });
    live.WaitForReads(1);
    clock.Advance(absl::Milliseconds(30));
    live.Resume();
  }
  EXPECT_EQ(service.GetLiveReads().count, 1);
  EXPECT_EQ(service.GetLiveReads().total, absl::Milliseconds(30));
  live.Fail(absl::UnavailableError("connection refused"));
  Filter(pod);
  EXPECT_EQ(service.GetLiveReads().count, 2);
}

// ---- Agents.

TEST_F(LedgerServiceTest, AnAgentThatGoesBackwardsIsNoSignOfLife) {
  Begin();
  Report(5);
  const Pod pod = AddPod(1, 10 * kGiB);
  clock.Advance(service.options().ledger.agent_silence_max + absl::Seconds(1));
  Emit(MakeReport("n1", 4, {MakeLvmPool(900 * kGiB)}));  // Older than what is known.
  Emit(MakeReport("n2", 5, {MakeLvmPool(40 * kGiB)}));   // The same again.
  EXPECT_EQ(Filter(pod)->reasons, (Reasons{Reason::kStaleReport, Reason::kFits}));
}

// ---- News, and when there is nothing to do.

TEST_F(LedgerServiceTest, WhoListensIsToldOfWhatTheyMayHaveToActOn) {
  Begin();
  service.Tick();
  int news = 0;
  service.SetListener([&news] { ++news; });
  const auto told = [&news] { return std::exchange(news, 0) > 0; };
  Emit(AgentConfirmed{"n1"});
  Emit(AgentFailed{"n1", "refused"});
  Report();  // The same again.
  service.Tick();
  EXPECT_FALSE(told()) << "nothing has changed";
  Report(2);
  EXPECT_TRUE(told());
  Emit(Seen<Claim>{MakeClaim(9, kGiB, "now")});  // To be placed, and no matter of the ledger's.
  EXPECT_TRUE(told());
  const Pod pod = AddPod(1, 100 * kGiB);
  told();
  Filter(pod);
  EXPECT_TRUE(told()) << "refused";
  service.SetLeading(false);
  EXPECT_TRUE(told());
}

TEST_F(LedgerServiceTest, WhatADecisionLearnsLiveIsToldOf) {
  Begin();
  const Pod pod = AddPod(1, kGiB);
  Claim claim = MakeClaim(1, kGiB);
  claim.meta.resource_version = "5";
  Emit(Seen<Claim>{claim});
  live.Hold({claim});
  bool is_told = false;
  service.SetListener([&is_told] { is_told = true; });
  Filter(pod);
  EXPECT_FALSE(is_told) << "it is as the watch said";
  claim.meta.resource_version = "6";
  claim.selected_node = "n1";
  live.Hold({claim});
  Filter(pod);
  EXPECT_TRUE(is_told);
}

// Not only of what the tick itself ends.
TEST_F(LedgerServiceTest, WhatEndsWhileSomebodyElseLooksIsToldOfToo) {
  Begin();
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n1";
  Emit(Seen<Claim>{claim});
  Emit(Gone<Claim>{claim});
  bool is_told = false;
  service.SetListener([&is_told] { is_told = true; });
  clock.Advance(service.options().ledger.debt_grace);
  Emit(AgentConfirmed{"n1"});  // The debt is over.
  EXPECT_TRUE(std::exchange(is_told, false));
  const Pod pod = AddPod(2, kGiB);
  Filter(pod);
  clock.Advance(service.options().ledger.hold_ttl);
  is_told = false;
  service.Write([](Ledger& ledger, absl::Time now) { ledger.Expire(now); });
  service.Tick();
  EXPECT_TRUE(is_told);
}

TEST_F(LedgerServiceTest, TheNextTickIsNeededWhenTheFirstHoldOrDebtEnds) {
  const LedgerOptions& ledger = service.options().ledger;
  EXPECT_EQ(service.UntilNextTick(), ledger.hold_ttl) << "whatever is held meanwhile";
  service.SetLeading(true);
  Sync();
  service.Tick();
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(service.UntilNextTick(), service.options().agents_wait_max - absl::Seconds(1));
  Report();
  EXPECT_EQ(service.UntilNextTick(), ledger.hold_ttl);
  clock.Advance(ledger.takeover_window);
  Filter(AddPod(1, kGiB));
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(service.UntilNextTick(), ledger.hold_ttl - absl::Seconds(10));
  Claim claim = MakeClaim(2, kGiB);
  claim.selected_node = "n1";
  Emit(Seen<Claim>{claim});
  Emit(Gone<Claim>{claim});
  clock.Advance(absl::Seconds(15));
  EXPECT_EQ(service.UntilNextTick(), ledger.hold_ttl - absl::Seconds(25));
  clock.Advance(absl::Seconds(5));
  service.Tick();
  EXPECT_EQ(service.UntilNextTick(), ledger.debt_grace - absl::Seconds(20));
}

// ---- Leading.

// Synced, with node n1 and a pod that fits there. It was told that it leads; whether it still does
// is asked of the test, question by question.
class LeadingTest : public testing::Test {
 protected:
  LeadingTest() {
    live_.Add(MakeClaim(1, kGiB));
    service_.SetLeaderCheck([this] { return asked_++ < leads_for_; });
    const ClusterLists lists = {.pods = {pod_}, .claims = {MakeClaim(1, kGiB)}, .agents = {"n1"}};
    for (const Event& event : ListsOf(lists)) service_.Emit(event);
    service_.Emit(MakeReport("n1", 1, {MakeLvmPool(4 * kGiB)}));
    service_.SetLeading(true);
  }

  // Leads for the next `questions` questions only.
  void LeadFor(int questions) {
    asked_ = 0;
    leads_for_ = questions;
  }

  const std::vector<std::string_view> nodes_ = {"n1"};
  const Pod pod_ = MakePod(1, {MakeClaim(1, kGiB)});
  FakeClock clock_;
  FakeLiveReader live_;
  LedgerService service_{{}, &live_, &clock_};
  int asked_ = 0;
  int leads_for_ = 1000;
};

TEST_F(LeadingTest, ALeaderDecidesAndMayWrite) {
  const auto answer = service_.Filter(pod_, nodes_, Patience::kBlocks);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "");
  EXPECT_EQ(answer->is_named, std::vector<bool>{true});
  EXPECT_TRUE(service_.MayWrite());
  EXPECT_TRUE(service_.GetReadiness().is_ready);
}

TEST_F(LeadingTest, WhoWasStoppedBeforeADecisionRefuses) {
  LeadFor(0);
  EXPECT_EQ(service_.Filter(pod_, nodes_, Patience::kBlocks)->error, "not the leader");
  EXPECT_EQ(service_.Prioritize(pod_, nodes_, Patience::kBlocks)->error, "not the leader");
  EXPECT_EQ(service_.Preempt(pod_, nodes_, Patience::kBlocks)->error, "not the leader");
  EXPECT_FALSE(service_.MayWrite());
  EXPECT_FALSE(service_.GetReadiness().is_ready);
  EXPECT_FALSE(service_.GetReadiness().is_leading);
}

TEST_F(LeadingTest, WhoWasStoppedInTheMiddleOfADecisionRefuses) {
  LeadFor(1);
  const auto answer = service_.Filter(pod_, nodes_, Patience::kBlocks);
  EXPECT_EQ(answer->error, "not the leader");
  EXPECT_TRUE(answer->is_named.empty());
}

TEST_F(LeadingTest, AFollowerIsInStepAndLetsPodsWithoutPmemPass) {
  service_.SetLeading(false);
  LeadFor(0);
  EXPECT_TRUE(service_.GetReadiness().is_synced);
  EXPECT_EQ(service_.Filter(pod_, nodes_, Patience::kBlocks)->error, "not the leader");
  const auto plain = service_.Filter(MakePod(2, {}), nodes_, Patience::kBlocks);
  EXPECT_EQ(plain->error, "");
  EXPECT_FALSE(plain->is_pmem);
}

TEST_F(LeadingTest, ANewLeaderDecidesOnceItHasListedWhatTheOldOneMayHaveDecidedFor) {
  service_.SetLeading(false);
  int64_t asked = 0;
  service_.SetRelister([&asked](int64_t round) { asked = round; });
  service_.SetLeading(true);
  ASSERT_EQ(asked, 1);
  EXPECT_EQ(service_.GetReadiness().awaited, (std::vector<std::string>{"claims", "pods"}));
  EXPECT_TRUE(service_.GetReadiness().is_synced);  // What is known may be read.
  EXPECT_EQ(service_.Filter(pod_, nodes_, Patience::kBlocks)->error,
            "new in the lead, listing claims, pods");
  service_.Emit(Listed{ObjectKind::kClaims, 0});  // Begun before we led.
  service_.Emit(Listed{ObjectKind::kPods, asked});
  EXPECT_FALSE(service_.MayWrite());
  service_.Emit(Listed{ObjectKind::kClaims, asked});
  EXPECT_TRUE(service_.MayWrite());
  EXPECT_EQ(service_.Filter(pod_, nodes_, Patience::kBlocks)->error, "");
}

TEST_F(LeadingTest, EachTimeItLeadsAnewListsAreAwaitedAnew) {
  int64_t asked = 0;
  service_.SetRelister([&asked](int64_t round) { asked = round; });
  service_.SetLeading(true);
  for (const ObjectKind kind : {ObjectKind::kClaims, ObjectKind::kPods})
    service_.Emit(Listed{kind, asked});
  service_.SetLeading(false);
  service_.SetLeading(true);
  EXPECT_EQ(asked, 2);
  EXPECT_FALSE(service_.MayWrite());
}

TEST_F(LeadingTest, AFollowerThatIsInStepDecidesAtOnceWhenItLeads) {
  service_.SetLeading(false);
  EXPECT_FALSE(service_.MayWrite());
  service_.SetLeading(true);
  EXPECT_TRUE(service_.MayWrite());
  EXPECT_EQ(service_.Filter(pod_, nodes_, Patience::kBlocks)->error, "");
}

// kube-scheduler gives a call up that lasts too long, and asks again.
TEST_F(LedgerServiceTest, ACallThatWasGivenUpTakesNothingFromTheOneThatCameAfterIt) {
  Begin();
  const Pod pod = AddPod(1, 15 * kGiB);
  const int64_t turn = service.TakeTurn();
  EXPECT_EQ(service.Filter(pod, kOne, Patience::kBlocks)->is_named, Bools{true});
  const std::string_view other[] = {"n2"};
  const auto late = service.Filter(pod, other, Patience::kBlocks, turn);
  EXPECT_EQ(late->error, "the pod was asked for again meanwhile");
  // What is held there would have to be waited for.
  EXPECT_FALSE(service.Filter(AddPod(2, 15 * kGiB), kOne, Patience::kNone));
}

TEST_F(LedgerServiceTest, ACallThatWasGivenUpHoldsNothingAfterALaterOneWasRefused) {
  Begin();
  const Pod pod = AddPod(1, 15 * kGiB);
  const int64_t turn = service.TakeTurn();
  Emit(MakeReport("n1", 2, {MakeLvmPool(kGiB)}));
  EXPECT_EQ(service.Filter(pod, kOne, Patience::kBlocks)->is_named, Bools{false});
  Emit(MakeReport("n1", 3, {MakeLvmPool(20 * kGiB)}));
  EXPECT_EQ(service.Filter(pod, kOne, Patience::kBlocks, turn)->error,
            "the pod was asked for again meanwhile");
  service.Read([&](const Ledger& ledger, absl::Time) {
    EXPECT_EQ(ledger.holds().Find(pod.meta.uid), nullptr);
    EXPECT_TRUE(ledger.IsRefused(pod.meta.uid));
  });
}

}  // namespace
}  // namespace pmem::extender
