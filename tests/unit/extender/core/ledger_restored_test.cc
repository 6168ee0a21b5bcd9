// SPDX-License-Identifier: Apache-2.0
// The API server's data was restored from a backup: what was known of claims is of a time that
// never was, and their versions are earlier than it.
#include <string>
#include <utility>

#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

class LedgerRestoredTest : public LedgerTest {
 protected:
  LedgerRestoredTest() {
    Start(2, 10 * kGiB);
    claim_.meta.resource_version = "10";
    AddPod(1, {claim_});
  }

  Claim PinnedOf(const std::string& version) {
    Claim pinned = claim_;
    pinned.meta.resource_version = version;
    return Pin(pinned, "n1");
  }
  size_t DebtsOn(const char* node) { return ledger_.nodes().Find(node)->debts.size(); }
  bool IsPlaced() { return ledger_.FindPlace(claim_.meta.uid) != nullptr; }

  Claim claim_ = MakeClaim(1, 10 * kGiB);
};

TEST_F(LedgerRestoredTest, TheListOfAServerThatWasSetBackCountsThoughItsClaimsSeemOlder) {
  PinnedOf("12");
  Apply(Relisted<Claim>{.objects = {claim_}, .version = "11", .is_set_back = true});
  EXPECT_FALSE(IsPlaced());
  EXPECT_EQ(DebtsOn("n1"), 1U) << "its volume may be in the making all the same";
}

// As etcdutl is to be used: --bump-revision lets no version come twice.
TEST_F(LedgerRestoredTest, SoDoesAListOfALaterVersionThanWhatIsKnown) {
  PinnedOf("12");
  Apply(Relisted<Claim>{.objects = {claim_}, .version = "1000"});
  EXPECT_FALSE(IsPlaced());
}

TEST_F(LedgerRestoredTest, AListThatIsOnlyLateDoesNot) {
  PinnedOf("12");
  Apply(Relisted<Claim>{.objects = {claim_}, .version = "11"});
  EXPECT_TRUE(IsPlaced());
}

TEST_F(LedgerRestoredTest, WhatWasDoneForAnOpenClaimInATimeThatNeverWasNobodyTells) {
  Claim later = claim_;
  later.meta.resource_version = "12";
  Apply(Seen<Claim>{later});
  Apply(Relisted<Claim>{.objects = {claim_}, .version = "11", .is_set_back = true});
  EXPECT_EQ(DebtsOn("n1"), 1U);
  EXPECT_EQ(DebtsOn("n2"), 1U);
}

TEST_F(LedgerRestoredTest, WhatTheWatchTellsFromThenOnCounts) {
  PinnedOf("12");
  Apply(Relisted<Claim>{.objects = {claim_}, .version = "10", .is_set_back = true});
  PinnedOf("11");
  EXPECT_TRUE(IsPlaced());
}

}  // namespace
}  // namespace pmem::extender
