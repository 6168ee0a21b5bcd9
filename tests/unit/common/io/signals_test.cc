// SPDX-License-Identifier: Apache-2.0
#include "common/io/signals.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "common/pure/check.h"

namespace pmem {
namespace {

// Tried in a child: what is made is for its children.
bool MayMakeAPidNamespace() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWPID) == 0 ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

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
      testing::ExitedWithCode(128 + SIGALRM), "");
}

// To the first process of a PID namespace the kernel delivers only what it has a handler for.
TEST(SignalsDeathTest, TheFirstProcessOfAContainerIsEndedToo) {
  if (!MayMakeAPidNamespace()) GTEST_SKIP() << "no PID namespace may be made here";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        PMEM_CHECK(::unshare(CLONE_NEWPID) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
          ::prctl(PR_SET_PDEATHSIG, SIGKILL);
          EndWithin(0);
          while (true) ::pause();
        }
        ::alarm(20);
        int status = 0;
        ::waitpid(child, &status, 0);
        ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
      },
      testing::ExitedWithCode(128 + SIGALRM), "");
}

TEST(SignalsDeathTest, ALaterLimitDoesNotGiveItLonger) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        EndWithin(1);
        EndWithin(1000);
        while (true) ::pause();
      },
      testing::ExitedWithCode(128 + SIGALRM), "");
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
      testing::ExitedWithCode(128 + SIGALRM), "");
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
