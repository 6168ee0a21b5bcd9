// SPDX-License-Identifier: Apache-2.0
// What a killed creation left behind is listed and takes its room, until the next creation removes
// it and takes the room anew: a report from between has neither, and may come late.
#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

// Nodes of 10 GiB, and a claim of 6 GiB on n1.
class LedgerHalfMadeTest : public LedgerTest {
 protected:
  void Report(std::vector<VolumeReport> volumes) {
    Apply(MakeReport("n1", ++generation_, {MakeLvmPool(10 * kGiB, std::move(volumes))}));
  }
  void ReportLeftover() { Report({{"new-disk-" + Uid(1), 6 * kGiB}}); }
  void ReportFromBetween() { Report({}); }
  void ReportWhole() { Report({{"disk-" + Uid(1), 6 * kGiB}}); }

  bool IsOwed() const { return ledger_.nodes().Find("n1")->debts.contains(Uid(1)); }

  static PersistentVolume VolumeOfClaim() {
    PersistentVolume volume = MakeVolumeByHand("n1", 6 * kGiB);
    volume.is_ours = true;
    volume.csi_volume_handle = "disk-" + Uid(1);
    volume.claim_uid = Uid(1);
    return volume;
  }

  int64_t generation_ = 1;
};

TEST_F(LedgerHalfMadeTest, AClaimThatIsGoneIsOwedThoughItsLeftoverIsListed) {
  Start(1, 10 * kGiB);
  const Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  ReportLeftover();
  Apply(Gone<Claim>{claim});
  ReportFromBetween();
  const Pod other = AddPod(2, {MakeClaim(2, 6 * kGiB)});
  EXPECT_EQ(FilterPod(other), Names{});
  EXPECT_TRUE(is_held_);
  Pass(LedgerOptions{}.debt_grace);
  Apply(AgentConfirmed{"n1"});
  EXPECT_EQ(FilterPod(other), Names{"n1"});
}

TEST_F(LedgerHalfMadeTest, AClaimThatIsGoneIsNotOwedOnceItsVolumeIsWhole) {
  Start(1, 10 * kGiB);
  const Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  ReportWhole();
  Apply(Gone<Claim>{claim});
  EXPECT_FALSE(IsOwed());
}

TEST_F(LedgerHalfMadeTest, OnlyAWholeVolumeEndsADebt) {
  Start(1, 10 * kGiB);
  Apply(Gone<Claim>{Pin(MakeClaim(1, 6 * kGiB), "n1")});
  ReportLeftover();
  EXPECT_TRUE(IsOwed());
  ReportWhole();
  EXPECT_FALSE(IsOwed());
}

TEST_F(LedgerHalfMadeTest, AClaimThatAListMissesIsOwedAlsoWhereItsLeftoverIs) {
  Start(1, 10 * kGiB);
  Apply(Seen<Claim>{MakeClaim(1, 6 * kGiB)});
  ReportLeftover();
  Apply(Relisted<Claim>{});
  EXPECT_TRUE(IsOwed());
}

TEST_F(LedgerHalfMadeTest, AClaimThatIsBoundElsewhereIsOwedWhereItsLeftoverIs) {
  Start(2, 10 * kGiB);
  Claim claim = MakeClaim(1, 6 * kGiB);
  Apply(Seen<Claim>{claim});
  ReportLeftover();
  PersistentVolume volume = VolumeOfClaim();
  volume.affinity_node = "n2";
  Apply(Seen<PersistentVolume>{volume});
  claim.selected_node = "n1";  // Which the watch has not told.
  claim.volume_name = volume.meta.key.name;
  Apply(Relisted<Claim>{{claim}});
  EXPECT_TRUE(IsOwed());
}

// Its volume was made after the reading with the leftover, and before it was bound.
TEST_F(LedgerHalfMadeTest, ABoundClaimIsCountedByALateReportFromBetween) {
  Start(1, 10 * kGiB);
  Claim claim = Pin(MakeClaim(1, 6 * kGiB), "n1");
  ReportLeftover();
  claim.volume_name = "pvc-" + claim.meta.uid;
  Apply(Seen<Claim>{claim});
  ReportFromBetween();
  EXPECT_TRUE(ledger_.FindPlace(Uid(1))->is_counted);
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
  ReportWhole();
  EXPECT_FALSE(ledger_.FindPlace(Uid(1))->is_counted);
}

TEST_F(LedgerHalfMadeTest, AVolumeOfAClaimThatNobodyToldOfIsOwedThoughItsLeftoverIsListed) {
  Start(1, 10 * kGiB);
  ReportLeftover();
  Apply(Seen<PersistentVolume>{VolumeOfClaim()});
  EXPECT_TRUE(IsOwed());
}

TEST_F(LedgerHalfMadeTest, AClaimThatOnlyALiveReadTellsOfIsHeldThoughItsLeftoverIsListed) {
  Start(1, 10 * kGiB);
  ReportLeftover();
  Claim pinned = MakeClaim(1, 6 * kGiB);
  pinned.selected_node = "n1";
  ledger_.Learn({.claims = {pinned}}, now_);
  ReportFromBetween();
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(2, 6 * kGiB)})), Names{});
}

}  // namespace
}  // namespace pmem::extender
