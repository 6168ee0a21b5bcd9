// SPDX-License-Identifier: Apache-2.0
#include "extender/core/capacity_objects.h"

#include <gtest/gtest.h>

#include <ostream>

#include "extender/core/capacity_offers.h"
#include "extender/core/kube_decode.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

using Kind = CapacityChange::Kind;
using Sizes = std::vector<std::string>;

constexpr int kMany = 1000;  // Nodes: all at once.

Node MakeNode(const std::string& name) {
  Node node;
  node.meta = {.key = {"", name}, .uid = "uid-" + name};
  node.labels = {{"kubernetes.io/hostname", name}};
  return node;
}

CapacityObject ObjectOf(const WantedCapacity& wanted, const std::string& version = "5") {
  const CapacityChange change{
      .name = CapacityObjectName(wanted), .wanted = wanted, .resource_version = version};
  CapacityObject object = *DecodeObject<CapacityObject>(CapacityObjectJson(change));
  object.meta.uid = "uid-of-" + change.name;
  object.meta.resource_version = version;
  return object;
}

// A synced ledger with node n1, and the objects that it should have.
class CapacityObjectsTest : public testing::Test {
 protected:
  CapacityObjectsTest() {
    const ClusterLists lists = {.nodes = {MakeNode("n1")}, .agents = {"n1"}};
    for (const Event& event : ListsOf(lists)) Apply(event);
  }

  void Apply(const Event& event) {
    ledger_.Apply(event, now_);
    ASSERT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
  }

  void Report(std::vector<PoolReport> pools) {
    Apply(MakeReport("n1", ++generation_, std::move(pools)));
  }

  // A claim that is pinned to n1 and has no volume.
  Claim Pin(int number, int64_t bytes, const std::string& storage_class = "pmem-lvm") {
    Claim claim = MakeClaim(number, bytes, storage_class);
    claim.selected_node = "n1";
    Apply(Seen<Claim>{claim});
    return claim;
  }

  // What was kept from the look before is what is found afresh.
  WantedCapacities Wanted() {
    CapacityOffers anew;
    WantedCapacities kept, fresh;
    EXPECT_EQ(offers_.AddWanted(ledger_, 0, kMany, kept), CapacityOffers::kAllSeen);
    EXPECT_EQ(anew.AddWanted(ledger_, 0, kMany, fresh), CapacityOffers::kAllSeen);
    EXPECT_EQ(kept, fresh);
    return kept;
  }

  JoinedCapacities Joined() {
    EXPECT_EQ(offers_.Follow(ledger_, 0, kMany), CapacityOffers::kAllSeen);
    return offers_.Joined();
  }

  // "class capacity/largest" in GiB.
  Sizes WantedSizes() {
    Sizes sizes;
    for (const auto& [name, one] : Wanted()) {
      sizes.push_back(one.storage_class + " " + std::to_string(one.capacity_bytes / kGiB) + "/" +
                      std::to_string(one.volume_bytes_max / kGiB) + (one.is_known ? "" : "?"));
    }
    return sizes;
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  Ledger ledger_{LedgerOptions{}};
  CapacityOffers offers_;
  int generation_ = 0;
};

TEST_F(CapacityObjectsTest, WhatWasLookedAtBeforeAChangeIsLookedAtAgainAfterIt) {
  Report({MakeLvmPool(40 * kGiB)});
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-direct 0/0", "pmem-lvm 40/40"}));
  const Claim claim = Pin(1, 10 * kGiB);
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-direct 0/0", "pmem-lvm 30/30"}));
  Report({MakeLvmPool(20 * kGiB)});
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-direct 0/0", "pmem-lvm 10/10"}));
}

TEST_F(CapacityObjectsTest, ANodeHasOneForEachClassThatWaitsForThePodsNode) {
  Apply(Seen<StorageClass>{MakeClass("now", /*waits=*/false)});
  StorageClass foreign = MakeClass("pmem-lvm-of-others");
  foreign.provisioner = "other.example.com";
  Apply(Seen<StorageClass>{foreign});
  StorageClass second = MakeClass("second");
  second.parameters = {{"pmemType", "lvm"}};
  Apply(Seen<StorageClass>{second});
  Report({MakeLvmPool(40 * kGiB)});
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-direct 0/0", "pmem-lvm 40/40", "second 40/40"}));
}

TEST_F(CapacityObjectsTest, WithoutALabelToReachItANodeHasNone) {
  Report({MakeLvmPool(40 * kGiB)});
  EXPECT_FALSE(Wanted().empty());
  Node node = MakeNode("n1");
  node.labels.clear();
  Apply(Seen<Node>{node});
  ASSERT_EQ(Joined().nodes, 0);
  EXPECT_TRUE(Wanted().empty());
  node.labels = {{std::string(kTopologyNodeKey), "n1"}};
  Apply(Seen<Node>{node});
  EXPECT_EQ(Wanted().begin()->second.topology_key, kTopologyNodeKey);
}

TEST_F(CapacityObjectsTest, GoneWithItsNodeAndItsClass) {
  Report({MakeLvmPool(40 * kGiB)});
  Apply(Gone<StorageClass>{MakeClass("pmem-direct")});
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-lvm 40/40"}));
  Apply(Gone<Node>{MakeNode("n1")});
  ASSERT_EQ(Joined().nodes, 0);
  EXPECT_TRUE(Wanted().empty());
}

TEST_F(CapacityObjectsTest, PromisesAndDebtsCountButNotHolds) {
  Report({MakeLvmPool(40 * kGiB)});
  const Claim claim = Pin(1, 10 * kGiB);
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 30/30");
  Apply(Gone<Claim>{claim});
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 30/30");  // Its creation may be under way.
  ledger_.Apply(AgentConfirmed{"n1"}, now_ + absl::Minutes(1));
  ledger_.Expire(now_ + absl::Minutes(1));
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 40/40");
  const Claim held = MakeClaim(2, 25 * kGiB);
  Apply(Seen<Claim>{held});
  const Pod pod = MakePod(2, {held});
  ledger_.HoldOn(pod, ledger_.Demand(pod, nullptr), std::vector<std::string>{"n1"}, {}, now_);
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 40/40");
}

// The lock-out that an object net of everything would make.
TEST_F(CapacityObjectsTest, APinnedClaimPassesOnItsOwnNodeThoughItsOwnPromiseFillsIt) {
  Report({MakeLvmPool(10 * kGiB)});
  Pin(1, 10 * kGiB);
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 10/10");
  // Its volume is there already and takes the room; the claim is not bound yet.
  Report({MakeLvmPool(10 * kGiB, {{"disk-" + Uid(1), 10 * kGiB}})});
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 10/10");
}

TEST_F(CapacityObjectsTest, TheRestOfAHalfProvisionedPodPassesOnItsNode) {
  Report({MakeLvmPool(20 * kGiB)});
  const Claim first = Pin(1, 12 * kGiB);
  const Claim second = MakeClaim(2, 8 * kGiB);
  Apply(Seen<Claim>{second});
  Apply(Seen<Pod>{MakePod(1, {first, second})});
  Claim bound = first;
  bound.volume_name = "disk-" + Uid(1);
  Apply(Seen<Claim>{bound});
  Report({MakeLvmPool(20 * kGiB, {{"disk-" + Uid(1), 12 * kGiB}})});
  EXPECT_EQ(NodeBook::RoomLeftOn(*ledger_.nodes().Find("n1"), {}).room.bins[0].free_bytes, 0);
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 8/8");
  Apply(Gone<Pod>{MakePod(1, {first, second})});
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 8/8");  // Free for anybody.
}

TEST_F(CapacityObjectsTest, AFloorCountsInItsOwnClassOnly) {
  StorageClass second = MakeClass("second");
  second.parameters = {{"pmemType", "lvm"}};
  Apply(Seen<StorageClass>{second});
  Report({MakeLvmPool(10 * kGiB)});
  Pin(1, 10 * kGiB, "second");
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-direct 0/0", "pmem-lvm 0/0", "second 10/10"}));
}

TEST_F(CapacityObjectsTest, ASilentNodeKeepsTheBoundOfItsLastReport) {
  Report({MakeLvmPool(40 * kGiB)});
  now_ += absl::Hours(1);
  EXPECT_EQ(NodeBook::FreshnessOf(*ledger_.nodes().Find("n1"), now_, absl::Seconds(50)),
            Freshness::kStale);
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 40/40");
}

TEST_F(CapacityObjectsTest, OfANodeThatNeverReportedOnlyTheLeastIsKnown) {
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-direct 0/0?", "pmem-lvm 0/0?"}));
  Pin(1, 10 * kGiB);
  EXPECT_EQ(WantedSizes()[1], "pmem-lvm 10/10?");
}

TEST_F(CapacityObjectsTest, ANodeWithoutAnAgentHasNoneButForClaimsThatAreThere) {
  Report({MakeLvmPool(40 * kGiB)});
  EXPECT_EQ(Joined().nodes, 1);
  Apply(AgentsListed{});
  EXPECT_TRUE(Wanted().empty());
  EXPECT_EQ(Joined().nodes, 0);
  Pin(1, 10 * kGiB);
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-lvm 10/10"}));
}

TEST_F(CapacityObjectsTest, NodesComeInPages) {
  Apply(Relisted<Node>{{MakeNode("n1"), MakeNode("n2"), MakeNode("n3")}});
  Apply(AgentsListed{{"n1", "n2", "n3"}});
  WantedCapacities wanted;
  const int32_t next = offers_.AddWanted(ledger_, 0, 2, wanted);
  EXPECT_EQ(wanted.size(), 4U);
  EXPECT_EQ(offers_.AddWanted(ledger_, next, 2, wanted), CapacityOffers::kAllSeen);
  EXPECT_EQ(wanted.size(), 6U);
}

TEST_F(CapacityObjectsTest, OnlyNodesThatHaveChangedAreLookedAtAgainSomeAtATime) {
  Apply(Relisted<Node>{{MakeNode("n1"), MakeNode("n2"), MakeNode("n3")}});
  Apply(AgentsListed{{"n1", "n2", "n3"}});
  EXPECT_EQ(offers_.Follow(ledger_, 0, 2), 2);
  EXPECT_EQ(offers_.Follow(ledger_, 2, 2), CapacityOffers::kAllSeen);
  EXPECT_EQ(offers_.Follow(ledger_, 0, 1), CapacityOffers::kAllSeen);
  Apply(Seen<Node>{MakeNode("n1")});  // A heartbeat.
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(offers_.Follow(ledger_, 0, 1), CapacityOffers::kAllSeen);
  Apply(MakeReport("n2", 1, {MakeLvmPool(40 * kGiB)}));
  EXPECT_EQ(offers_.Follow(ledger_, 0, 1), 2);
  EXPECT_EQ(offers_.Joined().by_class.at("pmem-lvm").volume_bytes_max, 40 * kGiB);
}

TEST_F(CapacityObjectsTest, WhoseTheyAreFollowsTheNodeObject) {
  Report({MakeLvmPool(40 * kGiB)});
  EXPECT_EQ(Wanted().begin()->second.node_uid, "uid-n1");
  Node anew = MakeNode("n1");
  anew.meta.uid = "another";
  Apply(Relisted<Node>{{anew}});
  EXPECT_EQ(Wanted().begin()->second.node_uid, "another");
}

// What it may itself need on a node ends with the claim, of which the node is not told.
TEST_F(CapacityObjectsTest, AFloorForADebtEndsWhenItsClaimIsBoundElsewhere) {
  Apply(Relisted<Node>{{MakeNode("n1"), MakeNode("n2")}});
  Apply(AgentsListed{{"n1", "n2"}});
  Report({MakeLvmPool(10 * kGiB)});
  Claim claim = Pin(1, 10 * kGiB);
  claim.selected_node = "n2";
  Apply(Seen<Claim>{claim});
  const auto on_n1 = [this] {
    for (const auto& [name, one] : Wanted()) {
      if (one.node == "n1" && one.storage_class == "pmem-lvm") return one.volume_bytes_max / kGiB;
    }
    return int64_t{-1};
  };
  EXPECT_EQ(on_n1(), 10);
  claim.volume_name = "disk-" + Uid(1);
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(on_n1(), 0);
}

TEST_F(CapacityObjectsTest, ANodeThatGotTheIdOfOneThatIsGoneHasItsOwn) {
  Apply(Relisted<Node>{{MakeNode("n2"), MakeNode("n3")}});
  Report({MakeLvmPool(40 * kGiB)});
  EXPECT_TRUE(Wanted().empty());  // The agent's node is not one of the cluster's.
  Apply(AgentsListed{{"n2"}});
  EXPECT_EQ(WantedSizes(), (Sizes{"pmem-direct 0/0?", "pmem-lvm 0/0?"}));
  Apply(AgentsListed{{"n2", "n3"}});
  EXPECT_EQ(ledger_.nodes().id_end(), 2);
  Apply(MakeReport("n3", 1, {MakeLvmPool(20 * kGiB)}));
  EXPECT_EQ(Wanted().size(), 4U);
  EXPECT_EQ(Joined().nodes, 2);
}

TEST_F(CapacityObjectsTest, JoinedTheySayWhatTheBestNodeCouldTake) {
  Apply(Relisted<Node>{{MakeNode("n1"), MakeNode("n2")}});
  Apply(AgentsListed{{"n1", "n2"}});
  Report({MakeLvmPool(40 * kGiB)});
  Apply(MakeReport("n2", 1, {MakeLvmPool(30 * kGiB), MakeLvmPool(30 * kGiB, {}, "second")}));
  const JoinedCapacities joined = Joined();
  EXPECT_EQ(joined.nodes, 2);
  const WantedCapacities wanted = WantedOf(joined);
  ASSERT_EQ(wanted.size(), 2U);
  EXPECT_EQ(wanted.begin()->first.substr(0, 21), "pmem-direct.all-nodes");
  const WantedCapacity& lvm = wanted.rbegin()->second;
  EXPECT_TRUE(lvm.is_known);
  EXPECT_EQ(lvm.capacity_bytes, 60 * kGiB);
  EXPECT_EQ(lvm.volume_bytes_max, 40 * kGiB);
}

// What a claim that has its node may need there counts, and a node that nothing is known of keeps
// the object from being lowered.
TEST_F(CapacityObjectsTest, JoinedTheyAreNeverTooLowForAnyNode) {
  Apply(Relisted<Node>{{MakeNode("n1"), MakeNode("n2")}});
  Apply(AgentsListed{{"n1", "n2"}});
  Report({MakeLvmPool(40 * kGiB)});
  Claim claim = MakeClaim(1, 70 * kGiB, "pmem-lvm");
  claim.selected_node = "n2";
  Apply(Seen<Claim>{claim});
  const JoinedCapacities joined = Joined();
  const WantedCapacity& lvm = joined.by_class.at("pmem-lvm");
  EXPECT_EQ(lvm.volume_bytes_max, 70 * kGiB);
  EXPECT_FALSE(lvm.is_known);
}

struct BoundCase {
  const char* name;
  std::vector<PoolReport> pools;
  std::vector<Item> promised;
  CapacityBound direct = {};
  CapacityBound lvm = {};
};

std::ostream& operator<<(std::ostream& out, const BoundCase& c) { return out << c.name; }

Item Volume(int number, PoolKind kind, int64_t bytes) {
  return {.claim_uid = Uid(number), .kind = kind, .requested_bytes = bytes};
}

PoolReport WithSlots(PoolReport pool, int64_t slots) {
  pool.label_slots_free = slots;
  return pool;
}

class BoundTest : public testing::TestWithParam<BoundCase> {};

TEST_P(BoundTest, IsWhatCouldFitAtBest) {
  NodeState node;
  node.report = MakeReport("n1", 1, GetParam().pools).report;
  for (const Item& item : GetParam().promised) node.assigned[item.claim_uid] = item;
  NodeBook::RebuildRoom(node);
  EXPECT_EQ(BoundOf(node, PoolKind::kLvm), GetParam().lvm);
  EXPECT_EQ(BoundOf(node, PoolKind::kDirect), GetParam().direct);
}

constexpr auto kLvm = PoolKind::kLvm;
constexpr auto kDirect = PoolKind::kDirect;

INSTANTIATE_TEST_SUITE_P(
    Tables, BoundTest,
    testing::Values(
        BoundCase{.name = "NoPool", .pools = {}},
        BoundCase{.name = "ARestBelowTheAlignmentIsNoRoom",
                  .pools = {MakeLvmPool(kGiB + kMiB)},
                  .lvm = {kGiB, kGiB}},
        BoundCase{.name = "AVolumeIsInOnePool",
                  .pools = {MakeLvmPool(6 * kGiB), MakeLvmPool(4 * kGiB, {}, "second")},
                  .lvm = {10 * kGiB, 6 * kGiB}},
        BoundCase{.name = "AVolumeIsInOneExtent",
                  .pools = {MakeDirectPool({{0, 2 * kGiB}, {4 * kGiB, 5 * kGiB}})},
                  .direct = {7 * kGiB, 5 * kGiB}},
        BoundCase{.name = "PromisesAreRoundedUp",
                  .pools = {MakeLvmPool(kGiB)},
                  .promised = {Volume(1, kLvm, 1)},
                  .lvm = {kGiB - 4 * kMiB, kGiB - 4 * kMiB}},
        BoundCase{.name = "PromisesOfTheOtherKindDoNotCount",
                  .pools = {MakeLvmPool(kGiB), MakeDirectPool({{0, kGiB}})},
                  .promised = {Volume(1, kDirect, kGiB)},
                  .lvm = {kGiB, kGiB}},
        BoundCase{.name = "PromisesCouldAllBeInTheSmallExtent",
                  .pools = {MakeDirectPool({{0, 2 * kGiB}, {4 * kGiB, 5 * kGiB}})},
                  .promised = {Volume(1, kDirect, 2 * kGiB)},
                  .direct = {5 * kGiB, 5 * kGiB}},
        // Best fit puts 6 into 8 and 4 into 10, and 6 are left; 8 would be possible.
        BoundCase{.name = "NotLessThanABetterPackingThanOurs",
                  .pools = {MakeDirectPool({{0, 10 * kGiB}, {16 * kGiB, 8 * kGiB}})},
                  .promised = {Volume(1, kDirect, 6 * kGiB), Volume(2, kDirect, 4 * kGiB)},
                  .direct = {8 * kGiB, 8 * kGiB}},
        BoundCase{.name = "MorePromisedThanThereIs",
                  .pools = {MakeLvmPool(kGiB)},
                  .promised = {Volume(1, kLvm, 3 * kGiB)}},
        BoundCase{.name = "NoLabelSlot", .pools = {WithSlots(MakeDirectPool({{0, kGiB}}), 0)}},
        BoundCase{.name = "TheLastLabelSlotIsPromised",
                  .pools = {WithSlots(MakeDirectPool({{0, kGiB}}), 1)},
                  .promised = {Volume(1, kDirect, 16 * kMiB)}}),
    [](const auto& row) { return row.param.name; });

WantedCapacity MakeWanted(int64_t gib, bool is_known = true) {
  return {.node = "n1",
          .node_uid = "uid-n1",
          .storage_class = "pmem-lvm",
          .topology_key = "kubernetes.io/hostname",
          .topology_value = "n1",
          .is_known = is_known,
          .capacity_bytes = gib * kGiB,
          .volume_bytes_max = gib * kGiB};
}

// "create 10", "replace 5", "delete": the change that leads from `seen` to `wanted`, or "".
std::string Plan(const std::optional<WantedCapacity>& wanted,
                 const std::optional<CapacityObject>& seen) {
  const std::string name = CapacityObjectName(MakeWanted(0));
  WantedCapacities all_wanted;
  SeenCapacities all_seen;
  if (wanted) all_wanted[name] = *wanted;
  if (seen) all_seen[name] = *seen;
  const auto changes = PlanCapacityChanges(all_wanted, all_seen);
  if (changes.empty()) return "";
  EXPECT_EQ(changes.size(), 1U);
  const std::string gib = std::to_string(changes[0].wanted.volume_bytes_max / kGiB);
  if (changes[0].kind == Kind::kCreate) return "create " + gib;
  EXPECT_EQ(changes[0].resource_version, "5");
  return changes[0].kind == Kind::kDelete ? "delete" : "replace " + gib;
}

CapacityObject Spoilt(void (*spoil)(CapacityObject&)) {
  CapacityObject object = ObjectOf(MakeWanted(10));
  spoil(object);
  return object;
}

TEST(CapacityChanges, OnlyWhatDiffersIsWritten) {
  EXPECT_EQ(Plan(MakeWanted(10), std::nullopt), "create 10");
  EXPECT_EQ(Plan(MakeWanted(0), std::nullopt), "create 0");
  EXPECT_EQ(Plan(MakeWanted(10), ObjectOf(MakeWanted(10))), "");
  EXPECT_EQ(Plan(MakeWanted(10), ObjectOf(MakeWanted(7))), "replace 10");
  EXPECT_EQ(Plan(std::nullopt, ObjectOf(MakeWanted(7))), "delete");
  EXPECT_EQ(Plan(std::nullopt, Spoilt([](auto& o) { o.meta.is_deleting = true; })), "");
}

TEST(CapacityChanges, WhatPeopleSpoiltIsPutRight) {
  EXPECT_EQ(Plan(MakeWanted(10), Spoilt([](auto& o) { o.volume_bytes_max.reset(); })),
            "replace 10");
  EXPECT_EQ(Plan(MakeWanted(10), Spoilt([](auto& o) { o.capacity_bytes = 1; })), "replace 10");
  EXPECT_EQ(Plan(MakeWanted(10), Spoilt([](auto& o) { o.labels.clear(); })), "replace 10");
  EXPECT_EQ(Plan(MakeWanted(10), Spoilt([](auto& o) { o.owners.clear(); })), "replace 10");
  // The node was deleted and came back under its name.
  EXPECT_EQ(Plan(MakeWanted(10), Spoilt([](auto& o) { o.owners[0].uid = "old"; })), "replace 10");
}

TEST(CapacityChanges, OfANodeThatIsNotKnownAnObjectIsRaisedOrLeft) {
  EXPECT_EQ(Plan(MakeWanted(0, false), std::nullopt), "");
  EXPECT_EQ(Plan(MakeWanted(3, false), std::nullopt), "create 3");
  EXPECT_EQ(Plan(MakeWanted(3, false), ObjectOf(MakeWanted(10))), "");
  EXPECT_EQ(Plan(MakeWanted(10, false), ObjectOf(MakeWanted(3))), "replace 10");
  EXPECT_EQ(Plan(MakeWanted(3, false), Spoilt([](auto& o) { o.volume_bytes_max.reset(); })),
            "replace 10");
}

TEST(CapacityChanges, WhatLetsPodsPassIsWrittenFirstAndDeletionsLast) {
  WantedCapacities wanted = {{"a-less", MakeWanted(1)},
                             {"b-none", MakeWanted(0)},
                             {"c-more", MakeWanted(9)},
                             {"d-new", MakeWanted(9)}};
  SeenCapacities seen = {{"a-less", ObjectOf(MakeWanted(5))},
                         {"a-gone", ObjectOf(MakeWanted(5))},
                         {"c-more", ObjectOf(MakeWanted(5))}};
  std::vector<std::string> order;
  for (const auto& change : PlanCapacityChanges(wanted, seen)) order.push_back(change.name);
  EXPECT_EQ(order, (std::vector<std::string>{"c-more", "d-new", "a-less", "b-none", "a-gone"}));
}

TEST(CapacityObject, IsWrittenAsTheApiWantsIt) {
  CapacityChange change{.kind = Kind::kReplace,
                        .name = "x",
                        .wanted = MakeWanted(10),
                        .uid = "u",
                        .resource_version = "7"};
  change.wanted.volume_bytes_max = 5;
  EXPECT_EQ(
      CapacityObjectJson(change),
      R"({"apiVersion":"storage.k8s.io/v1","kind":"CSIStorageCapacity","metadata":{"name":"x",)"
      R"("uid":"u","resourceVersion":"7","labels":{)"
      R"("csi.storage.k8s.io/drivername":"pmem.csi.alibabacloud.com",)"
      R"("csi.storage.k8s.io/managed-by":"pmem-extender"},"ownerReferences":[{)"
      R"("apiVersion":"v1","kind":"Node","name":"n1","uid":"uid-n1"}]},)"
      R"("storageClassName":"pmem-lvm","nodeTopology":{"matchLabels":{)"
      R"("kubernetes.io/hostname":"n1"}},"capacity":"10240Mi","maximumVolumeSize":"5"})");
  EXPECT_EQ(CapacityDeleteJson(change),
            R"({"apiVersion":"v1","kind":"DeleteOptions","preconditions":{"uid":"u",)"
            R"("resourceVersion":"7"}})");
}

TEST(CapacityObject, ItsNameSaysWhatItIsForAndDiffersWithTheTopology) {
  WantedCapacity wanted = MakeWanted(1);
  EXPECT_EQ(CapacityObjectName(wanted), "pmem-lvm.n1.18e20bfeb2054eb1");
  wanted.topology_key = "other";
  EXPECT_NE(CapacityObjectName(wanted), CapacityObjectName(MakeWanted(1)));
  wanted = MakeWanted(1);
  wanted.node = std::string(253, 'n');
  EXPECT_EQ(CapacityObjectName(wanted), "pmem.18e20bfeb2054eb1");
}

}  // namespace
}  // namespace pmem::extender
