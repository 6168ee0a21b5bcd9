// SPDX-License-Identifier: Apache-2.0
#include "common/io/periodic_task.h"

#include <gtest/gtest.h>

#include <atomic>

#include "common/io/clock.h"

namespace pmem {
namespace {

// Counts, and lets a test wait for a count.
class Ticks {
 public:
  void Add() {
    MutexLock lock(&mu_);
    ++count_;
    changed_.SignalAll();
  }
  void WaitFor(int count) {
    MutexLock lock(&mu_);
    while (count_ < count) changed_.WaitWithTimeout(&mu_, absl::Seconds(1));
  }
  int count() {
    MutexLock lock(&mu_);
    return count_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(PeriodicTask, TicksAtOnceAndAgainAfterThePeriod) {
  constexpr absl::Duration kPeriod = absl::Milliseconds(20);
  constexpr int kTicks = 4;
  const RealClock clock;
  Ticks ticks;
  PeriodicTask task("test", kPeriod, [&ticks] { ticks.Add(); });
  const absl::Time begin = clock.SteadyNow();
  task.Start();
  ticks.WaitFor(kTicks);
  EXPECT_GE(clock.SteadyNow() - begin, (kTicks - 1) * kPeriod);
}

TEST(PeriodicTask, ATickMayTellThePeriodUntilTheNext) {
  Ticks ticks;
  PeriodicTask task("test", [&ticks] {
    ticks.Add();
    return ticks.count() < 3 ? absl::ZeroDuration() : absl::InfiniteDuration();
  });
  task.Start();
  ticks.WaitFor(3);
  task.Wake();
  ticks.WaitFor(4);
  task.Stop();
  EXPECT_EQ(ticks.count(), 4);
}

TEST(PeriodicTask, AWakeDoesNotWaitForThePeriod) {
  Ticks ticks;
  PeriodicTask task("test", absl::Hours(1), [&ticks] { ticks.Add(); });
  task.Start();
  ticks.WaitFor(1);
  task.Wake();
  ticks.WaitFor(2);
}

TEST(PeriodicTask, NothingTicksAfterStop) {
  Ticks ticks;
  PeriodicTask task("test", absl::Hours(1), [&ticks] { ticks.Add(); });
  task.Start();
  ticks.WaitFor(1);
  task.Stop();
  task.Stop();
  task.Wake();
  EXPECT_EQ(ticks.count(), 1);
}

TEST(PeriodicTask, ATickCanBeCalledByHandWithoutStart) {
  Ticks ticks;
  PeriodicTask task("test", absl::Hours(1), [&ticks] { ticks.Add(); });
  task.Tick();
  EXPECT_EQ(ticks.count(), 1);
}

TEST(Thread, TheDestructorWaitsForItsBody) {
  std::atomic<bool> is_done{false};
  {
    const Thread thread("a name that is too long for the kernel", [&is_done] { is_done = true; });
  }
  EXPECT_TRUE(is_done);
}

}  // namespace
}  // namespace pmem
