// SPDX-License-Identifier: Apache-2.0
// Pools of one kind take nothing from those of the other: what goes wrong with one kind on a node
// leaves the other as it is.
#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

constexpr const char* kDirect = "pmem-direct";

// n1 also has a direct pool of 100 GiB.
PoolReport DirectPool() { return MakeDirectPool({{0, 100 * kGiB}}); }

class LedgerKindsTest : public LedgerTest {
 protected:
  std::vector<std::string> AskForLvm(int number) {
    return FilterPod(AddPod(number, {MakeClaim(number, kGiB)}));
  }
  int64_t FreeLvm() {
    return FreeBytes(NodeBook::RoomLeftOn(*ledger_.nodes().Find("n1"), {}).room, PoolKind::kLvm);
  }
};

TEST_F(LedgerKindsTest, AnUnreadableRegionLeavesTheVolumeGroupUsable) {
  Start(1, 100 * kGiB);
  Apply(MakeReport("n1", 2, {MakeLvmPool(100 * kGiB), DirectPool()}));
  const Claim direct = MakeClaim(1, 10 * kGiB, kDirect);
  EXPECT_EQ(FilterPod(AddPod(1, {direct})), Names{"n1"});
  Pin(direct, "n1");
  PoolReport unknown = DirectPool();
  unknown.state = PoolState::kUnknown;
  Apply(MakeReport("n1", 3, {MakeLvmPool(100 * kGiB), unknown}));
  EXPECT_EQ(AskForLvm(2), Names{"n1"});
  EXPECT_EQ(FreeLvm(), 100 * kGiB);
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(3, kGiB, kDirect)})), Names{});
  EXPECT_EQ(reasons_, std::vector<Reason>{Reason::kUnusablePool});
}

TEST_F(LedgerKindsTest, ADirectClaimThatIsPinnedToAnLvmNodeStopsNoLvmClaim) {
  Start(1, 100 * kGiB);
  Pin(MakeClaim(1, 10 * kGiB, kDirect), "n1");
  EXPECT_EQ(AskForLvm(2), Names{"n1"});
}

TEST_F(LedgerKindsTest, ADirectClaimThatARelistMissesIsOwedByRegionsOnly) {
  Start(3, 100 * kGiB);
  AddPod(1, {MakeClaim(1, 10 * kGiB, kDirect)});
  Apply(Relisted<Claim>{});
  EXPECT_EQ(AskForLvm(2), (Names{"n1", "n2", "n3"}));
}

TEST_F(LedgerKindsTest, ATakeoverHoldsDirectClaimsInRegionsOnly) {
  Start(3, 100 * kGiB);
  AddPod(1, {MakeClaim(1, 10 * kGiB, kDirect)});
  ledger_.BeginTakeover(now_);
  EXPECT_EQ(AskForLvm(2), (Names{"n1", "n2", "n3"}));
}

// The long way, which preemption and pins take.
TEST_F(LedgerKindsTest, RoomBesidePromisesIsRoomOfThatKind) {
  Start(1, 100 * kGiB);
  Pin(MakeClaim(1, 10 * kGiB, kDirect), "n1");
  const PodDemand demand = ledger_.Demand(AddPod(2, {MakeClaim(2, kGiB)}), nullptr);
  EXPECT_EQ(ledger_.judge().JudgeFirm("n1", demand, now_), Reason::kFits);
}

// The long way, taken where a volume that is there might serve a claim of the class.
TEST_F(LedgerKindsTest, RoomBesideHoldsIsRoomOfThatKind) {
  Start(1, 100 * kGiB);
  Apply(Seen<PersistentVolume>{MakeVolumeByHand("n9", kGiB)});
  AddPod(1, {MakeClaim(1, 10 * kGiB, kDirect)});
  ledger_.BeginTakeover(now_);
  EXPECT_EQ(AskForLvm(2), Names{"n1"});
}

// A pod with a volume on n1 keeps room there for its other claims.
TEST_F(LedgerKindsTest, AReservationIsKeptBesideADirectClaimThatDoesNotFit) {
  Start(1, 10 * kGiB);
  Pin(MakeClaim(1, 10 * kGiB, kDirect), "n1");
  const Claim rest = MakeClaim(3, 6 * kGiB);
  AddPod(2, {Pin(MakeClaim(2, kGiB), "n1"), rest});
  EXPECT_EQ(FilterPod(AddPod(4, {MakeClaim(4, 6 * kGiB)})), Names{});
  EXPECT_EQ(FilterPod(AddPod(5, {MakeClaim(5, 3 * kGiB)})), Names{"n1"});
}

}  // namespace
}  // namespace pmem::extender
