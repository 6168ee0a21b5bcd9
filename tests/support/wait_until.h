// SPDX-License-Identifier: Apache-2.0
// The one way to wait in a test for what an Event does not tell: bounded, and it says what was
// waited for in vain.
#pragma once

#include <cstdio>
#include <thread>

#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"

namespace pmem {

// Long enough for any machine; what fails takes so long.
inline constexpr absl::Duration kWaitMax = absl::Seconds(30);

inline bool WaitedInVain(const char* what) {
  std::fprintf(stderr, "waited in vain until %s\n", what);
  return false;
}

// Asks again and again. False: `condition` did not come true.
template <class Condition>
[[nodiscard]] bool WaitUntil(const char* what, Condition condition) {
  const RealClock clock;
  const absl::Time end = clock.SteadyNow() + kWaitMax;
  while (!condition()) {
    if (clock.SteadyNow() >= end) return WaitedInVain(what);
    std::this_thread::yield();
  }
  return true;
}

// The same of what is guarded by `mu`, which is held, and signalled. Asks at each signal.
template <class Condition>
bool WaitUntil(const char* what, Mutex* mu, CondVar* changed,
               Condition condition) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const RealClock clock;
  const absl::Time end = clock.SteadyNow() + kWaitMax;
  while (!condition()) {
    if (clock.SteadyNow() >= end) return WaitedInVain(what);
    changed->WaitWithTimeout(mu, end - clock.SteadyNow());
  }
  return true;
}

}  // namespace pmem
