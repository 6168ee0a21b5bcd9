// SPDX-License-Identifier: Apache-2.0
// Expansions that the request of a claim, and a volume with its UID, do not tell of.
#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

// One node of 10 GiB.
class LedgerExpansionTest : public LedgerTest {
 protected:
  LedgerExpansionTest() { Start(1, 10 * kGiB); }

  void Report(const std::string& volume, int64_t bytes) {
    Apply(MakeReport("n1", ++generation_, {MakeLvmPool(10 * kGiB, {{volume, bytes}})}));
  }
  int64_t FreeBytesThere() { return FreeBytes(ledger_.nodes().Find("n1")->room, PoolKind::kLvm); }

  // The claim has a volume of 2 GiB of its own.
  Claim Bind(int number) {
    Claim claim = Pin(MakeClaim(number, 2 * kGiB), "n1");
    claim.volume_name = "pvc-" + claim.meta.uid;
    claim.capacity_bytes = claim.requested_bytes;
    PersistentVolume volume = MakeVolumeByHand("n1", 2 * kGiB);
    volume.meta.key.name = claim.volume_name;
    volume.is_ours = true;
    volume.csi_volume_handle = "disk-" + claim.meta.uid;
    volume.claim = claim.meta.key;
    volume.claim_uid = claim.meta.uid;
    Apply(Seen<PersistentVolume>{volume});
    Apply(Seen<Claim>{claim});
    Report(volume.csi_volume_handle, 2 * kGiB);
    return claim;
  }

  // The claim has one of 4 GiB that was made for claim 9, which is gone.
  Claim BindByHand(int number) {
    Claim claim = MakeClaim(number, 4 * kGiB);
    volume_ = MakeVolumeByHand("n1", 4 * kGiB);
    volume_.is_ours = true;
    volume_.csi_volume_handle = "disk-" + Uid(9);
    volume_.claim = claim.meta.key;
    volume_.claim_uid = claim.meta.uid;
    volume_.is_taken = true;
    claim.volume_name = volume_.meta.key.name;
    claim.capacity_bytes = 4 * kGiB;
    Report(volume_.csi_volume_handle, 4 * kGiB);
    Apply(Seen<PersistentVolume>{volume_});
    Apply(Seen<Claim>{claim});
    return claim;
  }

  PersistentVolume volume_;
  int64_t generation_ = 1;
};

// The resizer has written 8 GiB to the volume object; kubelet may be days behind.
TEST_F(LedgerExpansionTest, OneThatWasBegunCountsThoughTheRequestWasLowered) {
  Claim claim = Bind(1);
  claim.requested_bytes = 8 * kGiB;
  Apply(Seen<Claim>{claim});
  PersistentVolume volume = *ledger_.cache().FindVolume(claim.volume_name);
  volume.capacity_bytes = 8 * kGiB;
  Apply(Seen<PersistentVolume>{volume});
  claim.requested_bytes = 3 * kGiB;
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  Report(volume.csi_volume_handle, 8 * kGiB);
  EXPECT_TRUE(ledger_.nodes().Find("n1")->expansions.empty());
}

// And the watch of the volumes is behind.
TEST_F(LedgerExpansionTest, OneThatTheClaimsStatusTellsOfCounts) {
  Claim claim = Bind(1);
  claim.allocated_bytes = 8 * kGiB;
  claim.requested_bytes = 3 * kGiB;
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FreeBytesThere(), 2 * kGiB);
}

TEST_F(LedgerExpansionTest, AVolumeThatWasMadeForAnotherClaimGrowsToo) {
  Claim claim = BindByHand(1);
  EXPECT_EQ(FreeBytesThere(), 6 * kGiB);
  claim.requested_bytes = 7 * kGiB;
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FreeBytesThere(), 3 * kGiB);
  claim.capacity_bytes = 7 * kGiB;  // Done, says the API server before a report does.
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FreeBytesThere(), 3 * kGiB);
  Report(volume_.csi_volume_handle, 7 * kGiB);
  EXPECT_EQ(FreeBytesThere(), 3 * kGiB);
  EXPECT_TRUE(ledger_.nodes().Find("n1")->expansions.empty());
}

TEST_F(LedgerExpansionTest, OneOfAVolumeThatWasMadeForAnotherClaimEndsWithItsClaim) {
  Claim claim = BindByHand(1);
  claim.requested_bytes = 7 * kGiB;
  Apply(Seen<Claim>{claim});
  Apply(Gone<Claim>{claim});
  EXPECT_EQ(FreeBytesThere(), 6 * kGiB);
  EXPECT_TRUE(ledger_.nodes().Find("n1")->debts.empty());
}

TEST_F(LedgerExpansionTest, AVolumeThatIsSmallerThanPeopleWroteDoesNotGrowByItself) {
  Claim claim = BindByHand(1);
  volume_.capacity_bytes = claim.capacity_bytes = 5 * kGiB;
  claim.meta = MakeClaim(2, kGiB).meta;  // Another one that gets it.
  volume_.claim = claim.meta.key;
  volume_.claim_uid = claim.meta.uid;
  Apply(Seen<PersistentVolume>{volume_});
  Claim early = claim;
  early.capacity_bytes = 0;
  Apply(Seen<Claim>{early});
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FreeBytesThere(), 6 * kGiB);
}

// Its own may be in the making on the node on which it got another one.
TEST_F(LedgerExpansionTest, AClaimThatGetsAVolumeWhereItWasPinnedOwesItsOwnThere) {
  const Claim pinned = Pin(MakeClaim(1, 4 * kGiB), "n1");
  Claim bound = pinned;
  bound.volume_name = "by-hand";
  Apply(Seen<Claim>{bound});
  volume_ = MakeVolumeByHand("n1", 4 * kGiB);
  volume_.is_ours = true;
  volume_.csi_volume_handle = "disk-" + Uid(9);
  volume_.claim_uid = bound.meta.uid;
  Apply(Seen<PersistentVolume>{volume_});
  EXPECT_FALSE(ledger_.FindPlace(bound.meta.uid)->is_counted);
  EXPECT_TRUE(ledger_.nodes().Find("n1")->debts.contains(bound.meta.uid));
}

// A snapshot that somebody made of it sorts behind it, and is no larger than it was then.
TEST_F(LedgerExpansionTest, WhatOnlyEndsInTheUidIsNotTakenForTheVolume) {
  const Claim claim = Bind(1);
  const std::string name = "disk-" + claim.meta.uid;
  Apply(MakeReport("n1", ++generation_,
                   {MakeLvmPool(10 * kGiB, {{name, 2 * kGiB}, {"snap-" + name, kGiB}})}));
  EXPECT_TRUE(ledger_.nodes().Find("n1")->expansions.empty());
}

// The resizer asks no node: somebody's slip of the pen is in the volume object at once, and stays.
TEST_F(LedgerExpansionTest, OneThatThePoolCanNeverHoldTakesNothing) {
  Claim claim = Bind(1);
  claim.requested_bytes = kBytesMax;
  Apply(Seen<Claim>{claim});
  PersistentVolume volume = *ledger_.cache().FindVolume(claim.volume_name);
  volume.capacity_bytes = kBytesMax;
  Apply(Seen<PersistentVolume>{volume});
  EXPECT_EQ(FreeBytesThere(), 8 * kGiB);
  claim.requested_bytes = 10 * kGiB;  // What the pool can hold counts.
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FreeBytesThere(), 0);
  claim.requested_bytes = 3 * kGiB;
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FreeBytesThere(), 7 * kGiB);
}

// Its VolumeGroup was extended.
TEST_F(LedgerExpansionTest, OneThatThePoolCouldNotHoldCountsOnceItCan) {
  Claim claim = Bind(1);
  claim.requested_bytes = 12 * kGiB;
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(FreeBytesThere(), 8 * kGiB);
  Apply(MakeReport("n1", ++generation_,
                   {MakeLvmPool(20 * kGiB, {{"disk-" + claim.meta.uid, 2 * kGiB}})}));
  EXPECT_EQ(FreeBytesThere(), 8 * kGiB);
}

}  // namespace
}  // namespace pmem::extender
