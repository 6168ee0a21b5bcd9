// SPDX-License-Identifier: Apache-2.0
// Claims with a selector: external-provisioner makes no volume for them.
#include "tests/unit/extender/core/pinning_fixture.h"

namespace pmem::extender {
namespace {

// Nobody makes a volume for it: its room would be lost.
TEST_F(PinningTest, AClaimWithASelectorIsNotPinned) {
  Claim claim = Immediate(1);
  claim.has_selector = true;
  Add(claim);
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
  AddPod(MakePod(1, {claim}));
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
  EXPECT_TRUE(ledger_.holds().IsEmpty());
}

TEST_F(PinningTest, AClaimGoesWhereTheVolumeIsThatASelectorOfItsPodFound) {
  Claim selecting = Immediate(1);
  selecting.has_selector = true;
  Add(selecting);
  AddPod(MakePod(1, {selecting, Add(Immediate(2))}));
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
  PersistentVolume volume = MakeVolumeByHand("n2", 80 * kGiB, "now");
  volume.claim = selecting.meta.key;
  volume.claim_uid = selecting.meta.uid;
  Apply(Seen<PersistentVolume>{volume});
  selecting.volume_name = volume.meta.key.name;
  Add(selecting);
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-2", "n2"}}));
}

TEST_F(PinningTest, AClaimWithASelectorOfAPodThatCameWithItsNodeIsNotPinned) {
  Claim selecting = MakeClaim(1, kGiB);
  selecting.has_selector = true;
  Pod pod = MakePod(1, {Add(selecting), Add(MakeClaim(2, kGiB))});
  pod.node_name = "n1";
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-2", "n1"}}));
}

}  // namespace
}  // namespace pmem::extender
