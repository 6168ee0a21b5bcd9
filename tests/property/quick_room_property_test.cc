// SPDX-License-Identifier: Apache-2.0
// The short way against the long one: QuickRoom never says yes where Pack says no, and where it
// measures what is left it measures the same.
#include <gtest/gtest.h>

#include <random>

#include "common/pure/units.h"
#include "extender/core/quick_room.h"

namespace pmem::extender {
namespace {

constexpr int kRounds = 20'000;

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  int64_t Roll(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(engine_() % static_cast<uint64_t>(most - least + 1));
  }

 private:
  std::mt19937_64 engine_;
};

Room AnyRoom(Dice& dice) {
  Room room;
  const int64_t pools = dice.Roll(0, 3);
  for (int32_t p = 0; p < pools; ++p) {
    const bool is_lvm = dice.Roll(0, 1) == 0;
    room.pools.push_back({.id = "p",
                          .kind = is_lvm ? PoolKind::kLvm : PoolKind::kDirect,
                          .alignment_bytes = is_lvm ? 4 : 16,
                          .volume_bytes_max = dice.Roll(0, 200),
                          .slots_free = is_lvm ? kSlotsUnlimited : dice.Roll(0, 3)});
    for (int64_t b = is_lvm ? 1 : dice.Roll(0, 4); b > 0; --b) {
      room.bins.push_back({.pool = p, .free_bytes = dice.Roll(0, 12) * 16});
    }
  }
  return room;
}

std::vector<Item> AnyItems(Dice& dice) {
  std::vector<Item> items;
  for (int64_t i = dice.Roll(1, 4); i > 0; --i) {
    items.push_back({.claim_uid = std::to_string(i),
                     .kind = dice.Roll(0, 1) == 0 ? PoolKind::kLvm : PoolKind::kDirect,
                     .requested_bytes = dice.Roll(1, 90)});
  }
  return items;
}

bool TakesAll(QuickRoom room, const std::vector<QuickItem>& items) {
  return std::all_of(items.begin(), items.end(),
                     [&room](const QuickItem& item) { return room.TakeBest(item) >= 0; });
}

TEST(QuickRoomProperty, YesMeansThatPackFindsRoomToo) {
  Dice dice(1);
  int yes = 0, no = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Room room = AnyRoom(dice);
    const std::vector<Item> items = AnyItems(dice);
    const bool is_quick_yes = TakesAll(QuickRoomOf(room), QuickItemsOf(items));
    ++(is_quick_yes ? yes : no);
    ASSERT_TRUE(!is_quick_yes || Pack(room, items)) << "round " << i;
  }
  EXPECT_GT(yes, kRounds / 20);
  EXPECT_GT(no, kRounds / 20);
}

TEST(QuickRoomProperty, WhatIsLeftIsMeasuredAlike) {
  Dice dice(2);
  int compared = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Room room = AnyRoom(dice);
    const std::vector<Item> items = AnyItems(dice);
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
