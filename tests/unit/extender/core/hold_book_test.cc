// SPDX-License-Identifier: Apache-2.0
#include "extender/core/hold_book.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

constexpr absl::Time kNow = absl::UnixEpoch();

Item LvmItem(int number) { return {Uid(number), PoolKind::kLvm, kGiB}; }

Hold MakeHold(const std::string& owner, std::vector<Item> items, std::vector<int32_t> node_ids) {
  return {.owner = owner,
          .items = std::move(items),
          .since = kNow,
          .until = kNow + absl::Seconds(30),
          .node_ids = std::move(node_ids)};
}

std::vector<std::string> OwnersIn(const HoldBook& book) {
  std::vector<std::string> owners;
  for (const auto& [owner, hold] : book.holds()) owners.push_back(owner);
  return owners;
}

constexpr auto kAnyVolume = [](const std::string&) { return true; };

using Owners = std::vector<std::string>;
using Items = std::vector<Item>;

TEST(HoldBook, HoldsOnEveryNodeThatWasNamedForEverybodyElse) {
  HoldBook book;
  book.Put(MakeHold("a", {LvmItem(1)}, {3, 70}));
  EXPECT_EQ(book.ItemsOn(3, "b", {}), Items{LvmItem(1)});
  EXPECT_EQ(book.ItemsOn(70, "b", {}), Items{LvmItem(1)});
  EXPECT_EQ(book.ItemsOn(4, "b", {}), Items{});
  EXPECT_EQ(book.ItemsOn(3, "a", {}), Items{}) << "its own hold does not count against it";
}

TEST(HoldBook, AClaimThatTwoPodsHoldCountsOnce) {
  HoldBook book;
  book.Put(MakeHold("a", {LvmItem(1)}, {3, 4}));
  book.Put(MakeHold("b", {LvmItem(1), LvmItem(2)}, {3, 4}));
  EXPECT_EQ(book.ItemsOn(3, "c", {}), (Items{LvmItem(1), LvmItem(2)}));
  EXPECT_EQ(book.ItemsOn(3, "c", Items{LvmItem(1)}), Items{LvmItem(2)});
}

TEST(HoldBook, EvidenceLeavesOneNode) {
  HoldBook book;
  book.Put(MakeHold("a", {LvmItem(1)}, {3, 4}));
  book.Narrow("a", 4, kAnyVolume);
  EXPECT_EQ(book.ItemsOn(3, "b", {}), Items{});
  EXPECT_EQ(book.ItemsOn(4, "b", {}), Items{LvmItem(1)});
  EXPECT_EQ(book.Find("a")->node_ids, std::vector<int32_t>{4});
}

TEST(HoldBook, ANewHoldReplacesTheOldOneAndAnEmptyOneOnlyEndsIt) {
  HoldBook book;
  book.Put(MakeHold("a", {LvmItem(1)}, {3, 4}));
  book.Put(MakeHold("a", {LvmItem(1)}, {5, 6}));
  EXPECT_EQ(book.ItemsOn(3, "b", {}), Items{});
  EXPECT_EQ(book.ItemsOn(6, "b", {}), Items{LvmItem(1)});
  book.Put(MakeHold("a", {LvmItem(1)}, {}));
  EXPECT_TRUE(book.IsEmpty());
  EXPECT_EQ(book.ItemsOn(6, "b", {}), Items{});
}

TEST(HoldBook, AClaimThatHasItsPlaceIsHeldByNobody) {
  HoldBook book;
  book.Put(MakeHold("a", {LvmItem(1)}, {3}));
  book.Put(MakeHold("b", {LvmItem(1), LvmItem(2)}, {3, 4}));
  EXPECT_EQ(book.DropItem(Uid(1), kNow), (Owners{"a", "b"}));
  EXPECT_EQ(OwnersIn(book), Owners{"b"}) << "a held nothing else";
  EXPECT_EQ(book.ItemsOn(3, "c", {}), Items{LvmItem(2)});
}

TEST(HoldBook, EndsByTimeAndNotBefore) {
  HoldBook book;
  book.Put(MakeHold("a", {LvmItem(1)}, {3, 4}));
  book.Put(MakeHold("b", {LvmItem(2)}, {3}));
  book.Shorten("b", kNow + absl::Seconds(5));
  book.Shorten("b", kNow + absl::Seconds(9));  // Never longer again.
  EXPECT_EQ(book.Expire(kNow + absl::Seconds(5) - absl::Milliseconds(1)).all, 0);
  EXPECT_EQ(book.Expire(kNow + absl::Seconds(5)).all, 1);
  EXPECT_EQ(OwnersIn(book), Owners{"a"});
  EXPECT_EQ(book.Expire(kNow + absl::Seconds(30)).all, 1);
  EXPECT_TRUE(book.IsEmpty());
}

TEST(HoldBook, SaysHowManyPodsNothingWasHeardOf) {
  HoldBook book;
  book.Put(MakeHold("pod", {LvmItem(1)}, {3, 4}));
  book.Put(MakeHold("gone", {LvmItem(2)}, {3}));
  book.Put(MakeHold("ended late", {LvmItem(3)}, {3}));
  book.Put(MakeHold(ClaimOwner(Uid(4)), {LvmItem(4)}, {3}));
  book.Put(MakeHold(TakeoverOwner(Uid(5)), {LvmItem(5)}, {3}));
  book.Shorten("gone", kNow + absl::Seconds(5));
  book.Shorten("ended late", kNow + absl::Seconds(31));
  EXPECT_EQ(book.NextEnd(), kNow + absl::Seconds(5));
  EXPECT_EQ(book.Expire(kNow + absl::Seconds(30)), (HoldBook::Expired{.all = 5, .unheard = 2}));
  EXPECT_EQ(book.NextEnd(), absl::InfiniteFuture());
}

TEST(HoldBook, SaysWhetherAnythingIsHeldOnANode) {
  HoldBook book;
  book.Put(MakeHold("a", {LvmItem(1)}, {3, 4}));
  book.Put(MakeHold("b", {LvmItem(2)}, {5}));
  EXPECT_FALSE(book.IsHeld(2));
  EXPECT_TRUE(book.IsHeld(3));
  EXPECT_TRUE(book.IsHeld(5));
  book.Narrow("a", 4, kAnyVolume);
  EXPECT_FALSE(book.IsHeld(3));
  EXPECT_TRUE(book.IsHeld(4));
}

TEST(HoldBook, AVolumeIsHeldForAllButItsOwner) {
  HoldBook book;
  Hold hold = MakeHold("a", {}, {3});
  hold.volumes = {"disk-1"};
  book.Put(hold);
  EXPECT_TRUE(book.IsVolumeHeld("disk-1", "b"));
  EXPECT_FALSE(book.IsVolumeHeld("disk-1", "a"));
  EXPECT_FALSE(book.IsVolumeHeld("disk-2", "b"));
}

TEST(HoldBook, AVolumeIsHeldAsLongAsAHoldHasIt) {
  HoldBook book;
  Hold hold = MakeHold("a", {LvmItem(1)}, {3, 4});
  hold.volumes = {"on-3", "on-4", "disk-1"};
  book.Put(hold);
  book.AddVolume("a", "disk-2");
  book.AddVolume("a", "disk-2");
  EXPECT_EQ(book.Find("a")->volumes, (Owners{"on-3", "on-4", "disk-1", "disk-2"}));
  EXPECT_TRUE(book.IsVolumeHeld("disk-2", "b"));
  book.Narrow("a", 4, [](const std::string& volume) { return volume != "on-3"; });
  EXPECT_FALSE(book.IsVolumeHeld("on-3", "b"));
  EXPECT_TRUE(book.IsVolumeHeld("on-4", "b"));
  hold.volumes = {"disk-1"};
  book.Put(hold);
  EXPECT_FALSE(book.IsVolumeHeld("disk-2", "b"));
  EXPECT_TRUE(book.IsVolumeHeld("disk-1", "b"));
  hold.owner = "b";
  book.Put(hold);
  EXPECT_TRUE(book.IsVolumeHeld("disk-1", "b")) << "by a, too";
  book.Erase("a");
  EXPECT_FALSE(book.IsVolumeHeld("disk-1", "b"));
  EXPECT_TRUE(book.IsVolumeHeld("disk-1", "a"));
}

TEST(HoldBook, EvidenceLeavesTheVolumesOfThatNode) {
  HoldBook book;
  Hold hold = MakeHold("a", {LvmItem(1)}, {3, 4});
  hold.volumes = {"on-3", "on-4"};
  book.Put(hold);
  book.Narrow("a", 4, [](const std::string& volume) { return volume == "on-4"; });
  EXPECT_EQ(book.Find("a")->volumes, std::vector<std::string>{"on-4"});
}

TEST(HoldBook, VolumesAreHeldForAWhileOnceAllClaimsHaveTheirPlace) {
  HoldBook book;
  Hold hold = MakeHold("a", {LvmItem(1), LvmItem(2)}, {3, 4});
  hold.volumes = {"disk-1"};
  book.Put(hold);
  book.DropItem(Uid(1), kNow + absl::Seconds(5));
  EXPECT_EQ(book.Find("a")->until, hold.until) << "it has a claim without a place";
  book.DropItem(Uid(2), kNow + absl::Seconds(5));
  EXPECT_EQ(book.Find("a")->until, kNow + absl::Seconds(5));
}

TEST(HoldBook, AHoldOfNothingButVolumesIsNoClaims) {
  HoldBook book;
  Hold hold = MakeHold("a", {}, {3});
  hold.volumes = {"disk-1"};
  book.Put(hold);
  EXPECT_EQ(book.DropItem(Uid(1), kNow), Owners{});
  EXPECT_EQ(book.Find("a")->until, hold.until);
}

TEST(HoldBook, SaysWhetherAnybodyElseHoldsAnything) {
  HoldBook book;
  EXPECT_FALSE(book.HasOthers("a"));
  book.Put(MakeHold("a", {LvmItem(1)}, {3}));
  EXPECT_FALSE(book.HasOthers("a"));
  EXPECT_TRUE(book.HasOthers("b"));
  book.Put(MakeHold("b", {LvmItem(2)}, {3}));
  EXPECT_TRUE(book.HasOthers("a"));
  book.Erase("b");
  EXPECT_FALSE(book.HasOthers("a"));
}

TEST(HoldBook, AnOwnerSaysOfWhatKindItIs) {
  EXPECT_EQ(ClaimOwner(Uid(1)), "claim/" + Uid(1));  // Both are published: /v1/holds.
  EXPECT_EQ(TakeoverOwner(Uid(1)), "takeover/" + Uid(1));
  EXPECT_EQ(KindOfOwner(Uid(1)), OwnerKind::kPod);
  EXPECT_EQ(KindOfOwner(ClaimOwner(Uid(1))), OwnerKind::kClaim);
  EXPECT_EQ(KindOfOwner(TakeoverOwner(Uid(1))), OwnerKind::kTakeover);
}

}  // namespace
}  // namespace pmem::extender
