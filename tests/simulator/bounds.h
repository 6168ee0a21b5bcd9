// SPDX-License-Identifier: Apache-2.0
// The bounds of what a world may do, which docs/ledger.md states as what the ledger assumes.
// creation_times_test.cc compares them with the programs'.
#pragma once

#include "absl/time/time.h"

namespace pmem::extender::simulator {

inline constexpr absl::Duration kWatchDelayMax = absl::Seconds(3);
inline constexpr absl::Duration kReportDelayMax = absl::Seconds(5);
// How long a creation waits for those before it until the driver looks at its claim.
inline constexpr absl::Duration kTurnMax = absl::Seconds(30);
// From that look until its room is taken and the driver looks again. Nothing bounds it: this is
// longer than what is held for a claim that ends meanwhile.
inline constexpr absl::Duration kCreationMax = absl::Seconds(60);
inline constexpr absl::Duration kExpansionMax = absl::Seconds(10);

}  // namespace pmem::extender::simulator
