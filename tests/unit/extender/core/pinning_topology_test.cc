// SPDX-License-Identifier: Apache-2.0
// Classes whose allowedTopologies leave some nodes out. n1 is the node that is taken where all may
// be.
#include "tests/unit/extender/core/pinning_fixture.h"

namespace pmem::extender {
namespace {

class PinningInTopologies : public PinningTest {
 protected:
  void Allow(StorageClass storage_class, const std::vector<std::string>& nodes) {
    storage_class.allowed_nodes = nodes;
    Apply(Seen<StorageClass>{storage_class});
  }
};

TEST_F(PinningInTopologies, AnImmediateClaimGoesWhereItsClassAllowsIt) {
  Allow(MakeImmediate(), {"n3"});
  Add(Immediate(1));
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-1", "n3"}}));
}

TEST_F(PinningInTopologies, NodesThatTheClassLeavesOutAreNotTakenWhenNoOtherHasRoom) {
  Allow(MakeImmediate(), {"n1"});
  AddPod(MakePod(1, {Add(Immediate(1, 30 * kGiB))}));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), Pairs());
  ASSERT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kNoNodeFits}));
  EXPECT_EQ(plan.notices[0].message,
            "no node can hold the claim now; it will be tried again: 0/3 nodes: 2 outside the "
            "class's allowed topologies, 1 insufficient free PMEM");
}

TEST_F(PinningInTopologies, APodThatCameWithANodeOutsideIsTold) {
  Allow(MakeClass("pmem-lvm"), {"n3"});
  Pod pod = MakePod(1, {Add(MakeClaim(1, kGiB))});
  pod.node_name = "n1";
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  const PinningPlan plan = SettledPlan();
  EXPECT_EQ(Pins(plan), Pairs());
  ASSERT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kPresetNodeUnfit}));
  EXPECT_EQ(plan.notices[0].message,
            "node n1 of pod pod-1 cannot hold the claim: outside the class's allowed topologies");
}

TEST_F(PinningInTopologies, APodThatCameWithANodeInsideGoesOn) {
  Allow(MakeClass("pmem-lvm"), {"n3"});
  Pod pod = MakePod(1, {Add(MakeClaim(1, kGiB))});
  pod.node_name = "n3";
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-1", "n3"}}));
}

// The scheduler would have to put the waiting one where the other is, and may not.
TEST_F(PinningInTopologies, AClaimGoesWhereTheOthersOfItsPodAreAllowed) {
  Allow(MakeClass("pmem-lvm"), {"n2"});
  AddPod(MakePod(1, {Add(Immediate(1)), Add(MakeClaim(2, kGiB))}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n2"}}));
}

}  // namespace
}  // namespace pmem::extender
