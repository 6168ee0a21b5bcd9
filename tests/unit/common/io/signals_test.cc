// SPDX-License-Identifier: Apache-2.0
#include "common/io/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

namespace pmem {
namespace {

TEST(SignalsDeathTest, ABlockedSignalIsWaitedForAndABrokenPipeIsNotDeadly) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        BlockSignals();
        std::raise(SIGPIPE);
        ::kill(::getpid(), SIGTERM);
        ::_exit(WaitForSignal() == SIGTERM ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(SignalsDeathTest, AProcessThatDoesNotEndInTimeIsEnded) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        EndWithin(0);
        while (true) ::pause();
      },
      testing::KilledBySignal(SIGALRM), "");
}

TEST(SignalsDeathTest, ALaterLimitDoesNotGiveItLonger) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        EndWithin(1);
        EndWithin(1000);
        while (true) ::pause();
      },
      testing::KilledBySignal(SIGALRM), "");
}

TEST(SignalsDeathTest, AStartThatHangsIsEndedAfterASignal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        BlockSignals();
        const EndWithinOnSignal watch(1);
        ::kill(::getpid(), SIGTERM);
        while (true) ::pause();
      },
      testing::KilledBySignal(SIGALRM), "");
}

TEST(SignalsDeathTest, ASignalDuringTheStartIsWaitedForAfterIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        BlockSignals();
        {
          const EndWithinOnSignal watch(1000);
          ::kill(::getpid(), SIGTERM);
        }
        ::_exit(WaitForSignal() == SIGTERM ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace pmem
