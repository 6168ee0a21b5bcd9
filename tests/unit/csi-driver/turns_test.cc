// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/turns.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/io/periodic_task.h"
#include "tests/support/wait_until.h"

namespace pmem::driver {
namespace {

TEST(Turns, GoToWhoWaitsLongest) {
  Turns turns;
  std::vector<int> order;
  std::vector<std::unique_ptr<Thread>> threads;
  {
    const auto first = turns.Take("lvm devices", absl::ZeroDuration());
    ASSERT_TRUE(first.ok());
    for (int i = 0; i < 8; ++i) {
      threads.push_back(std::make_unique<Thread>("waits", [&turns, &order, i] {
        const auto turn = turns.Take("lvm devices", absl::Minutes(1));
        EXPECT_TRUE(turn.ok());
        order.push_back(i);
      }));
      EXPECT_TRUE(WaitUntil("it waits", [&] { return turns.waiting("lvm devices") > i; }));
    }
    EXPECT_TRUE(absl::IsAborted(turns.Take("lvm devices", absl::ZeroDuration()).status()));
    EXPECT_TRUE(turns.Take("direct devices", absl::ZeroDuration()).ok());
  }
  threads.clear();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_TRUE(turns.Take("lvm devices", absl::ZeroDuration()).ok());
}

}  // namespace
}  // namespace pmem::driver
