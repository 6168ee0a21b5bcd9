// SPDX-License-Identifier: Apache-2.0
#include "common/io/periodic_task.h"

#include <pthread.h>

#include <utility>

#include "common/io/clock.h"

namespace pmem {
namespace {

constexpr size_t kThreadNameMax = 15;  // The kernel's.

}  // namespace

Thread::Thread(std::string name, std::function<void()> body)
    : thread_([name = std::move(name), body = std::move(body)] {
        ::pthread_setname_np(::pthread_self(), name.substr(0, kThreadNameMax).c_str());
        body();
      }) {}

Thread::~Thread() { thread_.join(); }

PeriodicTask::PeriodicTask(std::string name, absl::Duration period, std::function<void()> tick)
    : PeriodicTask(std::move(name), [period, tick = std::move(tick)] {
        tick();
        return period;
      }) {}

PeriodicTask::PeriodicTask(std::string name, std::function<absl::Duration()> tick,
                           absl::Duration spacing)
    : name_(std::move(name)), tick_(std::move(tick)), spacing_(spacing) {}

PeriodicTask::~PeriodicTask() { Stop(); }

void PeriodicTask::Start() {
  thread_ = std::make_unique<Thread>(name_, [this] { Run(); });
}

void PeriodicTask::Stop() {
  {
    MutexLock lock(&mu_);
    is_stopped_ = true;
    changed_.SignalAll();
  }
  thread_.reset();
}

void PeriodicTask::Wake() {
  MutexLock lock(&mu_);
  if (is_woken_) return;
  is_woken_ = true;
  changed_.SignalAll();
}

void PeriodicTask::Run() {
  while (WaitForNext(tick_())) {
  }
}

bool PeriodicTask::WaitForNext(absl::Duration period) {
  const RealClock clock;
  const absl::Time ended = clock.SteadyNow();
  MutexLock lock(&mu_);
  while (!is_stopped_) {
    const absl::Time next = ended + (is_woken_ ? std::min(spacing_, period) : period);
    const absl::Duration left = next - clock.SteadyNow();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitWithTimeout(&mu_, std::min(left, kSleepMax));
  }
  is_woken_ = false;
  return !is_stopped_;
}

}  // namespace pmem
