// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/extender/core/pinning_fixture.h"

namespace pmem::extender {
namespace {

TEST_F(PinningTest, AnImmediateClaimIsPlacedOnceItHasSettledWithoutAPod) {
  Add(Immediate(1));
  EXPECT_EQ(Pins(Plan()), Pairs());
  Pass(absl::Seconds(1));
  placed_["default"].read_at = now_;
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), (Pairs{{"claim-1", "n1"}}));
  EXPECT_TRUE(plan.pins[0].needs_provisioner);
  EXPECT_EQ(plan.pins[0].pod_uid, "");
}

TEST_F(PinningTest, PodsWithANodeAreAskedForFirst) {
  Add(Immediate(1));
  Plan();
  Pass(absl::Seconds(2));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), Pairs());
  EXPECT_EQ(plan.lookups, (std::set<std::string>{"default"}));
}

// For another claim, say: a pod of this one may have come since.
TEST_F(PinningTest, PodsThatWereReadBeforeTheClaimHadSettledAreAskedForAgain) {
  placed_["default"].read_at = now_;
  Add(Immediate(1));
  Plan();
  Pass(PinningOptions{}.settle);
  EXPECT_EQ(Pins(Plan()), Pairs());
  placed_["default"].read_at = now_;
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
}

TEST_F(PinningTest, AnImmediateClaimIsNotPlacedByWhatWasReadLongAgo) {
  Add(Immediate(1, 100 * kGiB));
  EXPECT_EQ(Notices(SettledPlan()), std::vector<NoticeReason>{NoticeReason::kNoNodeFits});
  placed_["default"].planned_at = now_;
  Pass(PinningOptions{}.placed_age_max + absl::Seconds(1));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Notices(plan), std::vector<NoticeReason>());
  EXPECT_EQ(plan.lookups, (std::set<std::string>{"default"}));
}

TEST_F(PinningTest, AClaimOfTwoPodsIsPinnedOnceInAPlan) {
  const Claim first = Add(Immediate(1, 15 * kGiB));
  const Claim shared = Add(Immediate(2, 3 * kGiB));
  const Claim third = Add(Immediate(3, 10 * kGiB));
  AddPod(MakePod(1, {first, shared}));
  AddPod(MakePod(2, {shared, third}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}, {"claim-2", "n1"}}));
}

// Its scheduler may be writing already: a write of ours would be in its way.
TEST_F(PinningTest, APodWithANodePinsNoClaimThatASchedulablePodWaitsFor) {
  const Claim own = Add(MakeClaim(1, kGiB));
  const Claim shared = Add(MakeClaim(2, kGiB));
  Pod preset = MakePod(1, {own, shared});
  preset.node_name = "n3";
  AddPod(MakePod(2, {Add(MakeClaim(3, kGiB)), shared}));
  placed_["default"].users = KnownPodsOf({preset}, now_).users;
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-1", "n3"}}));
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
  EXPECT_EQ(plan.pins[1].pod_uid, pod.meta.uid);
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

// The old and the new pod of a Deployment whose nodeSelector was mistyped, in either order.
TEST_F(PinningTest, APodThatCanRunNowhereKeepsAnotherWaitingForAWhileOnly) {
  for (const int lost : {1, 2}) {
    const Claim shared = Add(Immediate(lost));
    Pod mistyped = MakePod(10 * lost + lost, {shared});
    mistyped.node_selector = {{"kubernetes.io/hostname", "gone"}};
    AddPod(mistyped);
    AddPod(MakePod(10 * lost + 3 - lost, {shared}));
    EXPECT_EQ(Notices(Plan()), (std::vector<NoticeReason>{NoticeReason::kNoNodeFits}));
    Pass(PinningOptions{}.bad_pin_patience);
    EXPECT_EQ(Pins(Plan()), (Pairs{{shared.meta.key.name, "n1"}}));
    ShowPinned(shared, "n1");
  }
}

TEST_F(PinningTest, APodThatFitsNowhereDoesNotKeepTheNextOneWaitingForLong) {
  const Claim shared = Add(Immediate(1));
  AddPod(MakePod(1, {shared, Add(MakeClaim(2, 100 * kGiB))}));
  AddPod(MakePod(2, {shared}));
  EXPECT_EQ(Pins(Plan()), Pairs());
  Pass(PinningOptions{}.bad_pin_patience);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
}

// The other claim of the first has its place where there is no room for this one.
TEST_F(PinningTest, APodWhoseNodeIsFullDoesNotKeepOneOfAnotherNodeWaitingForLong) {
  const Claim shared = Add(Immediate(1, 25 * kGiB));
  for (const int i : {1, 2}) {
    Claim other = MakeClaim(1 + i, kGiB);
    other.selected_node = "n" + std::to_string(i);
    AddPod(MakePod(i, {shared, Add(other)}));
  }
  EXPECT_EQ(Pins(Plan()), Pairs());
  Pass(PinningOptions{}.bad_pin_patience);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n2"}}));
}

TEST_F(PinningTest, AClaimOfPodsThatWerePutOnSeveralNodesGoesToTheFirstThatHasRoom) {
  for (const bool waits : {true, false}) {
    const int number = waits ? 1 : 2;
    const Claim claim = Add(waits ? MakeClaim(number, 30 * kGiB) : Immediate(number, 30 * kGiB));
    Pod full = MakePod(1, {claim});
    full.node_name = "n1";
    Pod roomy = MakePod(2, {claim});
    roomy.node_name = waits ? "n2" : "n3";
    placed_["default"].users = KnownPodsOf({full, roomy}, now_).users;
    EXPECT_EQ(Pins(SettledPlan()), (Pairs{{claim.meta.key.name, roomy.node_name}}));
    ShowPinned(claim, roomy.node_name);
  }
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
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  const PinningPlan plan = SettledPlan();
  EXPECT_EQ(Pins(plan), (Pairs{{"claim-1", "n3"}}));
  EXPECT_FALSE(plan.pins[0].needs_provisioner);
}

// Its pod may have been replaced by one on another node. That there is no pod needs no such look.
TEST_F(PinningTest, AWaitingClaimIsNotPlacedByAPodThatWasReadLongAgo) {
  Pod pod = MakePod(1, {Add(MakeClaim(1, kGiB))});
  pod.node_name = "n3";
  Plan();
  Pass(absl::Seconds(2));
  placed_["default"] = {.read_at = now_, .planned_at = now_};
  Pass(PinningOptions{}.placed_age_max + absl::Seconds(1));
  EXPECT_EQ(Plan().lookups, std::set<std::string>());
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), Pairs());
  EXPECT_EQ(plan.lookups, (std::set<std::string>{"default"}));
}

TEST_F(PinningTest, APresetNodeThatCannotHoldTheClaimIsTold) {
  const Claim claim = Add(MakeClaim(1, 100 * kGiB));
  Pod pod = MakePod(1, {claim});
  pod.node_name = "n3";
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
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
  EXPECT_EQ(second.node_lookups, (std::set<std::string>{"n2", "n3"}));  // More at once by now.
  uses_["n2"] = {{.cpu_milli = 1000}, now_};
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n2"}}));
}

TEST_F(PinningTest, WhatWasReadOfABusyNodeKeepsAPodAwayForLongerThanItSendsOneThere) {
  Pod pod = MakePod(1, {Add(Immediate(1))});
  pod.requested_cpu_milli = 1000;
  AddPod(pod);
  uses_["n1"] = {{.cpu_milli = 1500}, now_, now_};
  uses_["n2"] = {{.cpu_milli = 500}, now_, now_};
  uses_["n3"] = {{.cpu_milli = 1500}, now_, now_};
  Pass(PinningOptions{}.use_age_max + absl::Milliseconds(1));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), Pairs());
  EXPECT_EQ(plan.node_lookups, (std::set<std::string>{"n2"}));
  EXPECT_EQ(plan.notices.size(), 0U);
  uses_["n2"] = {{.cpu_milli = 1500}, now_, now_};
  const PinningPlan full = Plan();
  ASSERT_EQ(full.notices.size(), 1U);
  EXPECT_TRUE(full.notices[0].message.ends_with("0/3 nodes: 3 insufficient cpu"));
  EXPECT_EQ(full.node_lookups, std::set<std::string>());
}

TEST_F(PinningTest, ASearchThatTakesLongIsToldOf) {
  Pod pod = MakePod(1, {Add(Immediate(1))});
  pod.requested_cpu_milli = 1000;
  AddPod(pod);
  uses_["n1"] = {{.cpu_milli = 1500}, now_};
  EXPECT_EQ(Plan().notices.size(), 0U);
  Pass(PinningOptions{}.search_patience);
  const PinningPlan plan = Plan();
  EXPECT_EQ(plan.node_lookups.size(), 2U);
  ASSERT_EQ(plan.notices.size(), 1U);
  EXPECT_TRUE(plan.notices[0].message.ends_with(
      "0/3 nodes: 2 cpu and memory in use not read yet, 1 insufficient cpu"));
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

TEST_F(PinningTest, PodsThatFollowTheirClaimsAreTooManyHoweverMuchTheyAskFor) {
  for (const char* node : {"n1", "n2", "n3"}) uses_[node] = {{}, now_};
  for (int i = 1; i <= 3; ++i) {
    Pod pod = MakePod(i, {ShowPinned(Immediate(i, kGiB), "n1")});
    pod.requested_cpu_milli = kBytesMax;
    AddPod(pod);
  }
  Pod pod = MakePod(4, {Add(Immediate(4, kGiB))});
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

// ---- Volumes that are there.

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
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
}

}  // namespace
}  // namespace pmem::extender
