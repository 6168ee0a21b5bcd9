// SPDX-License-Identifier: Apache-2.0
#include "common/io/stop_flag.h"

#include <gtest/gtest.h>

namespace pmem {
namespace {

TEST(StopFlag, WakesAllThatWaitWhenItIsSet) {
  StopFlag flag;
  int woken = 0;
  const auto wake = [&] {
    EXPECT_TRUE(flag.is_set()) << "who is woken finds it set";
    ++woken;
  };
  const StopFlag::Waker one(flag, wake);
  const StopFlag::Waker other(flag, wake);
  flag.Set();
  EXPECT_EQ(woken, 2);
}

TEST(StopFlag, WhoWaitsNoMoreIsNotWoken) {
  StopFlag flag;
  int woken = 0;
  {
    const StopFlag::Waker gone(flag, [&woken] { ++woken; });
  }
  flag.Set();
  EXPECT_EQ(woken, 0);
}

TEST(StopFlag, CanBeClearedAndSetAgain) {
  StopFlag flag;
  int woken = 0;
  const StopFlag::Waker waker(flag, [&woken] { ++woken; });
  EXPECT_FALSE(flag.Clear()) << "it was not set";
  flag.Set();
  EXPECT_TRUE(flag.Clear());
  EXPECT_FALSE(flag.is_set());
  flag.Set();
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace pmem
