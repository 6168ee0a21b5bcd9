// SPDX-License-Identifier: Apache-2.0
#include "common/io/periodic_task.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/io/clock.h"
#include "tests/support/wait_until.h"

namespace pmem {
namespace {

constexpr absl::Duration kSpacing = absl::Milliseconds(20);

// Notes when it is called, and lets a test wait for a number of calls.
class Calls {
 public:
  absl::Duration Add(absl::Duration pause) {
    MutexLock lock(&mu_);
    times_.push_back(RealClock().SteadyNow());
    changed_.SignalAll();
    return pause;
  }
  std::vector<absl::Time> WaitFor(size_t count) {
    MutexLock lock(&mu_);
    WaitUntil("so many calls came", &mu_, &changed_,
              [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return times_.size() >= count; });
    return times_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<absl::Time> times_ ABSL_GUARDED_BY(mu_);
};

TEST(PeriodicTaskThatTellsItsPeriod, IsCalledWhenItSaidSoAndAtOnceWhenItSaidNothing) {
  const absl::Duration pause = 2 * kSpacing;
  Calls calls;
  PeriodicTask pauses(
      "test", [&calls, pause] { return calls.Add(pause); }, kSpacing);
  pauses.Start();
  const std::vector<absl::Time> times = calls.WaitFor(3);
  EXPECT_GE(times[2] - times[0], 2 * pause);
  Calls hurried;
  PeriodicTask hurries(
      "test", [&hurried] { return hurried.Add({}); }, absl::Hours(1));
  hurries.Start();
  hurried.WaitFor(3);
}

TEST(PeriodicTaskThatTellsItsPeriod, SleepsUntilItIsWokenAndNoLonger) {
  Calls calls;
  PeriodicTask task(
      "test", [&calls] { return calls.Add(absl::InfiniteDuration()); }, kSpacing);
  task.Start();
  for (size_t count = 1; count < 4; ++count) {
    calls.WaitFor(count);
    task.Wake();
  }
  const std::vector<absl::Time> times = calls.WaitFor(4);
  for (size_t i = 1; i < times.size(); ++i) EXPECT_GE(times[i] - times[i - 1], kSpacing);
}

TEST(PeriodicTaskThatTellsItsPeriod, AWakeInTheMiddleOfACallIsNotLost) {
  Calls calls;
  PeriodicTask* self = nullptr;
  bool is_first = true;
  PeriodicTask task(
      "test",
      [&] {
        if (is_first) self->Wake();
        is_first = false;
        return calls.Add(absl::InfiniteDuration());
      },
      kSpacing);
  self = &task;
  task.Start();
  calls.WaitFor(2);
}

TEST(PeriodicTaskThatTellsItsPeriod, StopsInTheMiddleOfItsSleep) {
  Calls calls;
  PeriodicTask task(
      "test", [&calls] { return calls.Add(absl::InfiniteDuration()); }, absl::Hours(1));
  task.Start();
  calls.WaitFor(1);
  task.Wake();
  task.Stop();
  task.Stop();
  task.Wake();
  EXPECT_EQ(calls.WaitFor(1).size(), 1U);
}

}  // namespace
}  // namespace pmem
