// SPDX-License-Identifier: Apache-2.0
#include "extender/core/drift.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "common/pure/names.h"
#include "extender/core/ledger.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

// One node of 10 GiB with a claim of 4 GiB that is bound there and listed. Everything else is said
// by the test; nothing differs at first.
class DriftTest : public testing::Test {
 protected:
  DriftTest() {
    claim_.selected_node = "n1";
    claim_.volume_name = "pvc-" + claim_.meta.uid;
    claim_.capacity_bytes = 4 * kGiB;
    Begin();
    Report({{Name(claim_), 4 * kGiB}});
  }

  void Begin() {
    const ClusterLists lists = {
        .claims = {claim_}, .volumes = {VolumeOf(claim_)}, .agents = {"n1"}};
    for (const Event& event : ListsOf(lists)) Apply(event);
  }

  static PersistentVolume VolumeOf(const Claim& claim) {
    PersistentVolume volume;
    volume.meta.key.name = claim.volume_name;
    volume.is_ours = true;
    volume.csi_volume_handle = Name(claim);
    volume.claim_uid = claim.meta.uid;
    volume.capacity_bytes = claim.capacity_bytes;
    volume.is_taken = true;
    return volume;
  }
  static std::string Name(const Claim& claim) { return "disk-" + claim.meta.uid; }

  void Apply(const Event& event) {
    ledger_->Apply(event, now_);
    ledger_->Expire(now_);
    ASSERT_EQ(ledger_->CheckInvariants(now_), absl::OkStatus());
  }
  void Report(std::vector<VolumeReport> volumes) {
    ReportPool(MakeLvmPool(10 * kGiB, std::move(volumes)));
  }
  void ReportPool(PoolReport pool) { Apply(MakeReport("n1", ++generation_, {std::move(pool)})); }

  // The agent answers all the time, and there is a look every second. What has changed.
  std::vector<DriftChange> Pass(absl::Duration duration) {
    std::vector<DriftChange> changes;
    for (const absl::Time end = now_ + duration; now_ < end; now_ += absl::Seconds(1)) {
      Apply(AgentConfirmed{"n1"});
      ledger_->Expire(now_);
      for (const DriftChange& change : ledger_->LookForDrift(now_, 10)) changes.push_back(change);
      EXPECT_EQ(ledger_->CheckInvariants(now_), absl::OkStatus());
    }
    return changes;
  }
  using Changes = std::vector<DriftChange>;
  static constexpr absl::Duration kLong = absl::Seconds(35);

  int64_t SumOfCounts() const {
    int64_t sum = 0;
    for (const DriftKind kind : kDriftKinds) sum += ledger_->drifts().Count(kind);
    return sum;
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  int64_t generation_ = 0;
  Claim claim_ = MakeClaim(1, 4 * kGiB);
  std::unique_ptr<Ledger> ledger_ = std::make_unique<Ledger>(LedgerOptions{});
};

TEST_F(DriftTest, WhatAgreesIsNoDrift) {
  EXPECT_EQ(Pass(absl::Minutes(2)), Changes{});
  EXPECT_EQ(ledger_->drifts().Find("n1"), nullptr);
}

TEST_F(DriftTest, AVolumeThatSomebodyDeletedIsMissingUntilItIsBack) {
  Report(std::vector<VolumeReport>{});
  const Drift missing{DriftKind::kVolumeMissing, claim_.meta.uid, 4 * kGiB, 0};
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", missing, true}}));
  EXPECT_EQ(ledger_->drifts().Count(DriftKind::kVolumeMissing), 1);
  Report({{Name(claim_), 4 * kGiB}});
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", missing, false}}));
  EXPECT_EQ(SumOfCounts(), 0);
}

TEST_F(DriftTest, WhatIsUnderWayIsNoDrift) {
  Report(std::vector<VolumeReport>{});
  EXPECT_EQ(Pass(absl::Seconds(28)), Changes{});
  Report({{Name(claim_), 4 * kGiB}});
  EXPECT_EQ(Pass(absl::Seconds(28)), Changes{});
  Report(std::vector<VolumeReport>{});
  EXPECT_EQ(Pass(absl::Seconds(28)), Changes{});  // Not added up.
}

TEST_F(DriftTest, AClaimOnItsWayOutIsNotMissed) {
  Claim leaving = claim_;
  leaving.meta.is_deleting = true;
  Apply(Seen<Claim>{leaving});
  Report(std::vector<VolumeReport>{});
  EXPECT_EQ(Pass(kLong), Changes{});
}

// A new process finds the claim bound and its volume gone: it keeps its room only until it is sure.
TEST_F(DriftTest, AMissingVolumeIsGivenUpOnceTheReportIsSure) {
  ledger_ = std::make_unique<Ledger>(LedgerOptions{});
  Begin();
  Report(std::vector<VolumeReport>{});
  EXPECT_EQ(Pass(absl::Seconds(28)), Changes{});
  EXPECT_TRUE(ledger_->FindPlace(claim_.meta.uid)->is_counted);
  EXPECT_EQ(Pass(kLong).size(), 1U);
  EXPECT_FALSE(ledger_->FindPlace(claim_.meta.uid)->is_counted);
}

// Also where agents may be silent for longer than a drift takes to begin.
TEST_F(DriftTest, NothingIsGivenUpWhileTheAgentIsSilent) {
  ledger_ = std::make_unique<Ledger>(LedgerOptions{.agent_silence_max = absl::Hours(1)});
  Begin();
  Report(std::vector<VolumeReport>{});
  for (int i = 0; i < 600; ++i) {
    now_ += absl::Seconds(1);
    EXPECT_EQ(ledger_->LookForDrift(now_, 10), Changes{});
  }
}

TEST_F(DriftTest, APoolThatCannotBeReadHasNoMissingVolumes) {
  PoolReport pool = MakeLvmPool(10 * kGiB);
  pool.state = PoolState::kUnhealthy;
  pool.volume_bytes_max = 0;
  ReportPool(pool);
  EXPECT_EQ(Pass(kLong), Changes{});
}

TEST_F(DriftTest, AVolumeWhosePoolIsGoneIsNotTakenForADeletedOne) {
  Apply(MakeReport("n1", ++generation_, {}));
  EXPECT_EQ(Pass(kLong), Changes{});
  ReportPool(MakeDirectPool({{0, 8 * kGiB}}));
  EXPECT_EQ(Pass(kLong), Changes{});
}

TEST_F(DriftTest, ADisabledRegionMayHideVolumeGroupsButNoVolumeGroupHidesARegion) {
  PoolReport region = MakeDirectPool({}, "region7");
  region.state = PoolState::kInactive;
  Apply(MakeReport("n1", ++generation_, {region, MakeLvmPool(10 * kGiB)}));
  EXPECT_EQ(Pass(kLong), Changes{});
  region.state = PoolState::kOk;
  Apply(MakeReport("n1", ++generation_, {region, MakeLvmPool(10 * kGiB)}));
  EXPECT_EQ(Pass(kLong).size(), 1U);
}

// A new process, and a failed region beside a healthy one: what may lie in it takes no room here.
TEST_F(DriftTest, AVolumeThatMayBeHiddenIsGivenUpAndNotTold) {
  ledger_ = std::make_unique<Ledger>(LedgerOptions{});
  Begin();
  PoolReport hidden = MakeLvmPool(10 * kGiB, {}, "pmemvgregion1");
  hidden.state = PoolState::kInactive;
  hidden.volume_bytes_max = 0;
  Apply(MakeReport("n1", ++generation_, {MakeLvmPool(10 * kGiB), hidden}));
  EXPECT_EQ(Pass(absl::Seconds(28)), Changes{});
  EXPECT_FALSE(ledger_->nodes().Find("n1")->assigned.empty());
  EXPECT_EQ(Pass(kLong), Changes{});
  EXPECT_TRUE(ledger_->nodes().Find("n1")->assigned.empty());
  EXPECT_EQ(SumOfCounts(), 0);
  // It is back, and has the volume.
  Apply(MakeReport("n1", ++generation_,
                   {MakeLvmPool(10 * kGiB),
                    MakeLvmPool(10 * kGiB, {{Name(claim_), 4 * kGiB}}, "pmemvgregion1")}));
  EXPECT_EQ(Pass(kLong), Changes{});
  EXPECT_EQ(FreeBytes(ledger_->nodes().Find("n1")->room, PoolKind::kLvm), 16 * kGiB);
}

TEST_F(DriftTest, AVolumeThatNobodyClaimsIsTold) {
  const std::string stranger = "disk-" + Uid(9);
  Report({{Name(claim_), 4 * kGiB}, {stranger, kGiB}, {"by-hand", kGiB}});
  const Drift unclaimed{DriftKind::kVolumeUnclaimed, stranger, 0, kGiB};
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", unclaimed, true}}));
  Report({{Name(claim_), 4 * kGiB}});
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", unclaimed, false}}));
}

// On a full node nothing new is made that would remove it first.
TEST_F(DriftTest, AHalfMadeVolumeThatNobodyClaimsIsTold) {
  const Claim making = MakeClaim(9, kGiB);
  const std::string name = "new-" + Name(making);
  Report({{Name(claim_), 4 * kGiB}, {name, kGiB}});
  const Drift unclaimed{DriftKind::kVolumeUnclaimed, name, 0, kGiB};
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", unclaimed, true}}));
  Claim pinned = making;
  pinned.selected_node = "n1";
  Apply(Seen<Claim>{pinned});
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", unclaimed, false}}));
}

TEST_F(DriftTest, AHalfRemovedVolumeIsClaimedByItsPersistentVolume) {
  Claim old = MakeClaim(9, kGiB);
  old.volume_name = "pvc-" + old.meta.uid;
  Apply(Seen<PersistentVolume>{VolumeOf(old)});
  Report({{Name(claim_), 4 * kGiB}, {"new-" + Name(old), kGiB}});
  EXPECT_EQ(Pass(kLong), Changes{});
}

TEST_F(DriftTest, AVolumeThatAPersistentVolumeKeepsIsClaimed) {
  Claim old = MakeClaim(9, kGiB);
  old.volume_name = "pvc-" + old.meta.uid;
  PersistentVolume kept = VolumeOf(old);
  Apply(Seen<PersistentVolume>{kept});
  Report({{Name(claim_), 4 * kGiB}, {Name(old), kGiB}});
  EXPECT_EQ(Pass(kLong), Changes{});
  Apply(Gone<PersistentVolume>{kept});
  EXPECT_EQ(Pass(kLong).size(), 1U);
}

TEST_F(DriftTest, AVolumeOfAClaimThatHasNoNodeIsElsewhere) {
  const Claim waiting = MakeClaim(2, kGiB);
  Apply(Seen<Claim>{waiting});
  Report({{Name(claim_), 4 * kGiB}, {Name(waiting), kGiB}});
  const Drift elsewhere{DriftKind::kVolumeElsewhere, Name(waiting), 0, kGiB};
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", elsewhere, true}}));
  Claim pinned = waiting;
  pinned.selected_node = "n1";
  Apply(Seen<Claim>{pinned});
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", elsewhere, false}}));
}

TEST_F(DriftTest, ASizeThatNobodyAskedForIsTold) {
  struct Case {
    const char* name;
    int64_t found_bytes;
    int64_t expected_bytes;  // 0: no drift.
  };
  const Case cases[] = {{"as told", 4 * kGiB, 0},
                        {"rounded up", 4 * kGiB + kTestAlignLvm, 0},
                        {"smaller than told", 3 * kGiB, 4 * kGiB},
                        {"larger than asked for", 5 * kGiB, 4 * kGiB}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Report({{Name(claim_), c.found_bytes}});
    Changes expected;
    if (c.expected_bytes > 0) {
      expected = {
          {"n1", {DriftKind::kSizeDiffers, Name(claim_), c.expected_bytes, c.found_bytes}, true}};
    }
    EXPECT_EQ(Pass(kLong), expected);
    Report({{Name(claim_), 4 * kGiB}});
    Pass(absl::Seconds(2));
  }
}

TEST_F(DriftTest, AnExpansionThatWaitsIsNoDrift) {
  Claim wider = claim_;
  wider.requested_bytes = 6 * kGiB;
  Apply(Seen<Claim>{wider});
  EXPECT_EQ(Pass(kLong), Changes{});  // Asked for.
  Report({{Name(claim_), 6 * kGiB}});
  EXPECT_EQ(Pass(kLong), Changes{});  // Done, and not written to the claim yet.
}

TEST_F(DriftTest, SpaceThatNoVolumeExplainsIsTold) {
  struct Case {
    const char* name;
    int64_t available_bytes;
  };
  for (const Case& c : {Case{"less is free", 2 * kGiB}, Case{"more is free", 8 * kGiB}}) {
    SCOPED_TRACE(c.name);
    PoolReport pool = MakeLvmPool(10 * kGiB, {{Name(claim_), 4 * kGiB}});
    pool.available_bytes = pool.volume_bytes_max = c.available_bytes;
    ReportPool(pool);
    const Drift drift{DriftKind::kSpaceUnexplained, pool.id, 6 * kGiB, c.available_bytes};
    EXPECT_EQ(Pass(kLong), (Changes{{"n1", drift, true}}));
    Report({{Name(claim_), 4 * kGiB}});
    EXPECT_EQ(Pass(kLong), (Changes{{"n1", drift, false}}));
  }
}

// More than a sum of them can say.
TEST_F(DriftTest, VolumesBeyondAllReasonLeaveNoSpaceToExplain) {
  PoolReport pool = MakeLvmPool(10 * kGiB);
  pool.volumes = {{Name(claim_), 4 * kGiB},
                  {"by-hand-1", kBytesMax},
                  {"by-hand-2", kBytesMax},
                  {"by-hand-3", kBytesMax},
                  {"by-hand-4", kBytesMax}};
  pool.available_bytes = pool.volume_bytes_max = 6 * kGiB;
  ReportPool(pool);
  const Drift drift{DriftKind::kSpaceUnexplained, pool.id, 0, 6 * kGiB};
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", drift, true}}));
}

TEST_F(DriftTest, MorePromisedThanThereIsIsTold) {
  Claim pinned = MakeClaim(2, 8 * kGiB);
  pinned.selected_node = "n1";
  Apply(Seen<Claim>{pinned});
  const Drift overbooked{DriftKind::kOverbooked, "", 8 * kGiB, 6 * kGiB};
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", overbooked, true}}));
  Apply(Gone<Claim>{pinned});
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", overbooked, false}}));
}

// Its report has what was there before.
TEST_F(DriftTest, OfAPoolThatCannotBeReadNothingIsTold) {
  Claim pinned = MakeClaim(2, 8 * kGiB);
  pinned.selected_node = "n1";
  Apply(Seen<Claim>{pinned});
  claim_.capacity_bytes = claim_.requested_bytes = 5 * kGiB;
  Apply(Seen<Claim>{claim_});
  PoolReport pool = MakeLvmPool(10 * kGiB, {{Name(claim_), 4 * kGiB}, {"disk-" + Uid(9), kGiB}});
  for (const PoolState state : {PoolState::kUnknown, PoolState::kInactive}) {
    pool.state = state;
    ReportPool(pool);
    EXPECT_EQ(Pass(kLong), Changes{});
  }
  pool.state = PoolState::kOk;
  ReportPool(pool);
  std::vector<DriftKind> kinds;
  for (const DriftChange& change : Pass(kLong)) kinds.push_back(change.drift.kind);
  EXPECT_EQ(kinds, (std::vector{DriftKind::kVolumeUnclaimed, DriftKind::kSizeDiffers,
                                DriftKind::kOverbooked}));
}

// The other kind's can be read.
TEST_F(DriftTest, TooMuchIsPromisedOfAKindWhateverBecameOfTheOther) {
  Claim pinned = MakeClaim(2, kGiB, "pmem-direct");
  pinned.selected_node = "n1";
  Apply(Seen<Claim>{pinned});
  PoolReport unknown = MakeLvmPool(10 * kGiB, {{Name(claim_), 4 * kGiB}});
  unknown.state = PoolState::kUnknown;
  ReportPool(unknown);
  const Drift overbooked{DriftKind::kOverbooked, "", kGiB, 0};
  EXPECT_EQ(Pass(kLong), (Changes{{"n1", overbooked, true}}));
}

TEST_F(DriftTest, WhatIsToldOfANodeIsBoundedAndEndsWithTheNode) {
  std::vector<VolumeReport> volumes = {{Name(claim_), 4 * kGiB}};
  for (int i = 100; i < 200; ++i) volumes.push_back({"disk-" + Uid(i), kTestAlignLvm});
  Report(volumes);
  EXPECT_EQ(Pass(kLong).size(), DriftBook::kPerNodeMax);
  Apply(AgentsListed{});
  EXPECT_EQ(ledger_->LookForDrift(now_, 10).size(), DriftBook::kPerNodeMax);
  EXPECT_EQ(SumOfCounts(), 0);
}

// A region that was replaced, and a process that never saw what had been on it.
TEST_F(DriftTest, EachOfManyMissingVolumesIsGivenUp) {
  constexpr int kLost = 2 * static_cast<int>(DriftBook::kPerNodeMax);
  ledger_ = std::make_unique<Ledger>(LedgerOptions{});
  Begin();
  std::vector<VolumeReport> volumes;  // As many that nobody claims, which come later.
  for (int i = 0; i < kLost; ++i) {
    Claim lost = MakeClaim(100 + i, kTestAlignLvm);
    lost.selected_node = "n1";
    lost.volume_name = "pvc-" + lost.meta.uid;
    Apply(Seen<Claim>{lost});
    volumes.push_back({"disk-" + Uid(1000 + i), kTestAlignLvm});
  }
  Report(volumes);
  EXPECT_EQ(Pass(kLong).size(), 1 + kLost + DriftBook::kPerNodeMax);
  EXPECT_EQ(ledger_->drifts().Count(DriftKind::kVolumeMissing), 1 + kLost);
  for (int i = 0; i < kLost; ++i) {
    EXPECT_FALSE(ledger_->FindPlace(Uid(100 + i))->is_counted) << i;
  }
}

TEST_F(DriftTest, ANodeThatOnlyAPinNamedIsForgottenWithIt) {
  Claim pinned = MakeClaim(2, kGiB);
  pinned.selected_node = "typing-error";
  Apply(Seen<Claim>{pinned});
  Pass(kLong);
  EXPECT_NE(ledger_->nodes().Find("typing-error"), nullptr);
  Apply(Gone<Claim>{pinned});
  Pass(kLong);
  EXPECT_EQ(ledger_->nodes().Find("typing-error"), nullptr);
  EXPECT_NE(ledger_->nodes().Find("n1"), nullptr);
}

TEST_F(DriftTest, NodesAreLookedAtInTurn) {
  Apply(AgentsListed{{"n1", "n2", "n3"}});
  Report({{Name(claim_), 4 * kGiB}, {"disk-" + Uid(9), kGiB}});
  Changes changes;
  for (int i = 0; i < 120; ++i, now_ += absl::Seconds(1)) {
    Apply(AgentConfirmed{"n1"});
    for (const DriftChange& change : ledger_->LookForDrift(now_, 1)) changes.push_back(change);
  }
  EXPECT_EQ(changes.size(), 1U);
}

}  // namespace
}  // namespace pmem::extender
