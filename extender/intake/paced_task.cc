// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/paced_task.h"

#include <algorithm>
#include <utility>

#include "common/io/clock.h"

namespace pmem::extender {

PacedTask::PacedTask(std::string name, absl::Duration spacing, std::function<absl::Duration()> tick)
    : name_(std::move(name)), spacing_(spacing), tick_(std::move(tick)) {}

PacedTask::~PacedTask() { Stop(); }

void PacedTask::Start() {
  thread_ = std::make_unique<Thread>(name_, [this] { Run(); });
}

void PacedTask::Stop() {
  {
    MutexLock lock(&mu_);
    is_stopped_ = true;
    changed_.SignalAll();
  }
  thread_.reset();
}

void PacedTask::Wake() {
  MutexLock lock(&mu_);
  if (is_woken_) return;
  is_woken_ = true;
  changed_.SignalAll();
}

void PacedTask::Run() {
  while (WaitForNext(tick_())) {
  }
}

bool PacedTask::WaitForNext(absl::Duration pause) {
  const RealClock clock;
  const absl::Time ended = clock.SteadyNow();
  const absl::Time latest = ended + pause;
  const absl::Time woken = std::min(latest, ended + spacing_);
  MutexLock lock(&mu_);
  while (!is_stopped_) {
    const absl::Duration left = (is_woken_ ? woken : latest) - clock.SteadyNow();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitWithTimeout(&mu_, std::min(left, PeriodicTask::kSleepMax));
  }
  is_woken_ = false;
  return !is_stopped_;
}

}  // namespace pmem::extender
