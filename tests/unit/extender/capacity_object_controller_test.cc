// SPDX-License-Identifier: Apache-2.0
#include "extender/capacity_object_controller.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/fakes/fake_capacity_api.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

class NoLiveReader final : public LiveReader {
 public:
  absl::StatusOr<LiveObjects> Read(const std::vector<ObjectKey>&, const std::vector<std::string>&,
                                   absl::Duration) override {
    return absl::UnavailableError("not in this test");
  }
};

constexpr int kNodesMax = 60;

// A leader with one class and node n1 with 40 GiB; the watch of its own objects has found none.
class CapacityObjectControllerTest : public testing::Test {
 protected:
  CapacityObjectControllerTest() {
    service_.SetLeaderCheck([this] { return is_leader_; });
    for (const Event& event : ListsOf({.classes = {MakeClass("pmem-lvm")}})) service_.Emit(event);
    AddNodes(1);
    service_.SetLeading(true);
    controller_.OnRelisted({});
  }

  // Nodes n1 to n<count>, each with an agent that has reported.
  void AddNodes(int count) {
    std::vector<Node> nodes;
    AgentsListed agents;
    for (int i = 1; i <= count; ++i) {
      Node node;
      node.meta = {.key = {"", absl::StrCat("n", i)}, .uid = absl::StrCat("uid-n", i)};
      node.labels = {{"kubernetes.io/hostname", node.meta.key.name}};
      agents.nodes.push_back(node.meta.key.name);
      nodes.push_back(std::move(node));
    }
    service_.Emit(Relisted<Node>{nodes});
    service_.Emit(agents);
    for (const Node& node : nodes) Report(node.meta.key.name, 40);
  }

  void Report(const std::string& node, int64_t gib) {
    service_.Emit(MakeReport(node, ++generation_, {MakeLvmPool(gib * kGiB)}));
  }

  static std::string NameOf(const std::string& node) {
    return CapacityObjectName({.node = node,
                               .storage_class = "pmem-lvm",
                               .topology_key = "kubernetes.io/hostname",
                               .topology_value = node});
  }
  // All writes of n1's object, which comes first.
  void RefuseFirst(const absl::Status& why) { api_.refusals[refused_] = why; }
  void TickFor(absl::Duration time) {
    for (absl::Time end = clock_.SteadyNow() + time; clock_.SteadyNow() < end;) {
      clock_.Advance(CapacityObjectController::kPeriod);
      controller_.Tick();
    }
  }
  // As text.
  std::string Pending() {
    const std::string text = metrics_.Text();
    constexpr std::string_view kGauge = "\npmem_extender_capacity_objects_pending ";
    const size_t at = text.find(kGauge);
    if (at == std::string::npos) return "missing";
    const size_t begin = at + kGauge.size();
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  // Somebody makes the only object one of another node. Returns it.
  CapacityObject Spoil() {
    return api_.Edit(Only().meta.key.name, [](CapacityObject& object) {
      object.topology = {{"kubernetes.io/hostname", "another"}};
      object.volume_bytes_max = 1;
    });
  }

  CapacityObject& Only() {
    EXPECT_EQ(api_.objects.size(), 1U);
    return api_.objects.begin()->second;
  }
  int64_t Gib() { return Only().volume_bytes_max.value_or(-1) / kGiB; }

  FakeClock clock_;
  NoLiveReader live_;
  LedgerService service_{{}, &live_, &clock_};
  Metrics metrics_{"pmem_extender", "0"};
  FakeCapacityApi api_;
  CapacityObjectController controller_{kNodesMax, &service_, &api_, &clock_, &metrics_};
  bool is_leader_ = true;
  int64_t generation_ = 0;
  const std::string refused_ = NameOf("n1");
};

TEST_F(CapacityObjectControllerTest, WritesWhatDiffersAndOnlyThat) {
  controller_.Tick();
  EXPECT_EQ(Gib(), 40);
  Report("n1", 30);
  controller_.Tick();
  EXPECT_EQ(Gib(), 30);
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(absl::Seconds(1));
    controller_.Tick();
  }
  EXPECT_EQ(api_.writes, 2);
}

TEST_F(CapacityObjectControllerTest, WritesNothingBeforeItKnowsItsOwnObjects) {
  CapacityObjectController fresh(kNodesMax, &service_, &api_, &clock_, &metrics_);
  fresh.Tick();
  EXPECT_EQ(api_.writes, 0);
}

TEST_F(CapacityObjectControllerTest, WritesNothingWhenItDoesNotLeadNow) {
  is_leader_ = false;
  controller_.Tick();
  EXPECT_EQ(api_.writes, 0);
  is_leader_ = true;
  controller_.Tick();
  EXPECT_EQ(Gib(), 40);
}

TEST_F(CapacityObjectControllerTest, StopsInTheMiddleOfARoundWhenItLeadsNoMore) {
  AddNodes(5);
  service_.SetLeaderCheck([this] { return api_.writes < 2; });
  controller_.Tick();
  EXPECT_EQ(api_.writes, 2);
}

TEST_F(CapacityObjectControllerTest, WritesABoundedNumberInEachRound) {
  AddNodes(50);
  controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 20U);
  controller_.Tick();
  controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 50U);
  EXPECT_EQ(CapacityObjectController::kWritesPerRoundMax, 20);
}

TEST_F(CapacityObjectControllerTest, OneObjectStandsForMoreNodesThanHaveTheirOwn) {
  const auto settle = [this] {
    for (int i = 0; i < 10; ++i) {
      controller_.Tick();
      clock_.Advance(CapacityObjectController::kJoinedPause);
    }
  };
  AddNodes(kNodesMax);
  settle();
  EXPECT_EQ(api_.objects.size(), 60U);
  AddNodes(kNodesMax + 1);
  settle();
  EXPECT_EQ(Gib(), 40);
  EXPECT_TRUE(Only().topology.empty());
  EXPECT_TRUE(Only().owners.empty());
  Report("n7", 50);
  settle();
  EXPECT_EQ(Gib(), 50);
  AddNodes(kNodesMax * 3 / 4 + 1);  // Not to and fro.
  settle();
  EXPECT_EQ(Only().topology.size(), 0U);
  AddNodes(kNodesMax * 3 / 4);
  settle();
  EXPECT_EQ(api_.objects.size(), 45U);
}

TEST_F(CapacityObjectControllerTest, PutsRightWhatOthersDo) {
  controller_.Tick();
  const std::string name = Only().meta.key.name;
  controller_.OnSeen(api_.Edit(name, [](CapacityObject& o) { o.volume_bytes_max = 1; }));
  controller_.Tick();
  EXPECT_EQ(Gib(), 40);
  const CapacityObject last = Only();
  api_.objects.clear();
  controller_.OnGone(last);
  controller_.Tick();
  EXPECT_EQ(Gib(), 40);
}

TEST_F(CapacityObjectControllerTest, AnObjectThatLostOurLabelIsFoundAgain) {
  controller_.Tick();
  const CapacityObject edited =
      api_.Edit(Only().meta.key.name, [](CapacityObject& o) { o.labels.clear(); });
  controller_.OnGone(edited);  // Of the watch's selection.
  controller_.Tick();          // Creating it is refused: it is there.
  controller_.Tick();
  EXPECT_EQ(Only().labels.size(), 2U);
}

TEST_F(CapacityObjectControllerTest, ALostRaceIsTriedOnTheNewState) {
  controller_.Tick();
  api_.Edit(Only().meta.key.name, [](CapacityObject&) {});  // The watch has not said so yet.
  Report("n1", 30);
  controller_.Tick();
  EXPECT_EQ(Gib(), 40);
  controller_.Tick();
  EXPECT_EQ(Gib(), 30);
}

TEST_F(CapacityObjectControllerTest, WhoLeadsNoMoreDoesNotLookAgainAtALostRace) {
  controller_.Tick();
  RefuseFirst(absl::AbortedError("it changed meanwhile"));
  Report("n1", 30);
  bool is_read = false;
  api_.meanwhile = [&is_read](const std::string&) { is_read = true; };
  service_.SetLeaderCheck([this] { return api_.writes < 2; });
  controller_.Tick();
  EXPECT_EQ(api_.writes, 2);
  EXPECT_FALSE(is_read);
}

TEST_F(CapacityObjectControllerTest, AnOldEventDoesNotUndoWhatTheAnswerSaid) {
  controller_.Tick();
  const CapacityObject before = Only();
  Report("n1", 30);
  controller_.Tick();
  controller_.OnSeen(before);
  clock_.Advance(absl::Seconds(2));
  controller_.Tick();
  EXPECT_EQ(api_.writes, 2);
}

// The watch is quicker than the answer to a write: what that says is not so any more.
TEST_F(CapacityObjectControllerTest, AnAnswerDoesNotBringBackWhatTheWatchSawGo) {
  api_.meanwhile = [this](const std::string& name) {
    controller_.OnSeen(api_.objects.at(name));
    controller_.OnGone(api_.Edit(name, [](CapacityObject& o) { o.labels.clear(); }));
  };
  for (int i = 0; i < 4; ++i) controller_.Tick();
  EXPECT_EQ(Only().labels.size(), 2U);
}

TEST_F(CapacityObjectControllerTest, AnAnswerDoesNotBringBackWhatAListHasNot) {
  api_.meanwhile = [this](const std::string& name) {
    api_.objects.erase(name);
    controller_.OnRelisted({});
  };
  for (int i = 0; i < 4; ++i) controller_.Tick();
  EXPECT_EQ(Gib(), 40);
}

TEST_F(CapacityObjectControllerTest, WhatWasReadAgainIsNotThereWhenTheWatchSawItGo) {
  controller_.Tick();
  // The next write loses against somebody who says the same.
  api_.Edit(Only().meta.key.name, [](CapacityObject& object) {
    object.capacity_bytes = object.volume_bytes_max = 30 * kGiB;
  });
  Report("n1", 30);
  api_.meanwhile = [this](const std::string& name) {
    const CapacityObject last = api_.objects.at(name);
    api_.objects.erase(name);
    controller_.OnGone(last);
  };
  for (int i = 0; i < 4; ++i) controller_.Tick();
  EXPECT_EQ(Gib(), 30);
}

TEST_F(CapacityObjectControllerTest, AnApiServerThatFailsIsLeftAloneForAWhile) {
  api_.failure = absl::UnavailableError("away");
  AddNodes(5);
  controller_.Tick();
  controller_.Tick();
  EXPECT_EQ(api_.writes, 1);
  api_.failure = absl::OkStatus();
  clock_.Advance(CapacityObjectController::kFailurePause);
  controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 5U);
}

TEST_F(CapacityObjectControllerTest, WhenTheApiServerWantsFewerCallsNoneIsMadeForAWhile) {
  api_.failure = absl::ResourceExhaustedError("429");
  AddNodes(5);
  controller_.Tick();
  controller_.Tick();
  EXPECT_EQ(api_.writes, 1);
}

TEST_F(CapacityObjectControllerTest, OneThatIsRefusedDoesNotHoldUpThoseBehindIt) {
  AddNodes(5);
  RefuseFirst(absl::PermissionDeniedError("exceeded quota"));
  controller_.Tick();
  EXPECT_EQ(api_.writes, 5);
  EXPECT_EQ(api_.objects.size(), 4U);
  EXPECT_FALSE(api_.objects.contains(refused_));
}

TEST_F(CapacityObjectControllerTest, MoreThanARoundThatAreRefusedDoNotHoldUpTheOthers) {
  AddNodes(50);
  for (int i = 1; i <= 49; ++i) {
    api_.refusals[NameOf(absl::StrCat("n", i))] = absl::PermissionDeniedError("exceeded quota");
  }
  for (int i = 0; i < 3; ++i) controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 1U);
}

TEST_F(CapacityObjectControllerTest, OneThatIsRefusedIsTriedEverMoreRarelyAndCountsAsBehind) {
  RefuseFirst(absl::PermissionDeniedError("exceeded quota"));
  TickFor(absl::Minutes(10));
  EXPECT_GT(api_.writes, 10);
  EXPECT_LT(api_.writes, 20) << "not each second";
  EXPECT_EQ(Pending(), "1");
  api_.refusals.clear();
  TickFor(kRefusedPauseMax);
  EXPECT_EQ(Gib(), 40);
  EXPECT_EQ(Pending(), "0");
}

TEST_F(CapacityObjectControllerTest, OneThatIsWrittenAtLastIsRefusedFromTheBeginningAgain) {
  RefuseFirst(absl::PermissionDeniedError("exceeded quota"));
  TickFor(absl::Minutes(10));
  api_.refusals.clear();
  TickFor(kRefusedPauseMax);
  RefuseFirst(absl::PermissionDeniedError("a policy"));
  Report("n1", 30);
  controller_.Tick();
  api_.refusals.clear();
  TickFor(kRefusedPauseMin + CapacityObjectController::kLookPause);
  EXPECT_EQ(Gib(), 30);
}

TEST_F(CapacityObjectControllerTest, OneThatCannotBecomeWhatItShouldIsMadeAnew) {
  controller_.Tick();
  controller_.OnSeen(Spoil());
  controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 0U);
  EXPECT_EQ(Pending(), "1");
  controller_.Tick();
  EXPECT_EQ(Gib(), 40);
  EXPECT_EQ(Only().topology.at("kubernetes.io/hostname"), "n1");
  EXPECT_EQ(Pending(), "0");
}

TEST_F(CapacityObjectControllerTest, OneThatCannotBecomeWhatItShouldIsDeletedOnlyAsItWasSeen) {
  controller_.Tick();
  controller_.OnSeen(Spoil());
  api_.meanwhile = [this](const std::string&) { Spoil(); };  // The watch says it too late.
  controller_.Tick();
  EXPECT_EQ(Only().volume_bytes_max, 1);
  TickFor(kRefusedPauseMin + CapacityObjectController::kLookPause);
  EXPECT_EQ(Gib(), 40);
}

TEST_F(CapacityObjectControllerTest, OneThatMayNotEvenBeDeletedIsTriedEverMoreRarely) {
  controller_.Tick();
  controller_.OnSeen(Spoil());
  RefuseFirst(absl::FailedPreconditionError("a policy"));
  TickFor(absl::Minutes(10));
  EXPECT_GT(api_.writes, 20);
  EXPECT_LT(api_.writes, 40) << "replace and delete once a minute";
}

TEST_F(CapacityObjectControllerTest, OneThatAPolicyKeepsAsItIsStays) {
  controller_.Tick();
  RefuseFirst(absl::FailedPreconditionError("a policy"));
  Report("n1", 30);
  TickFor(absl::Minutes(2));
  EXPECT_EQ(Gib(), 40);
  EXPECT_EQ(Pending(), "1");
}

// Made anew it is strange again at once, as by somebody's webhook.
TEST_F(CapacityObjectControllerTest, OneThatIsStrangeAgainAndAgainIsNotMadeAnewAllTheTime) {
  for (absl::Time end = clock_.SteadyNow() + absl::Minutes(10); clock_.SteadyNow() < end;) {
    if (api_.objects.empty()) {
      api_.meanwhile = [this](const std::string&) { controller_.OnSeen(Spoil()); };
    }
    TickFor(CapacityObjectController::kPeriod);
  }
  EXPECT_GT(api_.writes, 30);
  EXPECT_LT(api_.writes, 60) << "replace, delete and create once a minute";
}

TEST_F(CapacityObjectControllerTest, SleepsUntilTheSlowLookUnlessThereIsMoreToWrite) {
  using C = CapacityObjectController;
  AddNodes(C::kWritesPerRoundMax + 1);
  EXPECT_EQ(controller_.Tick(), C::kPeriod) << "one is left";
  EXPECT_EQ(controller_.Tick(), C::kLookPause);
  clock_.Advance(C::kLookPause / 4);
  EXPECT_EQ(controller_.Tick(), C::kLookPause * 3 / 4);
  api_.failure = absl::UnavailableError("away");
  Report("n1", 30);
  EXPECT_EQ(controller_.Tick(), C::kFailurePause);
  is_leader_ = false;
  EXPECT_EQ(controller_.Tick(), C::kLookPause);
  C fresh(kNodesMax, &service_, &api_, &clock_, &metrics_);  // Its watch has not listed yet.
  is_leader_ = true;
  EXPECT_EQ(fresh.Tick(), C::kLookPause);
}

TEST_F(CapacityObjectControllerTest, TakesAwayWhatNobodyWants) {
  AddNodes(2);
  controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 2U);
  Node gone;
  gone.meta.key.name = "n2";
  service_.Emit(Gone<Node>{gone});  // No new version of the ledger: seen by the slow look.
  controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 2U);
  clock_.Advance(CapacityObjectController::kLookPause);
  controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 1U);
  service_.Emit(Gone<StorageClass>{MakeClass("pmem-lvm")});
  controller_.Tick();
  EXPECT_EQ(api_.objects.size(), 0U);
}

}  // namespace
}  // namespace pmem::extender
