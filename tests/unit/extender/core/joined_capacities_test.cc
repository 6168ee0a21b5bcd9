// SPDX-License-Identifier: Apache-2.0
// Capacity objects that stand for many nodes: which there are, whom they reach, what they say.
#include <gtest/gtest.h>

#include "extender/core/capacity_offers.h"
#include "extender/core/kube_decode.h"
#include "extender/core/node_match.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

using Labels = std::map<std::string, std::string>;
using Names = std::set<std::string>;

// Nodes n1 and n2 with agents, and n3 without; none has a label of ours yet.
class JoinedCapacitiesTest : public testing::Test {
 protected:
  JoinedCapacitiesTest() {
    for (const char* name : {"n1", "n2", "n3"}) nodes_[name] = MakeNode(name, {});
    const ClusterLists lists = {.nodes = {nodes_["n1"], nodes_["n2"], nodes_["n3"]},
                                .agents = {"n1", "n2"}};
    for (const Event& event : ListsOf(lists)) Apply(event);
    Apply(MakeReport("n1", 1, {MakeLvmPool(40 * kGiB)}));
    Apply(MakeReport("n2", 1, {MakeLvmPool(30 * kGiB), MakeLvmPool(30 * kGiB, {}, "second")}));
  }

  static Node MakeNode(const std::string& name, const Labels& labels) {
    Node node;
    node.meta = {.key = {"", name}, .uid = "uid-" + name};
    node.labels = labels;
    node.labels["kubernetes.io/hostname"] = name;
    return node;
  }

  void Apply(const Event& event) {
    ledger_.Apply(event, now_);
    ASSERT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
  }

  void Label(const std::string& name, const Labels& labels) {
    nodes_[name] = MakeNode(name, labels);
    Apply(Seen<Node>{nodes_[name]});
  }

  // A scheduler that could not ask us may choose any node.
  void Pin(const std::string& node, int64_t bytes) {
    Claim claim = MakeClaim(1, bytes, "pmem-lvm");
    claim.selected_node = node;
    Apply(Seen<Claim>{claim});
  }

  std::vector<CapacityObject> Objects() {
    EXPECT_EQ(offers_.Follow(ledger_, 0, 1000), CapacityOffers::kAllSeen);
    std::vector<CapacityObject> objects;
    for (const auto& [name, wanted] : offers_.Joined().wanted) {
      EXPECT_EQ(name, CapacityObjectName(wanted));
      objects.push_back(
          *DecodeObject<CapacityObject>(CapacityObjectJson({.name = name, .wanted = wanted})));
      EXPECT_TRUE(IsOfSameClassAndNodes(objects.back(), wanted));
      EXPECT_TRUE(objects.back().owners.empty());
    }
    return objects;
  }

  // As kube-scheduler looks: what takes a claim of pmem-lvm is named.
  Names NodesFor(int64_t bytes) {
    Names names;
    for (const CapacityObject& object : Objects()) {
      if (object.storage_class_name != "pmem-lvm" || *object.volume_bytes_max < bytes) continue;
      EXPECT_TRUE(object.topology.empty());
      const std::vector<NodeSelectorTerm> terms = {{.labels = object.topology_terms}};
      for (const auto& [name, node] : nodes_) {
        if (object.topology_terms.empty() || MatchesAnyTerm(terms, node)) names.insert(name);
      }
    }
    return names;
  }

  const Labels lvm_ = {{"pmem.csi.alibabacloud.com/type", "lvm"}};
  const Labels direct_ = {{"pmem.csi.alibabacloud.com/type", "direct"}};
  const Labels old_ = {{"pmem.csi.alibabacloud.com", "lvm"}};
  absl::Time now_ = absl::FromUnixSeconds(1000);
  Ledger ledger_{LedgerOptions{}};
  CapacityOffers offers_;
  std::map<std::string, Node> nodes_;
};

TEST_F(JoinedCapacitiesTest, TheySayWhatTheBestNodeCouldTake) {
  EXPECT_EQ(offers_.Joined().nodes, 0);
  const std::vector<CapacityObject> objects = Objects();
  EXPECT_EQ(offers_.Joined().nodes, 2);
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[0].meta.key.name.substr(0, 21), "pmem-direct.all-nodes");
  EXPECT_EQ(objects[1].capacity_bytes, 60 * kGiB);
  EXPECT_EQ(objects[1].volume_bytes_max, 40 * kGiB);
}

// What a claim that has its node may need there counts, and a node that nothing is known of keeps
// the object from being lowered.
TEST_F(JoinedCapacitiesTest, TheyAreNeverTooLowForAnyNode) {
  Apply(AgentsListed{{"n1", "n2", "n3"}});
  Pin("n3", 70 * kGiB);
  Objects();
  const WantedCapacity lvm = offers_.Joined().wanted.rbegin()->second;
  EXPECT_EQ(lvm.volume_bytes_max, 70 * kGiB);
  EXPECT_FALSE(lvm.is_known);
}

TEST_F(JoinedCapacitiesTest, TheyReachNoNodeWithoutPersistentMemory) {
  Label("n1", lvm_);
  Label("n2", direct_);
  EXPECT_EQ(NodesFor(40 * kGiB), (Names{"n1", "n2"}));
  EXPECT_EQ(NodesFor(41 * kGiB), Names{});
  EXPECT_EQ(Objects().size(), 2U) << "one a class";
  EXPECT_EQ(Objects()[1].meta.key.name.substr(0, 19), "pmem-lvm.pmem-nodes");
}

TEST_F(JoinedCapacitiesTest, ThereIsOneForEachKeyOfTheLabelThatNodesHave) {
  Label("n1", lvm_);
  Label("n2", old_);
  EXPECT_EQ(NodesFor(30 * kGiB), (Names{"n1", "n2"}));
  EXPECT_EQ(NodesFor(31 * kGiB), Names{"n1"}) << "each of its own nodes";
  EXPECT_EQ(Objects().size(), 4U);
  Label("n1", old_);
  EXPECT_EQ(Objects().size(), 2U);
}

TEST_F(JoinedCapacitiesTest, WhereAnAgentRunsWithoutTheLabelOneReachesEveryNode) {
  Label("n1", lvm_);
  EXPECT_EQ(NodesFor(30 * kGiB), (Names{"n1", "n2", "n3"}));
  EXPECT_EQ(NodesFor(31 * kGiB), Names{"n1"});
  Label("n2", {{"pmem.csi.alibabacloud.com/type", "other"}});
  EXPECT_EQ(NodesFor(30 * kGiB), (Names{"n1", "n2", "n3"})) << "no agent is to run by that";
}

TEST_F(JoinedCapacitiesTest, AClaimThatIsPinnedWhereNoAgentIsBringsNone) {
  Label("n1", lvm_);
  Label("n2", lvm_);
  Pin("n3", kGiB);
  EXPECT_EQ(NodesFor(kGiB), (Names{"n1", "n2"}));
}

TEST(JoinedCapacity, IsWrittenAsTheApiWantsIt) {
  const WantedCapacity wanted = {.storage_class = "pmem-lvm",
                                 .topology_key = "pmem.csi.alibabacloud.com/type",
                                 .capacity_bytes = kGiB,
                                 .volume_bytes_max = kGiB};
  const std::string json =
      CapacityObjectJson({.name = CapacityObjectName(wanted), .wanted = wanted});
  EXPECT_NE(json.find(R"("nodeTopology":{"matchExpressions":[{)"
                      R"("key":"pmem.csi.alibabacloud.com/type","operator":"In",)"
                      R"("values":["lvm","direct"]}]},"capacity":"1024Mi")"),
            std::string::npos)
      << json;
  EXPECT_EQ(CapacityObjectName(wanted).substr(0, 20), "pmem-lvm.pmem-nodes.");
  CapacityObject seen = *DecodeObject<CapacityObject>(json);
  EXPECT_TRUE(IsOfSameClassAndNodes(seen, wanted));
  seen.topology_terms[0].values = {"lvm"};
  EXPECT_FALSE(IsOfSameClassAndNodes(seen, wanted));
}

}  // namespace
}  // namespace pmem::extender
