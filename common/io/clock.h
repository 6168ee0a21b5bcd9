// SPDX-License-Identifier: Apache-2.0
// Time as a collaborator. Core code never sees a Clock: it is handed an absl::Time.
#pragma once

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace pmem {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, for what is shown to people. May jump.
  virtual absl::Time WallNow() const = 0;
  // A time line that only moves forward, for every interval we measure, also while the machine is
  // suspended: a leader that wakes up leads no more. Its zero means nothing.
  virtual absl::Time SteadyNow() const = 0;
};

// Thread-safe.
class RealClock final : public Clock {
 public:
  absl::Time WallNow() const override { return absl::Now(); }
  absl::Time SteadyNow() const override;
};

}  // namespace pmem
