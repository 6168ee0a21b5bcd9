// SPDX-License-Identifier: Apache-2.0
// What all actors of a world share.
#pragma once

#include <map>
#include <string>

#include "tests/simulator/agenda.h"
#include "tests/simulator/devices.h"
#include "tests/simulator/kube.h"
#include "tests/simulator/plan.h"

namespace pmem::extender::simulator {

// The bounds of what a world may do, which docs/ledger.md states as what the ledger assumes.
inline constexpr absl::Duration kWatchDelayMax = absl::Seconds(3);
inline constexpr absl::Duration kReportDelayMax = absl::Seconds(5);
inline constexpr absl::Duration kCreationMax = absl::Seconds(8);

struct Stage {
  const Plan plan;
  Agenda agenda;
  Kube kube;
  std::map<std::string, Devices> devices;  // By node.
  bool is_calm = false;                    // Nothing goes wrong any more, and all is prompt.

  bool Has(std::string_view feature) const { return !is_calm && plan.Has(feature); }
};

}  // namespace pmem::extender::simulator
