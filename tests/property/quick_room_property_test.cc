// SPDX-License-Identifier: Apache-2.0
// The short way against the long one: QuickRoom never says yes where Pack says no, and where it
// measures what is left it measures the same.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "extender/core/quick_room.h"
#include "tests/support/random.h"

namespace pmem::extender {
namespace {

constexpr int kRounds = 20'000;

Room AnyRoom(Random& random) {
  Room room;
  const int64_t pools = random.Between(0, 3);
  for (int32_t p = 0; p < pools; ++p) {
    const bool is_lvm = random.Between(0, 1) == 0;
    room.pools.push_back({.id = "p",
                          .kind = is_lvm ? PoolKind::kLvm : PoolKind::kDirect,
                          .alignment_bytes = is_lvm ? 4 : 16,
                          .volume_bytes_max = random.Between(0, 200),
                          .slots_free = is_lvm ? kSlotsUnlimited : random.Between(0, 3)});
    for (int64_t b = is_lvm ? 1 : random.Between(0, 4); b > 0; --b) {
      room.bins.push_back({.pool = p, .free_bytes = random.Between(0, 12) * 16});
    }
  }
  return room;
}

std::vector<Item> AnyItems(Random& random) {
  std::vector<Item> items;
  for (int64_t i = random.Between(1, 4); i > 0; --i) {
    items.push_back({.claim_uid = std::to_string(i),
                     .kind = random.Between(0, 1) == 0 ? PoolKind::kLvm : PoolKind::kDirect,
                     .requested_bytes = random.Between(1, 90)});
  }
  return items;
}

TEST(QuickRoomProperty, YesMeansThatPackFindsRoomToo) {
  Random random(1, 0);
  int yes = 0, no = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Room room = AnyRoom(random);
    const std::vector<Item> items = AnyItems(random);
    const bool is_quick_yes = QuickRoomOf(room).TakeAll(QuickItemsOf(items));
    ++(is_quick_yes ? yes : no);
    ASSERT_TRUE(!is_quick_yes || Pack(room, items)) << "round " << i;
  }
  EXPECT_GT(yes, kRounds / 20);
  EXPECT_GT(no, kRounds / 20);
}

TEST(QuickRoomProperty, WhatIsLeftIsMeasuredAlike) {
  Random random(2, 0);
  int compared = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Room room = AnyRoom(random);
    const std::vector<Item> items = AnyItems(random);
    const Strategy strategy = i % 2 == 0 ? Strategy::kBinpack : Strategy::kSpread;
    const QuickRoom quick = QuickRoomOf(room);
    const auto left = QuickLeftoverOf(quick, QuickItemsOf(items), strategy);
    if (!quick.is_whole || !left) continue;
    ++compared;
    const auto expected = LeftoverOf(room, items, strategy);
    ASSERT_TRUE(expected.has_value()) << "round " << i;
    ASSERT_EQ(left->lvm_bytes, expected->lvm_bytes) << "round " << i;
    ASSERT_EQ(left->direct_bytes, expected->direct_bytes) << "round " << i;
  }
  EXPECT_GT(compared, kRounds / 20);
}

}  // namespace
}  // namespace pmem::extender
