// SPDX-License-Identifier: Apache-2.0
#include "common/io/work_paced_task.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <utility>

#include "common/io/clock.h"
#include "common/pure/check.h"

namespace pmem {
namespace {

// Sent to the one thread that waits for it, which has it blocked: it is never delivered.
int WorkSignal() { return SIGRTMIN; }

sigset_t WorkSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, WorkSignal());
  return set;
}

timespec AtLeastNow(absl::Duration duration) {
  return absl::ToTimespec(std::max(duration, absl::ZeroDuration()));
}

// The kernel's: of the processor's time that the process takes. For the thread that made it.
class WorkTimer {
 public:
  WorkTimer() {
    const sigset_t set = WorkSignals();
    PMEM_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = WorkSignal();
    event._sigev_un._tid = ::gettid();
    has_timer_ = ::timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer_) == 0;
  }
  ~WorkTimer() {
    if (has_timer_) ::timer_delete(timer_);
  }
  WorkTimer(const WorkTimer&) = delete;
  WorkTimer& operator=(const WorkTimer&) = delete;

  // Counts anew, from now. False: this kernel does not count.
  bool Begin() {
    const itimerspec work{.it_interval = {}, .it_value = AtLeastNow(kWork)};
    const sigset_t set = WorkSignals();
    const timespec now{};
    while (::sigtimedwait(&set, nullptr, &now) > 0) {  // Of before.
    }
    return has_timer_ && ::timer_settime(timer_, 0, &work, nullptr) == 0;
  }
  // Until there was work since Begin, or somebody sent the signal.
  static void Wait(absl::Duration at_most) {
    const sigset_t set = WorkSignals();
    const timespec end = AtLeastNow(at_most);
    ::sigtimedwait(&set, nullptr, &end);
  }

 private:
  timer_t timer_{};
  bool has_timer_ = false;
};

}  // namespace

WorkPacedTask::WorkPacedTask(std::string name, Pace pace, Tick tick)
    : name_(std::move(name)), pace_(pace), tick_(std::move(tick)) {}

WorkPacedTask::~WorkPacedTask() { Stop(); }

void WorkPacedTask::Start() {
  thread_ = std::make_unique<Thread>(name_, [this] { Run(); });
}

void WorkPacedTask::Stop() {
  {
    MutexLock lock(&mu_);
    is_stopped_ = true;
    changed_.SignalAll();
    // It lives: it ends once it has seen that it is to stop, for which it needs the lock.
    if (std::exchange(has_runner_, false)) ::pthread_kill(runner_, WorkSignal());
  }
  thread_.reset();
}

void WorkPacedTask::Run() {
  WorkTimer timer;
  {
    MutexLock lock(&mu_);
    runner_ = ::pthread_self();
    has_runner_ = !is_stopped_;
  }
  while (true) {
    const bool is_busy = tick_();
    const bool counts = timer.Begin();
    if (!WaitBusy()) return;
    if (is_busy || !counts) continue;
    WorkTimer::Wait(pace_.idle - pace_.busy);
    if (IsStopped()) return;
  }
}

bool WorkPacedTask::WaitBusy() {
  const RealClock clock;
  const absl::Time end = clock.SteadyNow() + pace_.busy;
  MutexLock lock(&mu_);
  for (absl::Time now = clock.SteadyNow(); !is_stopped_ && now < end; now = clock.SteadyNow()) {
    changed_.WaitWithTimeout(&mu_, end - now);
  }
  return !is_stopped_;
}

bool WorkPacedTask::IsStopped() {
  MutexLock lock(&mu_);
  return is_stopped_;
}

}  // namespace pmem
