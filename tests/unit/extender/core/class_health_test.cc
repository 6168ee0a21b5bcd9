// SPDX-License-Identifier: Apache-2.0
#include "extender/core/class_health.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

class ClassHealthTest : public testing::Test {
 protected:
  StorageClass AddClass(const std::string& name, const std::string& kind, bool waits) {
    StorageClass object = MakeClass(name, waits);
    if (!kind.empty()) object.parameters = {{"pmemType", kind}};
    ledger_.Apply(Seen<StorageClass>{object}, now_);
    return object;
  }
  Claim AddClaim(int number, const std::string& storage_class) {
    const Claim claim = MakeClaim(number, kGiB, storage_class);
    ledger_.Apply(Seen<Claim>{claim}, now_);
    return claim;
  }
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const Notice& notice : FindUnknownKinds(ledger_, "", 100).notices) {
      EXPECT_EQ(notice.reason, NoticeReason::kUnknownKind);
      told.push_back(notice.claim.meta.key.name + ": " + notice.message);
    }
    return told;
  }

  const absl::Time now_ = absl::FromUnixSeconds(1000);
  Ledger ledger_{LedgerOptions{}};
};

TEST_F(ClassHealthTest, ClaimsOfAClassOfOursThatAsksForNoKnownKindAreTold) {
  AddClass("odd-now", "foo", false);
  AddClass("odd-later", "", true);
  AddClass("fine", "lvm", false);
  StorageClass foreign = MakeClass("foreign", false);
  foreign.provisioner = "other.example.com";
  ledger_.Apply(Seen<StorageClass>{foreign}, now_);
  AddClaim(1, "odd-now");
  AddClaim(2, "odd-later");
  AddClaim(3, "fine");
  AddClaim(4, "foreign");
  EXPECT_EQ(Told(),
            (std::vector<std::string>{
                "claim-1: StorageClass odd-now: parameter pmemType must be lvm or direct",
                "claim-2: StorageClass odd-later: parameter pmemType must be lvm or direct"}));
}

TEST_F(ClassHealthTest, MoreThanMayBeToldAtATimeTakeTurns) {
  AddClass("odd", "foo", false);
  for (int number = 1; number <= 3; ++number) AddClaim(number, "odd");
  std::string after;
  std::vector<std::string> told;
  for (int i = 0; i < 3; ++i) {
    const FoundNotices found = FindUnknownKinds(ledger_, after, 2);
    for (const Notice& notice : found.notices) told.push_back(notice.claim.meta.key.name);
    after = found.last;
  }
  EXPECT_EQ(told, (std::vector<std::string>{"claim-1", "claim-2", "claim-3", "claim-1", "claim-2",
                                            "claim-3"}));
}

TEST_F(ClassHealthTest, WhatHasAVolumeOrIsOnItsWayOutIsLeftAlone) {
  AddClass("odd", "foo", false);
  Claim bound = MakeClaim(1, kGiB, "odd");
  bound.volume_name = "pv";
  Claim deleting = MakeClaim(2, kGiB, "odd");
  deleting.meta.is_deleting = true;
  Claim plain = MakeClaim(3, kGiB, "odd");
  plain.storage_class_name.reset();
  for (const Claim& claim : {bound, deleting, plain}) ledger_.Apply(Seen<Claim>{claim}, now_);
  EXPECT_EQ(Told(), std::vector<std::string>());
}

}  // namespace
}  // namespace pmem::extender
