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
  const std::vector<Notice> notices = FindTroubledVolumes(ledger_, kMany);
  ASSERT_EQ(notices.size(), 2U);
  for (const Notice& notice : notices) {
    EXPECT_EQ(notice.reason, NoticeReason::kPoolInTrouble);
    EXPECT_NE(notice.message.find("disk-" + notice.claim.meta.uid), std::string::npos);
    EXPECT_NE(notice.message.find("on node n1, which is unhealthy"), std::string::npos)
        << notice.message;
  }
  EXPECT_NE(notices[0].claim.meta.uid, notices[1].claim.meta.uid);
  EXPECT_EQ(FindTroubledVolumes(ledger_, 1).size(), 1U);
}

TEST_F(VolumeHealthTest, StatesThatAreTrouble) {
  for (const PoolState state : {PoolState::kInactive, PoolState::kReadOnly}) {
    ReportState(state);
    EXPECT_EQ(FindTroubledVolumes(ledger_, kMany).size(), 2U) << PoolStateName(state);
  }
  for (const PoolState state : {PoolState::kOk, PoolState::kLabelLess, PoolState::kUnknown}) {
    ReportState(state);
    EXPECT_TRUE(FindTroubledVolumes(ledger_, kMany).empty()) << PoolStateName(state);
  }
}

}  // namespace
}  // namespace pmem::extender
