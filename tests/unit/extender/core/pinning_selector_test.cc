// SPDX-License-Identifier: Apache-2.0
// Claims with a selector, and others that no volume is made for (IsStaticOnly).
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

TEST_F(PinningTest, AClaimThatTheProvisionerOrTheDriverRefusesIsNotPinned) {
  Claim copy = Immediate(1);
  copy.data_source = DataSource::kVolume;
  Claim of_many_nodes = Immediate(2);
  of_many_nodes.access_modes = {"ReadWriteMany"};
  Claim with_attributes = Immediate(3);
  with_attributes.volume_attributes_class = "fast";
  for (const Claim& claim : {copy, of_many_nodes, with_attributes})
    AddPod(MakePod(1, {Add(claim)}));
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
  EXPECT_TRUE(ledger_.holds().IsEmpty());
}

// n3 has room for one: the populator's claim, which is bound in the end to the one that it fills.
TEST_F(PinningTest, APopulatorsOwnClaimIsPinnedAndNotTheOneThatItFills) {
  Claim filled = Immediate(1, 50 * kGiB);
  filled.data_source = DataSource::kPopulator;
  AddPod(MakePod(1, {Add(filled)}));
  EXPECT_EQ(Pins(SettledPlan()), Pairs{});
  Add(Immediate(2, 50 * kGiB));
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-2", "n3"}}));
}

// The populator waits for the pin, and its own claim goes there, too.
TEST_F(PinningTest, AClaimThatAPopulatorFillsIsPinnedForAPodThatCameWithItsNode) {
  Claim filled = MakeClaim(1, kGiB);
  filled.data_source = DataSource::kPopulator;
  Pod pod = MakePod(1, {Add(filled)});
  pod.node_name = "n2";
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-1", "n2"}}));
}

// Somebody typed it in; external-provisioner leaves it for ever.
TEST_F(PinningTest, APinThatNobodyActsOnTakesNoRoom) {
  Claim pinned = MakeClaim(1, 15 * kGiB);
  pinned.access_modes = {"ReadOnlyMany"};
  pinned.selected_node = "n1";
  AddPod(MakePod(1, {Add(pinned)}));
  AddPod(MakePod(2, {Add(Immediate(2, 15 * kGiB))}));
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-2", "n1"}}));
}

// Its pod has a claim on n1, and can only go there; the other one takes no room.
TEST_F(PinningTest, NoRoomIsReservedForAClaimThatNobodyMakesAVolumeFor) {
  Claim placed = MakeClaim(1, kGiB);
  placed.selected_node = "n1";
  Claim selecting = MakeClaim(2, 15 * kGiB);
  selecting.has_selector = true;
  AddPod(MakePod(1, {Add(placed), Add(selecting)}));
  AddPod(MakePod(2, {Add(Immediate(3, 15 * kGiB))}));
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-3", "n1"}}));
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

TEST_F(PinningTest, AClaimWithASelectorTakesNoRoomFromTheOthersOfAPodThatCameWithItsNode) {
  Claim selecting = MakeClaim(1, 15 * kGiB);
  selecting.has_selector = true;
  Pod pod = MakePod(1, {Add(selecting), Add(MakeClaim(2, 15 * kGiB))});
  pod.node_name = "n1";
  placed_["default"].users = KnownPodsOf({pod}, now_).users;
  EXPECT_EQ(Pins(SettledPlan()), (Pairs{{"claim-2", "n1"}}));
}

}  // namespace
}  // namespace pmem::extender
