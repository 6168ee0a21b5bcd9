// SPDX-License-Identifier: Apache-2.0
// Time in which this process was there to listen. One that stood still (a paused virtual machine, a
// limit on its processor time, SIGSTOP) finds two things when it goes on: deadlines that are over,
// and in its sockets the evidence that came meanwhile. A hold must not end before that was read. So
// the time in which nobody asked for the time is none.
//
//   steady clock    0    1    2                        9   10
//   somebody asks   | || || | |                        |  || |
//   this clock      0    1    2                        3    4
//
// Not for what others measure too: whether a Lease has run out.
#pragma once

#include <optional>

#include "common/io/clock.h"
#include "common/io/mutex.h"

namespace pmem::extender {

// Thread-safe.
class AttendedClock final : public Clock {
 public:
  // Somebody asks at each tick, four times a second at least (Ticker::kIdlePeriod). What is longer
  // than this is left out, and logged.
  static constexpr absl::Duration kSilenceMax = absl::Seconds(1);

  // `clock` must outlive this one.
  explicit AttendedClock(const Clock* clock) : clock_(clock) {}

  absl::Time WallNow() const override { return clock_->WallNow(); }
  absl::Time SteadyNow() const override ABSL_LOCKS_EXCLUDED(mu_);
  // How much was left out so far. What was known before it grew may be older than it seems.
  absl::Duration LeftOut() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const Clock* const clock_;
  mutable Mutex mu_;
  mutable std::optional<absl::Time> asked_at_ ABSL_GUARDED_BY(mu_);
  mutable absl::Duration left_out_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem::extender
