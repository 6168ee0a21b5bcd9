// SPDX-License-Identifier: Apache-2.0
#include "extender/core/verbs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

using Names = std::vector<std::string>;
using Reasons = std::vector<Reason>;
using Scores = std::vector<int>;
using Bools = std::vector<bool>;

constexpr std::string_view kAll[] = {"n3", "n1", "n2", "plain"};

// n1 to n3 with LVM pools of 20, 40 and 60 GiB; "plain" is a node without an agent.
class VerbsTest : public testing::Test {
 protected:
  VerbsTest() {
    for (const char* name : {"n1", "n2", "n3", "plain"}) {
      Node node;
      node.meta.key.name = name;
      Apply(Seen<Node>{node});
    }
    Apply(Relisted<StorageClass>{{MakeClass("pmem-lvm")}});
    Apply(AgentsListed{{"n1", "n2", "n3"}});
    for (int i = 1; i <= 3; ++i) {
      Apply(MakeReport("n" + std::to_string(i), 1, {MakeLvmPool(20 * i * kGiB)}));
    }
  }

  void Apply(const Event& event) { ledger_.Apply(event, now_); }

  Pod AddPod(int number, int64_t bytes) {
    const Claim claim = MakeClaim(number, bytes);
    Apply(Seen<Claim>{claim});
    Pod pod = MakePod(number, {claim});
    Apply(Seen<Pod>{pod});
    return pod;
  }

  // A claim that only a volume made by hand can serve.
  Claim AddSelecting(int number, int64_t bytes) {
    Claim claim = MakeClaim(number, bytes);
    claim.has_selector = true;
    Apply(Seen<Claim>{claim});
    return claim;
  }

  // Made by hand.
  void AddVolume(const std::string& node, int64_t bytes, const std::string& name = "on") {
    PersistentVolume volume = MakeVolumeByHand(node, bytes);
    volume.meta.key.name = name + "-" + node;
    Apply(Seen<PersistentVolume>{volume});
  }

  PodDemand DemandOfPod(const Pod& pod) const { return ledger_.Demand(pod, nullptr); }

  FilterDecision FilterPod(const Pod& pod, const VerbOptions& options = {}) {
    return Filter(ledger_, options, pod, DemandOfPod(pod), kAll, now_);
  }

  // The nodes that the answer names, in its order.
  static Names Named(const FilterDecision& decision) {
    Names names;
    for (size_t i = 0; i < decision.is_named.size(); ++i) {
      if (decision.is_named[i]) names.emplace_back(kAll[i]);
    }
    return names;
  }

  // As the shell does after a filter.
  void Hold(const Pod& pod, const Names& nodes) {
    ledger_.HoldOn(pod, DemandOfPod(pod), nodes, {}, now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  Ledger ledger_{LedgerOptions{}};
};

TEST_F(VerbsTest, FilterAnswersEveryNodeInTheRequestsOrder) {
  const FilterDecision decision = FilterPod(AddPod(1, 30 * kGiB));
  EXPECT_EQ(decision.reasons,
            (Reasons{Reason::kFits, Reason::kNoRoom, Reason::kFits, Reason::kNoAgent}));
  EXPECT_EQ(Named(decision), (Names{"n3", "n2"}));
  EXPECT_FALSE(decision.is_held);
}

TEST_F(VerbsTest, FilterNamesSomeOnlyWhenItIsToldTo) {
  const Pod pod = AddPod(1, 10 * kGiB);
  EXPECT_EQ(Named(FilterPod(pod, {.candidates_max = 1})), Names{"n1"});
  const Names two = Named(FilterPod(pod, {.candidates_max = 2}));  // And one of the others.
  EXPECT_EQ(two.size(), 2U);
  EXPECT_NE(std::find(two.begin(), two.end(), "n1"), two.end());
  EXPECT_EQ(Named(FilterPod(pod, {.strategy = Strategy::kSpread, .candidates_max = 1})),
            (Names{"n3"}));
  EXPECT_EQ(Named(FilterPod(pod, {.candidates_max = 3})), (Names{"n3", "n1", "n2"}));
}

TEST_F(VerbsTest, RoomThatOthersHoldIsARefusalForNow) {
  Hold(AddPod(1, 50 * kGiB), {"n3"});
  const FilterDecision decision = FilterPod(AddPod(2, 50 * kGiB));
  EXPECT_EQ(decision.reasons,
            (Reasons{Reason::kHeld, Reason::kNoRoom, Reason::kNoRoom, Reason::kNoAgent}));
  EXPECT_TRUE(decision.is_held);
}

TEST_F(VerbsTest, AHeldNodeBesideOneThatFitsIsNothingToWaitFor) {
  Hold(AddPod(1, 50 * kGiB), {"n3"});
  EXPECT_FALSE(FilterPod(AddPod(2, 30 * kGiB)).is_held);
}

TEST_F(VerbsTest, PrioritizeStretchesOverTheNodesThatFit) {
  const Pod pod = AddPod(1, 10 * kGiB);
  const PodDemand demand = DemandOfPod(pod);
  EXPECT_EQ(Prioritize(ledger_, {}, pod, demand, kAll), (Scores{0, 10, 5, 0}));
  EXPECT_EQ(Prioritize(ledger_, {.strategy = Strategy::kSpread}, pod, demand, kAll),
            (Scores{10, 0, 5, 0}));
}

TEST_F(VerbsTest, PodsWithoutPmemAreKeptOffPmemNodesMildly) {
  const Pod pod = MakePod(9, {});
  EXPECT_EQ(Prioritize(ledger_, {.plain_pod_score = 2}, pod, {}, kAll), (Scores{0, 0, 0, 2}));
  EXPECT_EQ(Prioritize(ledger_, {.plain_pod_score = 0}, pod, {}, kAll), (Scores{0, 0, 0, 0}));
  constexpr std::string_view kPlain[] = {"plain", "unknown"};
  EXPECT_EQ(Prioritize(ledger_, {}, pod, {}, kPlain), (Scores{0, 0}));  // Nothing to keep off.
}

TEST_F(VerbsTest, PreemptKeepsNodesWithFirmRoomWhateverIsHeld) {
  Hold(AddPod(1, 50 * kGiB), {"n3"});
  const Pod pod = AddPod(2, 50 * kGiB);
  EXPECT_EQ(Preempt(ledger_, DemandOfPod(pod), kAll, now_), (Bools{true, false, false, false}));
  EXPECT_EQ(Preempt(ledger_, {}, kAll, now_), (Bools{true, true, true, true}));
}

TEST_F(VerbsTest, StaleAndUnreportedNodesAreRefusedEachWithItsReason) {
  Apply(AgentsListed{{"n1", "n2", "n3", "plain"}});
  now_ += ledger_.options().agent_silence_max + absl::Seconds(1);
  Apply(AgentConfirmed{"n1"});
  const FilterDecision decision = FilterPod(AddPod(1, kGiB));
  EXPECT_EQ(decision.reasons, (Reasons{Reason::kStaleReport, Reason::kFits, Reason::kStaleReport,
                                       Reason::kNoReport}));
}

// n1 has 20 GiB: enough for the smaller claim, which gets the volume that is there.
TEST_F(VerbsTest, TheSmallestClaimGetsTheVolumeThatIsThere) {
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n1", 80 * kGiB)});
  const std::vector<Claim> claims = {MakeClaim(1, 70 * kGiB), MakeClaim(2, 10 * kGiB)};
  for (const Claim& claim : claims) Apply(Seen<Claim>{claim});
  EXPECT_EQ(Named(FilterPod(MakePod(1, claims))), Names{});
}

TEST_F(VerbsTest, AnAnswerKeepsVolumesOfTheNodesThatItNames) {
  for (const char* node : {"n1", "n2", "n3"}) AddVolume(node, 80 * kGiB);
  const Pod pod = AddPod(1, 70 * kGiB);
  EXPECT_EQ(FilterPod(pod).static_volumes, (Names{"on-n1", "on-n2", "on-n3"}));
  const FilterDecision some = FilterPod(pod, {.candidates_max = 1});
  EXPECT_EQ(some.static_volumes, Names{"on-" + Named(some).at(0)});
}

TEST_F(VerbsTest, AVolumeThatEveryNodeReachesIsKeptOnce) {
  PersistentVolume volume = MakeVolumeByHand("", 80 * kGiB);
  volume.affinity_node.reset();
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_EQ(FilterPod(AddPod(1, 70 * kGiB)).static_volumes, Names{"by-hand"});
}

TEST_F(VerbsTest, AVolumeThatOthersHoldIsARefusalForNow) {
  AddVolume("n1", 80 * kGiB);
  const Pod first = AddPod(1, 70 * kGiB), second = AddPod(2, 70 * kGiB);
  const FilterDecision decision = FilterPod(first);
  ledger_.HoldOnIds(first, DemandOfPod(first), decision.node_ids, decision.static_volumes, now_);
  EXPECT_EQ(FilterPod(second).reasons,
            (Reasons{Reason::kNoRoom, Reason::kHeld, Reason::kNoRoom, Reason::kNoAgent}));
  EXPECT_TRUE(FilterPod(second).is_held);
  EXPECT_EQ(Preempt(ledger_, DemandOfPod(second), kAll, now_), (Bools{false, true, false, false}));
}

TEST_F(VerbsTest, AVolumeThatIsPendingIsKeptAndNotCountedOn) {
  PersistentVolume volume = MakeVolumeByHand("n1", 80 * kGiB);
  volume.is_pending = true;
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_EQ(Named(FilterPod(AddPod(1, 70 * kGiB))), Names{});
  EXPECT_EQ(FilterPod(AddPod(2, 10 * kGiB)).static_volumes, Names{"by-hand"});
  volume.is_pending = false;
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_EQ(Named(FilterPod(AddPod(1, 70 * kGiB))), Names{"n1"});
}

// None is made for it, whatever room there is.
TEST_F(VerbsTest, AClaimWithASelectorFitsWhereAVolumeMayServeIt) {
  const Pod pod = MakePod(1, {AddSelecting(1, 10 * kGiB)});
  EXPECT_EQ(FilterPod(pod).reasons,
            (Reasons{Reason::kNoVolume, Reason::kNoVolume, Reason::kNoVolume, Reason::kNoAgent}));
  EXPECT_EQ(Prioritize(ledger_, {}, pod, DemandOfPod(pod), kAll), (Scores{0, 0, 0, 0}));
  AddVolume("n1", 5 * kGiB);
  AddVolume("n2", 80 * kGiB);
  EXPECT_EQ(Named(FilterPod(pod)), Names{"n2"});
}

TEST_F(VerbsTest, AClaimOfManyNodesFitsWhereAVolumeOfThatKindIs) {
  Claim claim = MakeClaim(1, 10 * kGiB);
  claim.access_modes = {"ReadWriteMany"};
  Apply(Seen<Claim>{claim});
  const Pod pod = MakePod(1, {claim});
  AddVolume("n1", 80 * kGiB);
  EXPECT_EQ(FilterPod(pod).reasons,
            (Reasons{Reason::kNoVolume, Reason::kNoVolume, Reason::kNoVolume, Reason::kNoAgent}));
  EXPECT_EQ(Preempt(ledger_, DemandOfPod(pod), kAll, now_), (Bools{false, false, false, false}));
  PersistentVolume volume = MakeVolumeByHand("n2", 80 * kGiB);
  volume.access_modes = {"ReadWriteOnce", "ReadWriteMany"};
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_EQ(Named(FilterPod(pod)), Names{"n2"});
}

// kube-scheduler compares the names, also where there is none.
TEST_F(VerbsTest, AVolumeServesClaimsOfItsVolumeAttributesClassAlone) {
  Claim claim = MakeClaim(1, 70 * kGiB);
  claim.volume_attributes_class = "fast";
  Apply(Seen<Claim>{claim});
  AddVolume("n1", 80 * kGiB);
  EXPECT_EQ(Named(FilterPod(MakePod(1, {claim}))), Names{});
  PersistentVolume volume = MakeVolumeByHand("n2", 80 * kGiB);
  volume.volume_attributes_class = "fast";
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_EQ(Named(FilterPod(MakePod(1, {claim}))), Names{"n2"});
  EXPECT_EQ(Named(FilterPod(AddPod(2, 70 * kGiB))), Names{"n1"});
}

// It makes another claim, which follows the pin.
TEST_F(VerbsTest, AClaimThatAPopulatorFillsNeedsRoom) {
  Claim claim = MakeClaim(1, 50 * kGiB);
  claim.data_source = DataSource::kPopulator;
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(Named(FilterPod(MakePod(1, {claim}))), Names{"n3"});
}

TEST_F(VerbsTest, ClaimsWithSelectorsEachNeedAVolume) {
  const Pod pod = MakePod(1, {AddSelecting(1, 10 * kGiB), AddSelecting(2, 20 * kGiB)});
  AddVolume("n1", 80 * kGiB);
  EXPECT_EQ(Named(FilterPod(pod)), Names{});
  AddVolume("n1", 90 * kGiB, "another");
  EXPECT_EQ(Named(FilterPod(pod)), Names{"n1"});
}

// Which one the selector wants nobody knows.
TEST_F(VerbsTest, ALargerClaimDoesNotCountOnWhatOneWithASelectorMayGet) {
  AddVolume("n1", 30 * kGiB);
  AddVolume("n1", 80 * kGiB, "another");
  Claim claim = MakeClaim(2, 70 * kGiB);
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(Named(FilterPod(MakePod(1, {AddSelecting(1, 10 * kGiB), claim}))), Names{});
  EXPECT_EQ(Named(FilterPod(MakePod(1, {claim}))), Names{"n1"});
}

// The leader before us may have given it away.
TEST_F(VerbsTest, ATakeoverHoldsVolumesAlsoFromClaimsWithSelectors) {
  AddVolume("n1", 80 * kGiB);
  ledger_.BeginTakeover(now_);
  const Pod pod = MakePod(1, {AddSelecting(1, 10 * kGiB)});
  EXPECT_TRUE(FilterPod(pod).is_held);
  now_ += ledger_.options().takeover_window;
  EXPECT_EQ(Named(FilterPod(pod)), Names{"n1"});
}

}  // namespace
}  // namespace pmem::extender
