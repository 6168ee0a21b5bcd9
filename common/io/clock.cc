// SPDX-License-Identifier: Apache-2.0
#include "common/io/clock.h"

#include <chrono>

namespace pmem {

absl::Time RealClock::SteadyNow() const {
  return absl::UnixEpoch() + absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace pmem
