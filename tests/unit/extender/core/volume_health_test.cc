// SPDX-License-Identifier: Apache-2.0
#include "extender/core/volume_health.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

constexpr size_t kMany = 10;

// One node, whose pool has the volumes of two claims and one that is nobody's.
class VolumeHealthTest : public testing::Test {
 protected:
  VolumeHealthTest() {
    const ClusterLists lists = {.claims = {MakeClaim(1, kGiB), MakeClaim(2, kGiB)},
                                .agents = {"n1"}};
    for (const Event& event : ListsOf(lists)) Apply(event);
  }

  // Who is told by `searches`, each of which may tell two and goes on after the one before.
  std::vector<std::string> ToldBy(int searches) {
    std::vector<std::string> told;
    std::string after;
    for (int i = 0; i < searches; ++i) {
      const FoundNotices found = FindTroubledVolumes(ledger_, after, 2);
      EXPECT_LE(found.notices.size(), 2U);
      for (const Notice& notice : found.notices) told.push_back(notice.claim.meta.key.name);
      after = found.last;
    }
    return told;
  }
  void Apply(const Event& event) { ledger_.Apply(event, now_); }
  void ReportState(PoolState state) {
    PoolReport pool = MakeLvmPool(10 * kGiB, {{"disk-" + MakeClaim(1, kGiB).meta.uid, kGiB},
                                              {"disk-" + MakeClaim(2, kGiB).meta.uid, kGiB},
                                              {"somebody-elses", kGiB}});
    pool.state = state;
    auto reported = MakeReport("n1", ++generation_, {std::move(pool)});
    Apply(reported);
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  int64_t generation_ = 0;
  Ledger ledger_{LedgerOptions{}};
};

TEST_F(VolumeHealthTest, EveryClaimOfAPoolInTroubleIsTold) {
  ReportState(PoolState::kUnhealthy);
  const std::vector<Notice> notices = FindTroubledVolumes(ledger_, "", kMany).notices;
  ASSERT_EQ(notices.size(), 2U);
  for (const Notice& notice : notices) {
    EXPECT_EQ(notice.reason, NoticeReason::kPoolInTrouble);
    EXPECT_NE(notice.message.find("disk-" + notice.claim.meta.uid), std::string::npos);
    EXPECT_NE(notice.message.find("on node n1, which is unhealthy"), std::string::npos)
        << notice.message;
  }
  EXPECT_NE(notices[0].claim.meta.uid, notices[1].claim.meta.uid);
}

TEST_F(VolumeHealthTest, StatesThatAreTrouble) {
  for (const PoolState state : {PoolState::kInactive, PoolState::kReadOnly}) {
    ReportState(state);
    EXPECT_EQ(FindTroubledVolumes(ledger_, "", kMany).notices.size(), 2U) << PoolStateName(state);
  }
  for (const PoolState state : {PoolState::kOk, PoolState::kLabelLess, PoolState::kUnknown}) {
    ReportState(state);
    EXPECT_TRUE(FindTroubledVolumes(ledger_, "", kMany).notices.empty()) << PoolStateName(state);
  }
}

// One of five is on a node of its own, whose name begins as the other's does.
TEST_F(VolumeHealthTest, MoreThanMayBeToldAtATimeTakeTurns) {
  std::vector<VolumeReport> volumes;
  for (int number = 1; number <= 4; ++number) {
    Apply(Seen<Claim>{MakeClaim(number, kGiB)});
    volumes.push_back({"disk-" + MakeClaim(number, kGiB).meta.uid, kGiB});
  }
  Apply(Seen<Claim>{MakeClaim(5, kGiB)});
  PoolReport pool = MakeLvmPool(10 * kGiB, volumes);
  pool.state = PoolState::kReadOnly;
  Apply(MakeReport("n1", 1, {pool}));
  pool.volumes = {{"disk-" + MakeClaim(5, kGiB).meta.uid, kGiB}};
  Apply(MakeReport("n1-2", 1, {pool}));
  EXPECT_EQ(ToldBy(3), (std::vector<std::string>{"claim-1", "claim-2", "claim-3", "claim-4",
                                                 "claim-5", "claim-1"}));
}

TEST_F(VolumeHealthTest, NobodyIsToldTwiceInOneSearch) {
  ReportState(PoolState::kUnhealthy);
  const FoundNotices found = FindTroubledVolumes(ledger_, "", 1);
  EXPECT_EQ(FindTroubledVolumes(ledger_, found.last, kMany).notices.size(), 2U);
}

TEST_F(VolumeHealthTest, AClaimWhoseVolumeIsGoneIsTold) {
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n1";
  claim.volume_name = "pvc-1";
  claim.capacity_bytes = kGiB;
  Apply(Seen<Claim>{claim});
  ReportState(PoolState::kOk);
  Apply(MakeReport("n1", ++generation_, {MakeLvmPool(10 * kGiB)}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(FindMissingVolumes(ledger_, "", kMany).notices.empty()) << "no drift yet";
    ledger_.LookForDrift(now_, 10);
    now_ += absl::Minutes(1);
    Apply(AgentConfirmed{"n1"});
  }
  const FoundNotices found = FindMissingVolumes(ledger_, "", kMany);
  ASSERT_EQ(found.notices.size(), 1U);
  EXPECT_EQ(found.notices[0].claim.meta.key.name, "claim-1");
  EXPECT_EQ(found.notices[0].reason, NoticeReason::kVolumeMissing);
  EXPECT_EQ(
      found.notices[0].message,
      "the claim's volume is not in what node n1 reports; if nothing was renamed, disabled or "
      "taken out there, its data is gone");
  EXPECT_EQ(FindMissingVolumes(ledger_, found.last, kMany).notices.size(), 1U) << "in turn";
}

class GrowthTest : public VolumeHealthTest {
 protected:
  // Both have a volume of 1 GiB in a pool of 10 GiB, and ask for so much.
  GrowthTest() { ReportState(PoolState::kOk); }
  void AskFor(int number, int64_t bytes) {
    Claim claim = MakeClaim(number, bytes);
    claim.selected_node = "n1";
    claim.volume_name = "pvc-" + claim.meta.uid;
    claim.capacity_bytes = kGiB;
    Apply(Seen<Claim>{claim});
  }
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const Notice& notice : FindUnmetGrowth(ledger_, "", kMany).notices) {
      EXPECT_EQ(notice.reason, NoticeReason::kNoRoomToGrow);
      told.push_back(notice.claim.meta.key.name + ": " + notice.message);
    }
    return told;
  }
};

TEST_F(GrowthTest, AClaimThatItsPoolHasNoRoomForIsTold) {
  PoolReport pool = MakeLvmPool(10 * kGiB, {{"disk-" + Uid(1), kGiB}, {"disk-" + Uid(2), kGiB}});
  Apply(MakeReport("n1", 9, {pool}));
  AskFor(1, 9 * kGiB);
  AskFor(2, kGiB);
  EXPECT_EQ(Told(), std::vector<std::string>());
  AskFor(2, 9 * kGiB + 1);
  EXPECT_EQ(Told(), std::vector<std::string>{
                        "claim-2: the volume is to grow by 8594128896 bytes, and "
                        "lvm/pmemvgregion0 on node n1 has 8589934592 left: ask for less, or make "
                        "room"});
}

// Of the pool's 10 GiB 5 are left.
class BegunGrowthTest : public GrowthTest {
 protected:
  BegunGrowthTest() {
    Apply(MakeReport(
        "n1", 9,
        {MakeLvmPool(10 * kGiB, {{"disk-" + Uid(1), kGiB}, {"disk-" + Uid(2), 4 * kGiB}})}));
  }
  // The resizer writes it to the PersistentVolume whether there is room or not.
  void Begin(int64_t bytes) {
    const Claim claim = MakeClaim(1, kGiB);
    PersistentVolume volume = MakeVolumeByHand("n1", bytes);
    volume.meta.key.name = "pvc-" + claim.meta.uid;
    volume.is_ours = true;
    volume.csi_volume_handle = "disk-" + claim.meta.uid;
    volume.claim = claim.meta.key;
    volume.claim_uid = claim.meta.uid;
    Apply(Seen<PersistentVolume>{volume});
  }
  size_t Expansions() const { return ledger_.nodes().Find("n1")->expansions.size(); }

  const std::string kept_ =
      "claim-1: the volume is to grow by 8589934592 bytes, and lvm/pmemvgregion0 on node n1 has "
      "5368709120 left: make room; its PersistentVolume keeps the size 9663676416, also when less "
      "is asked for";
};

TEST_F(BegunGrowthTest, AClaimThatAsksForLessTooLateIsToldAsLongAsTheLedgerCountsIt) {
  AskFor(1, 9 * kGiB);
  ASSERT_EQ(Told().size(), 1U);
  EXPECT_NE(Told()[0].find("left: ask for less, or make room"), std::string::npos) << Told()[0];
  Begin(9 * kGiB);
  EXPECT_EQ(Told(), std::vector<std::string>{kept_});
  for (const int64_t bytes : {2 * kGiB, kGiB}) {
    AskFor(1, bytes);
    EXPECT_EQ(Told(), std::vector<std::string>{kept_});
    EXPECT_EQ(Expansions(), 1U);
  }
  Apply(MakeReport("n1", 10, {MakeLvmPool(10 * kGiB, {{"disk-" + Uid(1), kGiB}})}));
  EXPECT_EQ(Told(), std::vector<std::string>()) << "there is room";
}

TEST_F(BegunGrowthTest, ASizeThatNoVolumeThereCanHaveIsUndoneByAskingForLess) {
  AskFor(1, 12 * kGiB);
  Begin(12 * kGiB);
  ASSERT_EQ(Told().size(), 1U);
  EXPECT_NE(Told()[0].find("left: ask for less, or make room"), std::string::npos) << Told()[0];
  AskFor(1, kGiB);
  EXPECT_EQ(Told(), std::vector<std::string>());
  EXPECT_EQ(Expansions(), 0U);
}

TEST_F(BegunGrowthTest, AskingForLessHelpsWhereThereIsRoomForWhatWasBegun) {
  Begin(3 * kGiB);
  AskFor(1, 9 * kGiB);
  ASSERT_EQ(Told().size(), 1U);
  EXPECT_NE(Told()[0].find("left: ask for less, or make room"), std::string::npos) << Told()[0];
}

TEST_F(BegunGrowthTest, NothingIsSaidOfTheRoomOfAPoolThatGivesNone) {
  AskFor(1, 9 * kGiB);
  for (const PoolState state : {PoolState::kOk, PoolState::kUnknown, PoolState::kInactive,
                                PoolState::kReadOnly, PoolState::kUnhealthy}) {
    PoolReport pool = MakeLvmPool(10 * kGiB, {{"disk-" + Uid(1), kGiB}});
    pool.state = state;
    pool.available_bytes = 0;
    Apply(MakeReport("n1", ++generation_ + 9, {pool}));
    EXPECT_EQ(Told().size(), state == PoolState::kOk ? 1U : 0U) << PoolStateName(state);
  }
}

TEST_F(BegunGrowthTest, AClaimThatIsBeingDeletedIsToldNothing) {
  AskFor(1, 9 * kGiB);
  ASSERT_EQ(Told().size(), 1U);
  Claim claim = *ledger_.cache().FindClaim(Uid(1));
  claim.meta.is_deleting = true;
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(Told(), std::vector<std::string>());
}

TEST_F(GrowthTest, ALookEndsAfterSoManyClaimsAndGoesOn) {
  std::vector<Claim> claims;
  for (int i = 1; i <= static_cast<int>(kGrowthLooksMax) + 1; ++i)
    claims.push_back(MakeClaim(i, kGiB));
  Apply(Relisted<Claim>{claims});
  const FoundNotices first = FindUnmetGrowth(ledger_, "", kMany);
  EXPECT_EQ(first.last, Uid(static_cast<int>(kGrowthLooksMax)));
  EXPECT_EQ(FindUnmetGrowth(ledger_, first.last, kMany).last, "");
}

}  // namespace
}  // namespace pmem::extender
