// SPDX-License-Identifier: Apache-2.0
// Volumes of a pod that are there already, beside the claims that are pinned for it. n1 is the node
// that is taken where all may be.
#include "tests/unit/extender/core/pinning_fixture.h"

namespace pmem::extender {
namespace {

class PinningBesideVolumes : public PinningTest {
 protected:
  PinningBesideVolumes() {
    StorageClass other = MakeClass("disks");
    other.provisioner = "disks.example.com";
    Apply(Seen<StorageClass>{other});
  }

  // A claim with a volume that only that node reaches; nullopt: all do.
  Claim Bound(int number, const std::optional<std::string>& node,
              const std::string& storage_class) {
    Claim claim = MakeClaim(number, kGiB, storage_class);
    claim.volume_name = "volume-" + std::to_string(number);
    PersistentVolume volume = MakeVolumeByHand("", kGiB, storage_class);
    volume.meta.key.name = claim.volume_name;
    volume.affinity_node = node;
    volume.is_ours = storage_class == "manual";
    volume.claim = claim.meta.key;
    volume.claim_uid = claim.meta.uid;
    volume.is_taken = true;
    Apply(Seen<PersistentVolume>{volume});
    return Add(claim);
  }

  void Put(Pod pod, const std::string& node) {
    pod.node_name = node;
    placed_["default"].users = KnownPodsOf({pod}, now_).users;
  }
};

// "manual" is what people write for volumes that they made by hand; it need not be an object.
TEST_F(PinningBesideVolumes, AnImmediateClaimIsPinnedBesideABoundOneWithoutAClassObject) {
  AddPod(MakePod(1, {Add(Immediate(1)), Bound(2, "n2", "manual")}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n2"}}));
}

TEST_F(PinningBesideVolumes, AClaimOfAPodThatCameWithItsNodeIsPinnedBesideOneWithoutAClassObject) {
  Put(MakePod(1, {Add(MakeClaim(1, kGiB)), Bound(2, "n2", "manual")}), "n2");
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-1", "n2"}}));
}

TEST_F(PinningBesideVolumes, AVolumeOfOthersWithoutAClassObjectKeepsNobodyWaiting) {
  AddPod(MakePod(1, {Add(Immediate(1)), Bound(2, std::nullopt, "nfs")}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
}

// Of a volume that is not known yet nobody can tell where it is.
TEST_F(PinningBesideVolumes, AClaimWaitsUntilTheVolumeOfOneWithoutAClassObjectIsKnown) {
  Claim bound = MakeClaim(2, kGiB, "manual");
  bound.volume_name = "volume-2";
  AddPod(MakePod(1, {Add(Immediate(1)), Add(bound)}));
  EXPECT_EQ(Pins(Plan()), Pairs{});
  Bound(2, "n3", "manual");
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n3"}}));
}

TEST_F(PinningBesideVolumes, AnImmediateClaimFollowsTheOtherVolumesOfItsPod) {
  AddPod(MakePod(1, {Add(Immediate(1)), Bound(2, "n3", "disks")}));
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n3"}}));
}

TEST_F(PinningBesideVolumes, WhereTheOtherVolumesAreMayBeNoRoom) {
  AddPod(MakePod(1, {Add(Immediate(1, 30 * kGiB)), Bound(2, "n1", "disks")}));
  const PinningPlan plan = Plan();
  EXPECT_EQ(Pins(plan), Pairs{});
  ASSERT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kNoNodeFits}));
  EXPECT_EQ(plan.notices[0].message,
            "no node can hold the claim now; it will be tried again: 0/3 nodes: 2 another volume "
            "of the pod is on another node, 1 insufficient free PMEM");
}

TEST_F(PinningBesideVolumes, APodThatCameWithANodeAwayFromItsVolumesIsTold) {
  Put(MakePod(1, {Add(MakeClaim(1, kGiB)), Bound(2, "n3", "disks")}), "n1");
  const PinningPlan plan = SettledPlan();
  EXPECT_EQ(Pins(plan), Pairs{});
  ASSERT_EQ(Notices(plan), (std::vector<NoticeReason>{NoticeReason::kPresetNodeUnfit}));
}

// It is of an earlier pod of that name: this one gets its own.
TEST_F(PinningBesideVolumes, AnEphemeralVolumeOfAnEarlierPodSaysNothing) {
  Pod pod = MakePod(1, {Add(Immediate(1)), Bound(2, "n3", "disks")});
  pod.volumes[1].is_ephemeral = true;
  AddPod(pod);
  EXPECT_EQ(Pins(Plan()), (Pairs{{"claim-1", "n1"}}));
}

}  // namespace
}  // namespace pmem::extender
