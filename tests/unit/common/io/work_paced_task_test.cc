// SPDX-License-Identifier: Apache-2.0
#include "common/io/work_paced_task.h"

#include <gtest/gtest.h>

#include "common/io/clock.h"
#include "tests/support/wait_until.h"

namespace pmem {
namespace {

constexpr absl::Duration kShort = absl::Milliseconds(1);
constexpr absl::Duration kLong = absl::Hours(1);

// Counts, and lets a test wait for a count.
class Ticks {
 public:
  explicit Ticks(bool is_busy) : is_busy_(is_busy) {}

  WorkPacedTask::Tick Counter() {
    return [this] {
      MutexLock lock(&mu_);
      ++count_;
      changed_.SignalAll();
      return is_busy_;
    };
  }
  // Asleep.
  void WaitFor(int count) {
    MutexLock lock(&mu_);
    EXPECT_TRUE(WaitUntil("it ticks", &mu_, &changed_,
                          [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return count_ >= count; }));
  }
  int count() {
    MutexLock lock(&mu_);
    return count_;
  }

 private:
  const bool is_busy_;
  Mutex mu_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(WorkPacedTask, TicksSoonWhileTheProcessWorks) {
  Ticks ticks(/*is_busy=*/false);
  WorkPacedTask task("test", {.busy = kShort, .idle = kLong}, ticks.Counter());
  task.Start();
  // Which it does while it asks again and again.
  EXPECT_TRUE(WaitUntil("it has ticked some times", [&ticks] { return ticks.count() >= 4; }));
}

TEST(WorkPacedTask, TicksNowAndThenWhileItDoesNot) {
  constexpr absl::Duration kIdle = absl::Milliseconds(300);
  const RealClock clock;
  Ticks ticks(/*is_busy=*/false);
  WorkPacedTask task("test", {.busy = kShort, .idle = kIdle}, ticks.Counter());
  const absl::Time begin = clock.SteadyNow();
  task.Start();
  ticks.WaitFor(4);
  EXPECT_GE(clock.SteadyNow() - begin, 2 * kIdle) << "what other tests left may have worked once";
}

TEST(WorkPacedTask, WaitsForNoWorkWhenTheTickSaysSo) {
  Ticks ticks(/*is_busy=*/true);
  WorkPacedTask task("test", {.busy = kShort, .idle = kLong}, ticks.Counter());
  task.Start();
  ticks.WaitFor(10);
}

TEST(WorkPacedTask, AStopEndsEitherWait) {
  for (int i = 0; i < 20; ++i) {
    for (const absl::Duration busy : {absl::ZeroDuration(), kLong}) {
      Ticks ticks(/*is_busy=*/false);
      WorkPacedTask task("test", {.busy = busy, .idle = kLong}, ticks.Counter());
      task.Start();
      ticks.WaitFor(1);
      task.Stop();
      task.Stop();
    }
  }
}

}  // namespace
}  // namespace pmem
