// SPDX-License-Identifier: Apache-2.0
#include "common/io/clock.h"

#include <ctime>

#include "common/pure/check.h"

namespace pmem {

// Not CLOCK_MONOTONIC: that one stands still while the machine is suspended, and others do not.
absl::Time RealClock::SteadyNow() const {
  timespec now{};
  PMEM_CHECK(::clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return absl::TimeFromTimespec(now);
}

}  // namespace pmem
