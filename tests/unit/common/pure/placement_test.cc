// SPDX-License-Identifier: Apache-2.0
// Which room of a report may be used at all, and what is packed into it.
#include <gtest/gtest.h>

#include <ctime>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "common/pure/placement.h"
#include "tests/support/builders.h"

namespace pmem {
namespace {

using extender::MakeDirectPool;
using extender::MakeLvmPool;

CapacityReport ReportOf(std::vector<PoolReport> pools) { return {.pools = std::move(pools)}; }

TEST(Room, AThinPoolIsNone) {
  PoolReport thin = MakeLvmPool(8 * kGiB, {}, "pmemvgregion0/pool0");
  thin.thin = true;
  thin.volume_bytes_max = 0;
  EXPECT_EQ(RoomOf(ReportOf({thin})), Room());
}

TEST(Room, APoolThatIsNotOkIsNone) {
  PoolReport pool = MakeLvmPool(8 * kGiB);
  pool.state = PoolState::kUnknown;
  EXPECT_EQ(RoomOf(ReportOf({pool})), Room());
}

TEST(Room, ExtentsOfUnknownPlaceHoldOneVolume) {
  PoolReport pool = MakeDirectPool({{0, 4 * kGiB}, {8 * kGiB, 2 * kGiB}});
  pool.free_extents.clear();
  const Room room = RoomOf(ReportOf({pool}));
  EXPECT_EQ(room.bins, (std::vector<Bin>{{.pool = 0, .free_bytes = 4 * kGiB}}));
}

std::vector<Item> DirectItems(const std::vector<int64_t>& sizes) {
  std::vector<Item> items;
  for (const int64_t bytes : sizes) {
    items.push_back({std::to_string(items.size()), PoolKind::kDirect, bytes});
  }
  return items;
}

// A region with these free extents.
Room RegionRoom(const std::vector<int64_t>& extents, int64_t slots_free) {
  Room room;
  room.pools.push_back({.id = "region0",
                        .kind = PoolKind::kDirect,
                        .alignment_bytes = 1,
                        .volume_bytes_max = kBytesMax,
                        .slots_free = slots_free});
  for (const int64_t bytes : extents) room.bins.push_back({.pool = 0, .free_bytes = bytes});
  return room;
}

// All of a filter call's time under the ledger's lock.
TEST(Pack, OfManyExtentsNoAnswerTakesLong) {
  std::vector<int64_t> extents(16'384);  // As many as a report may list, no two alike.
  std::iota(extents.begin(), extents.end(), kGiB);
  const std::vector<int64_t> wanted(5, kGiB);
  const std::clock_t before = std::clock();
  EXPECT_EQ(Pack(RegionRoom(extents, 4), DirectItems(wanted)), std::nullopt);
  Room room = RegionRoom(extents, 4);
  room.pools.push_back(room.pools[0]);  // It has label slots, and no extent.
  EXPECT_EQ(Pack(room, DirectItems(wanted)), std::nullopt);
  EXPECT_LT(std::clock() - before, 2 * CLOCKS_PER_SEC);
}

// Best fit puts 4 beside 3, and then one of 2 goes nowhere.
TEST(Pack, WhatOnlyAnExactSearchFindsIsFound) {
  const std::vector<Item> items = DirectItems({4, 3, 3, 2, 2, 2});
  EXPECT_NE(Pack(RegionRoom({8, 8}, 6), items), std::nullopt);
  EXPECT_EQ(Pack(RegionRoom({8, 8}, 5), items), std::nullopt);
}

}  // namespace
}  // namespace pmem
