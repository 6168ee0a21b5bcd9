// SPDX-License-Identifier: Apache-2.0
// Which room of a report may be used at all.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace pmem
