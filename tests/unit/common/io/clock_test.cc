// SPDX-License-Identifier: Apache-2.0
#include "common/io/clock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

namespace pmem {
namespace {

constexpr absl::Duration kSuspended = absl::Seconds(1000);
constexpr int kYes = 0, kNo = 1, kNotAllowed = 2;

// What `decide` returns in a process of its own.
template <typename Decide>
int InChild(Decide decide) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(decide());
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : kNo;
}

// From now on this process's children see a machine that was suspended for kSuspended longer than
// it was: one clock of theirs is ahead by that, and the other, that stands still meanwhile, is not.
bool SuspendForChildren() {
  constexpr int kNewTime = 0x80;  // CLONE_NEWTIME
  if (::unshare(kNewTime) != 0 && ::unshare(CLONE_NEWUSER | kNewTime) != 0) return false;
  constexpr std::string_view kOffset = "boottime 1000 0";
  const int fd = ::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  const bool is_set = fd >= 0 && ::write(fd, kOffset.data(), kOffset.size()) ==
                                     static_cast<ssize_t>(kOffset.size());
  if (fd >= 0) ::close(fd);
  return is_set;
}

TEST(RealClock, SteadyTimeGoesOnWhileTheMachineIsSuspended) {
  const absl::Time before = RealClock().SteadyNow();
  const int has_gone_on = InChild([before] {
    if (!SuspendForChildren()) return kNotAllowed;
    return InChild(
        [before] { return RealClock().SteadyNow() - before >= kSuspended ? kYes : kNo; });
  });
  if (has_gone_on == kNotAllowed) GTEST_SKIP() << "no time namespace can be made here";
  EXPECT_EQ(has_gone_on, kYes);
}

TEST(RealClock, SteadyTimeMovesForward) {
  const RealClock clock;
  absl::Time last = clock.SteadyNow();
  for (int i = 0; i < 1000; ++i) {
    const absl::Time now = clock.SteadyNow();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace pmem
