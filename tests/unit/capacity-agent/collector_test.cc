// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/collector.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "common/pure/units.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_pool_reader.h"

namespace pmem::agent {
namespace {

class CollectorTest : public testing::Test {
 protected:
  CollectorTest() {
    SetGroupFree(3 * kGiB);
    regions_.answer = DeviceState{
        .regions = {{.name = "region1", .total_bytes = 4 * kGiB, .alignment_bytes = 16 * kMiB}}};
    std::vector<std::unique_ptr<PoolReader>> readers;
    readers.push_back(std::make_unique<FakePoolReader>("ndctl", &regions_));
    readers.push_back(std::make_unique<FakePoolReader>("lvm", &groups_));
    collector_ = std::make_unique<Collector>(
        Collector::Options{.builder = {.node = "n1",
                                       .boot_id = "b0",
                                       .first_generation = 100,
                                       .volume_groups = NamePatterns("*"),
                                       .regions = NamePatterns("*")},
                           .resync = absl::Seconds(60),
                           .observer =
                               [this](const ScanOutcome& outcome) {
                                 scans_.push_back(std::string(outcome.source) +
                                                  (outcome.is_ok ? " ok" : " error"));
                                 if (on_scan_) on_scan_(outcome);
                               }},
        std::move(readers), clock_, &store_);
  }

  void SetGroupFree(int64_t available_bytes) {
    groups_.answer = DeviceState{.volume_groups = {{.name = "pmemvgregion0",
                                                    .total_bytes = 8 * kGiB,
                                                    .available_bytes = available_bytes,
                                                    .extent_bytes = 4 * kMiB}}};
  }
  const PoolReport& Pool(size_t index) const { return store_.Current()->report.pools.at(index); }

  FakeClock clock_;
  ReportStore store_;
  FakeDevices regions_;
  FakeDevices groups_;
  std::vector<std::string> scans_;
  std::function<void(const ScanOutcome&)> on_scan_;
  std::unique_ptr<Collector> collector_;
};

TEST_F(CollectorTest, TheFirstTickPublishesAllSources) {
  collector_->Tick();
  const CapacityReport& report = store_.Current()->report;
  EXPECT_EQ(report.generation, 100);
  EXPECT_EQ(report.observed_at, clock_.WallNow());
  ASSERT_EQ(report.pools.size(), 2u);
  EXPECT_EQ(report.pools[0].id, "direct/region1");
  EXPECT_EQ(report.pools[1].available_bytes, 3 * kGiB);
  EXPECT_EQ(scans_, (std::vector<std::string>{"ndctl ok", "lvm ok"}));
}

TEST_F(CollectorTest, NothingIsReadAgainBeforeItIsDue) {
  collector_->Tick();
  clock_.Advance(absl::Seconds(59));
  collector_->Tick();
  EXPECT_EQ(groups_.reads, 1);
  clock_.Advance(absl::Seconds(1));
  collector_->Tick();
  EXPECT_EQ(groups_.reads, 2);
}

TEST_F(CollectorTest, AChangeIsReadAtTheNextTickAndOnce) {
  collector_->Tick();
  SetGroupFree(2 * kGiB);
  collector_->Changed();
  collector_->Tick();
  collector_->Tick();
  EXPECT_EQ(groups_.reads, 2);
  EXPECT_EQ(Pool(1).available_bytes, 2 * kGiB);
  EXPECT_EQ(store_.Current()->report.generation, 101);
}

TEST_F(CollectorTest, TheReportIsBehindUntilAllSourcesHaveReadAChange) {
  collector_->Tick();
  EXPECT_FALSE(store_.IsBehind());
  collector_->Changed();
  EXPECT_TRUE(store_.IsBehind());
  collector_->TickSource(0);
  EXPECT_TRUE(store_.IsBehind()) << "LVM is slow";
  groups_.answer = absl::UnavailableError("no lvm");  // The report says so.
  collector_->TickSource(1);
  EXPECT_FALSE(store_.IsBehind());
}

TEST_F(CollectorTest, WhatCannotBeReadIsWaitedForByNobody) {
  collector_->Tick();
  groups_.answer = absl::UnavailableError("no lvm");
  collector_->Changed();
  collector_->Tick();
  collector_->Changed();
  collector_->TickSource(0);
  EXPECT_FALSE(store_.IsBehind()) << "LVM hangs, and its pools are unknown";
  // It began to answer before the next change, which is a LogicalVolume.
  SetGroupFree(2 * kGiB);
  on_scan_ = [this](const ScanOutcome& outcome) {
    if (outcome.source != "lvm") return;
    collector_->Changed();
    on_scan_ = nullptr;
    collector_->TickSource(0);
    EXPECT_FALSE(store_.IsBehind());
  };
  collector_->TickSource(1);
  EXPECT_EQ(Pool(1).state, PoolState::kOk);
  EXPECT_TRUE(store_.IsBehind());
  collector_->TickSource(1);
  EXPECT_FALSE(store_.IsBehind());
}

// A direct volume and a LogicalVolume are made at once; the regions are slow.
TEST_F(CollectorTest, NewsOfOneSourceIsHeldUntilTheOtherIsReadToo) {
  collector_->Tick();
  std::vector<int64_t> heard;
  store_.Wait(100, absl::InfiniteFuture(), [&heard](const ReportStore::Snapshot& newest, bool) {
    heard.push_back(newest->report.generation);
  });
  SetGroupFree(2 * kGiB);
  collector_->Changed();
  collector_->TickSource(1);
  EXPECT_EQ(store_.Current()->report.generation, 101);
  EXPECT_TRUE(heard.empty());
  regions_.answer->regions[0].label_slots_free = 7;
  collector_->TickSource(0);
  EXPECT_EQ(heard, std::vector<int64_t>{102});
}

TEST_F(CollectorTest, AChangeDuringAReadingIsOneToCome) {
  collector_->Tick();
  on_scan_ = [this](const ScanOutcome& outcome) {
    if (outcome.source == "lvm") collector_->Changed();
  };
  collector_->Changed();
  collector_->Tick();
  on_scan_ = nullptr;
  EXPECT_TRUE(store_.IsBehind());
  collector_->Tick();
  EXPECT_FALSE(store_.IsBehind());
}

TEST_F(CollectorTest, ASourceThatHangsShowsThoughTheOthersAreRead) {
  collector_->Tick();
  const absl::Time first = clock_.SteadyNow();
  clock_.Advance(absl::Seconds(3));
  collector_->TickSource(0);
  EXPECT_EQ(store_.health().tick_started, first);
}

// `ndctl disable-namespace`, with LVM read first.
TEST_F(CollectorTest, AVolumeGroupThatIsHiddenStays) {
  auto& namespaces = regions_.answer->regions[0].nvdimm_namespaces;
  namespaces = {{.device_name = "namespace1.0", .bytes = 4 * kGiB, .block_device = "pmem1"}};
  groups_.answer->volume_groups[0].block_devices = {"pmem1"};
  collector_->Tick();
  clock_.Advance(absl::Seconds(1));
  collector_->Changed();
  groups_.answer->volume_groups.clear();
  collector_->TickSource(1);
  namespaces[0].block_device = "";
  namespaces[0].is_disabled = true;
  for (int i = 0; i < 2; ++i) {
    collector_->Changed();
    collector_->Tick();
    clock_.Advance(absl::Seconds(1));
    ASSERT_EQ(store_.Current()->report.pools.size(), 1u);
    EXPECT_EQ(Pool(0).id, "lvm/pmemvgregion0");
    EXPECT_EQ(Pool(0).state, PoolState::kInactive);
    EXPECT_EQ(Pool(0).available_bytes, 3 * kGiB);
  }
}

// `vgremove`, and somebody sets the wall clock before the next reading.
TEST_F(CollectorTest, AVolumeGroupThatIsGoneGoesThoughTheClockIsSetBack) {
  regions_.answer->regions[0].nvdimm_namespaces = {
      {.device_name = "namespace1.0", .bytes = 4 * kGiB, .block_device = "pmem1"}};
  groups_.answer->volume_groups[0].block_devices = {"pmem1"};
  collector_->Tick();
  groups_.answer->volume_groups.clear();
  clock_.Advance(absl::Seconds(1));
  collector_->Changed();
  collector_->Tick();
  EXPECT_EQ(Pool(0).id, "lvm/pmemvgregion0");
  EXPECT_EQ(Pool(0).state, PoolState::kInactive);
  clock_.SetBack(absl::Hours(1));
  clock_.Advance(absl::Seconds(1));
  collector_->Changed();
  collector_->Tick();
  ASSERT_EQ(store_.Current()->report.pools.size(), 1u);
  EXPECT_EQ(Pool(0).id, "direct/region1");
}

TEST_F(CollectorTest, OnlyTheSourceThatFailedIsTriedAgainSoon) {
  groups_.answer = absl::UnavailableError("no lvm");
  collector_->Tick();
  clock_.Advance(kRetryPeriod);
  collector_->Tick();
  EXPECT_EQ(groups_.reads, 2);
  EXPECT_EQ(regions_.reads, 1);
}

TEST_F(CollectorTest, AReportIsPublishedAfterEachReading) {
  collector_->Tick();
  const absl::Time first = clock_.WallNow();
  clock_.Advance(absl::Seconds(1));
  regions_.answer->regions[0].label_slots_free = 7;
  ReportStore::Snapshot before_lvm;
  on_scan_ = [this, &before_lvm](const ScanOutcome& outcome) {
    if (outcome.source == "lvm") before_lvm = store_.Current();
  };
  collector_->Changed();
  collector_->Tick();
  ASSERT_NE(before_lvm, nullptr);
  EXPECT_EQ(before_lvm->report.generation, 101);
  EXPECT_EQ(before_lvm->report.pools[0].label_slots_free, 7);
  // It is as old as its oldest part.
  EXPECT_EQ(before_lvm->report.observed_at, first);
  EXPECT_EQ(store_.Current()->report.generation, 101);
  EXPECT_EQ(store_.Current()->report.observed_at, clock_.WallNow());
}

TEST_F(CollectorTest, HalfANodeIsNotPublished) {
  groups_.answer = absl::UnavailableError("no lvm");
  collector_->Tick();
  EXPECT_EQ(store_.Current(), nullptr);
  const CollectorHealth health = store_.health();
  ASSERT_EQ(health.sources.size(), 2u);
  EXPECT_TRUE(health.sources[0].has_succeeded);
  EXPECT_FALSE(health.sources[1].has_succeeded);
  EXPECT_EQ(health.sources[1].last_error, "no lvm");
}

TEST_F(CollectorTest, AReportIsAsOldAsItsLastGoodReadings) {
  collector_->Tick();
  const absl::Time good = clock_.WallNow();
  clock_.Advance(absl::Seconds(60));
  groups_.answer = absl::UnavailableError("no lvm");
  collector_->Tick();
  EXPECT_EQ(Pool(1).state, PoolState::kUnknown);
  EXPECT_EQ(store_.Current()->report.observed_at, good);
  clock_.Advance(kRetryPeriod);
  SetGroupFree(kGiB);
  collector_->Tick();
  EXPECT_EQ(store_.Current()->report.observed_at, clock_.WallNow() - kRetryPeriod)
      << "when the regions were read";
}

TEST_F(CollectorTest, AFailedReadingIsTriedAgainSoon) {
  groups_.answer = absl::UnavailableError("no lvm");
  collector_->Tick();
  SetGroupFree(kGiB);
  clock_.Advance(kRetryPeriod - absl::Nanoseconds(1));
  collector_->Tick();
  EXPECT_EQ(store_.Current(), nullptr);
  clock_.Advance(absl::Nanoseconds(1));
  collector_->Tick();
  EXPECT_EQ(Pool(1).available_bytes, kGiB);
  EXPECT_LE(collector_->tick_period(), kRetryPeriod);
}

TEST_F(CollectorTest, ASourceThatFailsLaterKeepsItsNumbersAndLosesItsState) {
  collector_->Tick();
  groups_.answer = absl::DeadlineExceededError("no end after 10s");
  collector_->Changed();
  collector_->Tick();
  EXPECT_EQ(Pool(0).state, PoolState::kOk);
  EXPECT_EQ(Pool(1).state, PoolState::kUnknown);
  EXPECT_EQ(Pool(1).available_bytes, 3 * kGiB);
  const CapacityReport& report = store_.Current()->report;
  EXPECT_EQ(report.generation, 101);
  ASSERT_EQ(report.errors.size(), 2u);
  EXPECT_EQ(report.errors[0], (ReportError{"lvm", "no end after 10s"}));

  SetGroupFree(3 * kGiB);
  clock_.Advance(kRetryPeriod);
  collector_->Tick();
  EXPECT_EQ(Pool(1).state, PoolState::kOk);
  EXPECT_TRUE(store_.Current()->report.errors.empty());
}

TEST_F(CollectorTest, EveryTickShowsThatTheLoopTurns) {
  collector_->Tick();
  clock_.Advance(absl::Seconds(3));
  collector_->Tick();
  EXPECT_EQ(store_.health().tick_started, clock_.SteadyNow());
}

}  // namespace
}  // namespace pmem::agent
