// SPDX-License-Identifier: Apache-2.0
#include "extender/core/node_numbers.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

constexpr absl::Time kNow = absl::UnixEpoch();

class NodeNumbersTest : public testing::Test {
 protected:
  NodeNumbersTest() {
    Apply(Relisted<StorageClass>{{MakeClass("pmem-lvm")}});
    Apply(AgentsListed{{"n1"}});
    Apply(MakeReport("n1", 1, {MakeLvmPool(10 * kGiB)}));
  }

  void Apply(const Event& event) { ledger_.Apply(event, kNow); }

  NodeNumbers Numbers() const {
    return NumbersOf(ledger_, *ledger_.nodes().Find("n1"), PoolKind::kLvm, {}, "");
  }

  Ledger ledger_{LedgerOptions{}};
};

TEST_F(NodeNumbersTest, APromiseIsTakenOffWhatIsFree) {
  Claim claim = MakeClaim(1, 6 * kGiB);
  claim.selected_node = "n1";
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(Numbers().available_bytes, 10 * kGiB);
  EXPECT_EQ(Numbers().promised_bytes, 6 * kGiB);
  EXPECT_EQ(Numbers().free_bytes, 4 * kGiB);
  EXPECT_EQ(Numbers().held_bytes, 0);
}

// Else what is available would be gone, and no number say where.
TEST_F(NodeNumbersTest, WhatAVolumeIsToGrowByIsShownAsPromised) {
  Claim claim = MakeClaim(1, 2 * kGiB);
  claim.selected_node = "n1";
  claim.volume_name = "pvc-1";
  claim.capacity_bytes = 2 * kGiB;
  Apply(Seen<Claim>{claim});
  Apply(MakeReport("n1", 2, {MakeLvmPool(10 * kGiB, {{"disk-" + Uid(1), 2 * kGiB}})}));
  EXPECT_EQ(Numbers().promised_bytes, 0);
  claim.requested_bytes = 5 * kGiB;
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(Numbers().available_bytes, 8 * kGiB);
  EXPECT_EQ(GrowthBytesOf(*ledger_.nodes().Find("n1"), PoolKind::kLvm), 3 * kGiB);
  EXPECT_EQ(Numbers().promised_bytes, 3 * kGiB);
  EXPECT_EQ(Numbers().free_bytes, 5 * kGiB);
}

TEST_F(NodeNumbersTest, WhatACreationMayTakeWhoseClaimIsGoneIsShownAsHeld) {
  Claim claim = MakeClaim(1, 6 * kGiB);
  claim.selected_node = "n1";
  Apply(Seen<Claim>{claim});
  Apply(Gone<Claim>{claim});
  EXPECT_EQ(Numbers().promised_bytes, 0);
  EXPECT_EQ(Numbers().held_bytes, 6 * kGiB);
}

TEST_F(NodeNumbersTest, AClaimThatIsOwedAndHeldAgainIsShownOnce) {
  Claim claim = MakeClaim(1, 6 * kGiB);
  claim.selected_node = "n1";
  Apply(Seen<Claim>{claim});
  claim.selected_node.clear();
  Apply(Seen<Claim>{claim});
  const Pod pod = MakePod(1, {claim});
  ledger_.HoldOn(pod, ledger_.Demand(pod, nullptr), std::vector<std::string>{"n1"}, {}, kNow);
  EXPECT_EQ(Numbers().held_bytes, 6 * kGiB);
}

TEST_F(NodeNumbersTest, OfAPoolThatCannotBeReadNobodyKnowsThatTooMuchIsPromised) {
  Claim claim = MakeClaim(1, 6 * kGiB);
  claim.selected_node = "n1";
  Apply(Seen<Claim>{claim});
  EXPECT_TRUE(Numbers().is_known);
  PoolReport unknown = MakeLvmPool(10 * kGiB);
  unknown.state = PoolState::kUnknown;
  Apply(MakeReport("n1", 2, {unknown}));
  EXPECT_FALSE(Numbers().is_known);
  EXPECT_FALSE(Numbers().is_overbooked);
}

TEST_F(NodeNumbersTest, WhatWasShownBeforeAChangeIsNotShownAfterIt) {
  const auto free = [this] { return Numbers().free_bytes; };
  EXPECT_EQ(free(), 10 * kGiB);
  Claim claim = MakeClaim(1, 6 * kGiB);
  claim.selected_node = "n1";
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(free(), 4 * kGiB);
  Apply(MakeReport("n1", 2, {MakeLvmPool(20 * kGiB)}));
  EXPECT_EQ(free(), 14 * kGiB);
  EXPECT_EQ(Numbers().available_bytes, 20 * kGiB);
  claim.selected_node.clear();
  Apply(Seen<Claim>{claim});
  EXPECT_EQ(free(), 20 * kGiB);
  EXPECT_EQ(Numbers().promised_bytes, 0);
  EXPECT_EQ(Numbers().held_bytes, 6 * kGiB);
  EXPECT_TRUE(AreKeptNumbersRight(*ledger_.nodes().Find("n1")));
}

}  // namespace
}  // namespace pmem::extender
