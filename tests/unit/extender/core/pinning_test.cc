// SPDX-License-Identifier: Apache-2.0
#include "extender/core/pinning.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Nodes n1 (tightest) to n3 with LVM pools of 20, 40 and 60 GiB, cpu for two pods each, and an
// Immediate class "now" beside the product's. Claims are old enough to be placed at once.
class PinningTest : public testing::Test {
 protected:
  PinningTest() {
    Apply(Relisted<Node>{{MakeNode("n1"), MakeNode("n2"), MakeNode("n3")}});
    Apply(Relisted<Pod>{});
    Apply(Relisted<Claim>{});
    Apply(Relisted<PersistentVolume>{});
    Apply(Relisted<StorageClass>{{MakeClass("pmem-lvm"), MakeImmediate()}});
    Apply(AgentsListed{{"n1", "n2", "n3"}});
    for (int i = 1; i <= 3; ++i) {
      Apply(MakeReport("n" + std::to_string(i), 1, {MakeLvmPool(20 * i * kGiB)}));
    }
  }

  static Node MakeNode(const std::string& name) {
    Node node;
    node.meta.key.name = name;
    node.labels = {{"kubernetes.io/hostname", name}};
    node.allocatable_cpu_milli = 2000;
    node.allocatable_memory_bytes = 8 * kGiB;
    return node;
  }

  static StorageClass MakeImmediate() {
    StorageClass object = MakeClass("now", false);
    object.parameters = {{"pmemType", "lvm"}};
    return object;
  }

  // An Immediate claim that the PV controller has given to our driver.
  static Claim Immediate(int number, int64_t bytes = 10 * kGiB) {
    Claim claim = MakeClaim(number, bytes, "now");
    claim.meta.resource_version = std::to_string(number * 100);
    claim.storage_provisioner = std::string(kDriverName);
    claim.has_annotations = true;
    return claim;
  }

  void Apply(const Event& event) {
    ledger_.Apply(event, now_);
    ledger_.Expire(now_);
  }

  Claim Add(const Claim& claim) {
    Apply(Seen<Claim>{claim});
    return claim;
  }

  Pod AddPod(Pod pod) {
    Apply(Seen<Pod>{pod});
    return pod;
  }

  void Pass(absl::Duration duration) {
    now_ += duration;
    ledger_.Expire(now_);
    for (int i = 1; i <= 3; ++i) Apply(AgentConfirmed{"n" + std::to_string(i)});
  }

  PinningPlan Plan() {
    PinningPlan plan = PlanPins(ledger_, {}, placed_, uses_, memory_, now_);
    EXPECT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
    return plan;
  }

  // The plan once what it has to know of pods with a node is known, and claims have settled.
  PinningPlan SettledPlan() {
    placed_.try_emplace("default");
    Plan();
    Pass(absl::Seconds(2));
    return Plan();
  }

  // (claim, node) of every pin.
  static Pairs Pins(const PinningPlan& plan) {
    Pairs pins;
    for (const Pin& pin : plan.pins) pins.emplace_back(pin.claim.meta.key.name, pin.node);
    return pins;
  }

  static std::vector<NoticeReason> Notices(const PinningPlan& plan) {
    std::vector<NoticeReason> reasons;
    for (const Notice& notice : plan.notices) reasons.push_back(notice.reason);
    return reasons;
  }

  // What the watch shows after a pin of ours was written.
  Claim ShowPinned(Claim claim, const std::string& node) {
    memory_.NoteWrite(claim, node, now_);
    claim.selected_node = node;
    claim.is_pinned_by_us = true;
    claim.meta.resource_version += "1";
    return Add(claim);
  }

  Claim ShowUnpinned(Claim claim) {
    claim.selected_node.clear();
    claim.meta.resource_version += "2";
    return Add(claim);
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  Ledger ledger_{LedgerOptions{}};
  PlacedPods placed_;
  NodeUses uses_;
  PinMemory memory_;
};

TEST_F(PinningTest, AnImmediateClaimIsPlacedOnceItHasSettledWithoutAPod) {
  Add(Immediate(1));
  placed_["default"];
  const PinningPlan early = Plan();
  EXPECT_EQ(Pins(early), Pairs());
  EXPECT_EQ(early.next, now_ + absl::Seconds(1));
  Pass(absl::Seconds(1));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), (Pairs{{"claim-1", "n1"}}));
  EXPECT_TRUE(plan.pins[0].needs_provisioner);
  EXPECT_EQ(plan.pins[0].hold_owner, "claim/" + Uid(1));
}

TEST_F(PinningTest, PodsWithANodeAreAskedForFirst) {
  Add(Immediate(1));
  Plan();
  Pass(absl::Seconds(2));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), Pairs());
  EXPECT_EQ(plan.lookups, (std::set<std::string>{"default"}));
}

TEST_F(PinningTest, ClaimsOfOnePlanCountAgainstEachOther) {
  for (int i = 1; i <= 3; ++i) Add(Immediate(i));
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-1", "n1"}, {"claim-2", "n1"}, {"claim-3", "n2"}}));
}

TEST_F(PinningTest, WhatIsNotOursToPinIsLeftAlone) {
  Claim waits = MakeClaim(1, kGiB);  // WaitForFirstConsumer.
  Claim unready = Immediate(2);      // The PV controller has not seen it yet.
  unready.storage_provisioner.clear();
  Claim foreign = Immediate(3);
  foreign.storage_class_name = "other";
  Claim deleting = Immediate(4);
  deleting.meta.is_deleting = true;
  StorageClass other = MakeClass("other", false);
  other.provisioner = "other.example.com";
  Apply(Seen<StorageClass>{other});
  for (const Claim& claim : {waits, unready, foreign, deleting}) Add(claim);
  const PinningPlan plan = SettledPlan();
  EXPECT_EQ(Pins(plan), Pairs());
  EXPECT_EQ(Notices(plan), std::vector<NoticeReason>());
}

TEST_F(PinningTest, AllImmediateClaimsOfAPodGoToOneNodeAtOnce) {
  const Claim a = Add(Immediate(1, 15 * kGiB));
  const Claim b = Add(Immediate(2, 15 * kGiB));
  const Pod pod = AddPod(MakePod(1, {a, b}));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), (Pairs{{"claim-1", "n2"}, {"claim-2", "n2"}}));
  EXPECT_EQ(plan.pins[1].hold_owner, pod.meta.uid);
}

TEST_F(PinningTest, APodWaitsForAllOfItsClaims) {
  const Claim a = Add(Immediate(1));
  AddPod(MakePod(1, {a, Immediate(2)}));
  EXPECT_EQ(Pins(Plan()), Pairs());
  Add(Immediate(2));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}, {"claim-2", "n1"}}));
}

TEST_F(PinningTest, AClaimFollowsTheOneOfItsPodThatHasANode) {
  Claim first = Immediate(1);
  first.selected_node = "n3";
  const Claim second = Immediate(2);
  Add(first);
  Add(second);
  AddPod(MakePod(1, {first, second}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-2", "n3"}}));
}

// n1 and n2 have room for the first pod alone.
TEST_F(PinningTest, AClaimOfSeveralPodsGoesWhereAllOfThemHaveRoom) {
  const Claim shared = Add(Immediate(1));
  AddPod(MakePod(1, {shared}));
  AddPod(MakePod(2, {shared, Add(MakeClaim(2, 45 * kGiB))}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n3"}}));
}

TEST_F(PinningTest, AClaimOfSeveralPodsFollowsThoseThatHaveTheirNode) {
  const Claim shared = Add(Immediate(1));
  Claim pinned = MakeClaim(2, kGiB);
  pinned.selected_node = "n2";
  AddPod(MakePod(1, {shared}));
  AddPod(MakePod(2, {shared, Add(pinned)}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n2"}}));
}

TEST_F(PinningTest, APodWithoutItsOtherClaimsDoesNotKeepTheOthersWaiting) {
  const Claim shared = Add(Immediate(1));
  AddPod(MakePod(1, {shared, MakeClaim(2, kGiB)}));
  AddPod(MakePod(2, {shared}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
}

TEST_F(PinningTest, APodThatFitsNowhereBesideItKeepsAnotherWaitingForAWhileOnly) {
  const Claim shared = Add(Immediate(1));
  AddPod(MakePod(1, {shared}));
  AddPod(MakePod(2, {shared, Add(MakeClaim(2, 100 * kGiB))}));
  EXPECT_EQ(Pins(Plan()), Pairs());
  Pass(PinningOptions{}.bad_pin_patience);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
}

TEST_F(PinningTest, AWaitingClaimOfASchedulablePodIsTheSchedulers) {
  const Claim claim = Add(MakeClaim(1, kGiB));
  AddPod(MakePod(1, {claim}));
  EXPECT_EQ(Pins(SettledPlan()), Pairs());
}

TEST_F(PinningTest, AWaitingClaimOfAPodThatWasPutOnANodeGoesThere) {
  const Claim claim = Add(MakeClaim(1, kGiB));
  Pod pod = MakePod(1, {claim});
  pod.node_name = "n3";
  placed_["default"] = {pod};
  const PinningPlan plan = SettledPlan();
  EXPECT_EQ(Pins(plan), (Pairs{{"claim-1", "n3"}}));
  EXPECT_FALSE(plan.pins[0].needs_provisioner);
}

TEST_F(PinningTest, APresetNodeThatCannotHoldTheClaimIsTold) {
  const Claim claim = Add(MakeClaim(1, 100 * kGiB));
  Pod pod = MakePod(1, {claim});
  pod.node_name = "n3";
  placed_["default"] = {pod};
  const PinningPlan plan = SettledPlan();
  EXPECT_EQ(Pins(plan), Pairs());
  EXPECT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kPresetNodeUnfit}));
}

// ---- What the pod of a claim wants of its node.

struct PodCase {
  const char* name;
  std::function<void(Pod&)> pod;
  std::function<void(Node&)> n1 = [](Node&) {};
  std::string node;  // Empty: none.
  friend void PrintTo(const PodCase& c, std::ostream* os) { *os << c.name; }
};

class PinningForAPod : public PinningTest, public testing::WithParamInterface<PodCase> {};

TEST_P(PinningForAPod, HonoursWhatThePodWants) {
  Node n1 = MakeNode("n1");
  GetParam().n1(n1);
  Apply(Seen<Node>{n1});
  const Claim claim = Add(Immediate(1));
  Pod pod = MakePod(1, {claim});
  GetParam().pod(pod);
  AddPod(pod);
  for (const char* node : {"n1", "n2", "n3"}) uses_[node] = {{1500, 6 * kGiB}, now_};
  const PinningPlan plan = Plan();
  const std::string& node = GetParam().node;
  EXPECT_EQ(Pins(plan), node.empty() ? Pairs() : (Pairs{{"claim-1", node}}));
  EXPECT_EQ(plan.notices.size(), node.empty() ? 1U : 0U);
}

NodeSelectorTerm HostIs(const std::string& name) {
  return {.labels = {{"kubernetes.io/hostname", "In", {name}}}};
}

INSTANTIATE_TEST_SUITE_P(
    Rows, PinningForAPod,
    testing::Values(PodCase{.name = "Nothing", .pod = [](Pod&) {}, .node = "n1"},
                    PodCase{.name = "NodeSelector",
                            .pod =
                                [](Pod& pod) {
                                  pod.node_selector = {{"kubernetes.io/hostname", "n3"}};
                                },
                            .node = "n3"},
                    PodCase{.name = "RequiredAffinity",
                            .pod = [](Pod& pod) { pod.required_node_affinity = {{HostIs("n2")}}; },
                            .node = "n2"},
                    PodCase{.name = "NoSuchNode",
                            .pod = [](Pod& pod) { pod.required_node_affinity = {{HostIs("n9")}}; },
                            .node = ""},
                    PodCase{.name = "Taint",
                            .pod = [](Pod&) {},
                            .n1 =
                                [](Node& node) {
                                  node.taints = {{"dedicated", "db", "NoSchedule"}};
                                },
                            .node = "n2"},
                    PodCase{.name = "ToleratedTaint",
                            .pod =
                                [](Pod& pod) {
                                  pod.tolerations = {{"dedicated", "Exists", "", ""}};
                                },
                            .n1 =
                                [](Node& node) {
                                  node.taints = {{"dedicated", "db", "NoSchedule"}};
                                },
                            .node = "n1"},
                    PodCase{.name = "Cordon",
                            .pod = [](Pod&) {},
                            .n1 = [](Node& node) { node.is_unschedulable = true; },
                            .node = "n2"},
                    PodCase{.name = "CpuThatIsLeft",
                            .pod = [](Pod& pod) { pod.requested_cpu_milli = 500; },
                            .node = "n1"},
                    PodCase{.name = "MoreCpuThanIsLeft",
                            .pod = [](Pod& pod) { pod.requested_cpu_milli = 501; },
                            .node = ""},
                    PodCase{.name = "CpuOfALargerNode",
                            .pod = [](Pod& pod) { pod.requested_cpu_milli = 2000; },
                            .n1 = [](Node& node) { node.allocatable_cpu_milli = 3500; },
                            .node = "n1"},
                    PodCase{.name = "MoreMemoryThanIsLeft",
                            .pod = [](Pod& pod) { pod.requested_memory_bytes = 2 * kGiB + 1; },
                            .node = ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(PinningTest, WhatRunsOnTheBestNodeIsAskedForBeforeAPodWithCpuGoesThere) {
  const Claim claim = Add(Immediate(1));
  Pod pod = MakePod(1, {claim});
  pod.requested_cpu_milli = 1000;
  AddPod(pod);
  const PinningPlan first = Plan();
  EXPECT_EQ(Pins(first), Pairs());
  EXPECT_EQ(first.node_lookups, (std::set<std::string>{"n1"}));
  uses_["n1"] = {{.cpu_milli = 1500}, now_};
  const PinningPlan second = Plan();
  EXPECT_EQ(second.node_lookups, (std::set<std::string>{"n2"}));
  uses_["n2"] = {{.cpu_milli = 1000}, now_};
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n2"}}));
}

TEST_F(PinningTest, PodsThatFollowTheirClaimsCountBeforeTheyRun) {
  for (const char* node : {"n1", "n2", "n3"}) uses_[node] = {{}, now_};
  for (int i = 1; i <= 3; ++i) {
    const Claim claim = Add(Immediate(i, kGiB));
    Pod pod = MakePod(i, {claim});
    pod.requested_cpu_milli = 1000;  // Two a node.
    AddPod(pod);
  }
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), (Pairs{{"claim-1", "n1"}, {"claim-2", "n1"}, {"claim-3", "n2"}}));
  for (const Pin& pin : plan.pins) ShowPinned(pin.claim, pin.node);
  const Claim late = Add(Immediate(4, kGiB));
  Pod pod = MakePod(4, {late});
  pod.requested_cpu_milli = 1000;
  AddPod(pod);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-4", "n2"}}));
}

TEST_F(PinningTest, WhatWasReadOfANodeBeforeAPodArrivedThereIsReadAgain) {
  uses_["n1"] = {{}, now_};
  const Claim first = Add(Immediate(1, kGiB));
  Pod pod = MakePod(1, {first});
  pod.requested_cpu_milli = 1500;
  AddPod(pod);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
  ShowPinned(first, "n1");
  Apply(Gone<Pod>{pod});  // It is bound, before anybody looked: it is watched no more.
  const Claim second = Add(Immediate(2, kGiB));
  Pod next = MakePod(2, {second});
  next.requested_cpu_milli = 1000;
  AddPod(next);
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), Pairs());
  EXPECT_EQ(plan.node_lookups, (std::set<std::string>{"n1"}));
}

TEST_F(PinningTest, UseAddsUpPodsThatAreNotOver) {
  Pod runs = MakePod(1, {});
  runs.requested_cpu_milli = 100;
  runs.requested_memory_bytes = kGiB;
  Pod done = runs;
  done.phase = "Succeeded";
  const NodeUse use = UseOf({runs, runs, done});
  EXPECT_EQ(use.cpu_milli, 200);
  EXPECT_EQ(use.memory_bytes, 2 * kGiB);
}

// ---- Replicas of StatefulSets whose pods are not there yet.

TEST_F(PinningTest, ClaimsOfOneReplicaGoToOneNodeBeforeTheirPodIsThere) {
  const auto of_set = [&](int number, const std::string& name) {
    Claim claim = Immediate(number, 15 * kGiB);
    claim.meta.key.name = name;
    claim.labels = {{"app", "db"}};
    Add(claim);
  };
  of_set(1, "data-db-0");
  of_set(2, "write-log-db-0");
  of_set(3, "data-db-1");
  EXPECT_EQ(Pins(SettledPlan()),
            (Pairs{{"data-db-0", "n2"}, {"write-log-db-0", "n2"}, {"data-db-1", "n1"}}));
}

TEST_F(PinningTest, ALateClaimOfAReplicaFollowsItsSibling) {
  Claim first = Immediate(1);
  first.meta.key.name = "data-db-0";
  first.labels = {{"app", "db"}};
  first.selected_node = "n3";
  Claim second = Immediate(2);
  second.meta.key.name = "log-db-0";
  second.labels = first.labels;
  Add(first);
  Add(second);
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"log-db-0", "n3"}}));
}

// ---- Refusals, lost races, nodes that are gone.

TEST_F(PinningTest, AWrittenClaimIsLeftAloneUntilTheWatchShowsIt) {
  const Claim claim = Add(Immediate(1));
  AddPod(MakePod(1, {claim}));
  const PinningPlan plan = Plan();
  memory_.NoteWrite(claim, plan.pins[0].node, now_);
  Pass(absl::Seconds(20));
  EXPECT_EQ(Pins(Plan()), Pairs());
}

TEST_F(PinningTest, AClaimThatWasLostIsLookedAtOnceItHasChangedOrAfterAWhile) {
  Claim claim = Add(Immediate(1));
  AddPod(MakePod(1, {claim}));
  Plan();
  memory_.NoteWrite(claim, "", now_);
  EXPECT_EQ(Pins(Plan()), Pairs());
  claim.meta.resource_version = "101";
  Add(claim);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
  memory_.NoteWrite(claim, "", now_);
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
  memory_.NoteWrite(claim, "", now_);
  EXPECT_TRUE(Plan().unpins.empty());  // Once is enough until the watch has shown it.
}

INSTANTIATE_TEST_SUITE_P(
    Rows, PinOnANodeThatIsGone,
    testing::Values(GoneCase{.name = "ByUs", .by_us = true, .is_removed = true},
                    GoneCase{.name = "ByAScheduler", .by_scheduler = true, .is_removed = true},
                    GoneCase{.name = "ByHand"}),
    [](const auto& row) { return row.param.name; });

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

// ---- The patches.

// The PV controller would have bound it to the claim: a pin makes a new one.
TEST_F(PinningTest, AVolumeThatIsThereIsNoRoomForAnImmediateClaim) {
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB, "now")});
  Add(Immediate(1, 70 * kGiB));
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
}

TEST_F(PinningTest, AVolumeThatIsThereIsNoRoomForAPodThatCameWithItsNode) {
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB, "pmem-lvm")});
  Pod pod = MakePod(1, {Add(MakeClaim(1, 70 * kGiB))});
  pod.node_name = "n1";
  placed_["default"] = {pod};
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
}

}  // namespace
}  // namespace pmem::extender
