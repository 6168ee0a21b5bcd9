// SPDX-License-Identifier: Apache-2.0
// What all actors of a world share.
#pragma once

#include <cstdio>
#include <map>
#include <set>
#include <string>

#include "tests/simulator/agenda.h"
#include "tests/simulator/bounds.h"
#include "tests/simulator/devices.h"
#include "tests/simulator/groups.h"
#include "tests/simulator/kube.h"
#include "tests/simulator/plan.h"

namespace pmem::extender::simulator {

struct Stage {
  const Plan plan;
  Agenda agenda;
  Kube kube;
  PodGroups groups;
  std::map<std::string, Devices> devices;  // By node.
  std::set<std::string> off;               // Nodes whose machine does not run.
  bool is_over = false;                    // All is taken down.
  bool is_calm = false;                    // Nothing goes wrong any more, and all is prompt.
  bool is_told = false;                    // What happens is printed.

  void Tell(const std::string& what) const {
    if (!is_told) return;
    const int64_t ms = absl::ToInt64Milliseconds(agenda.now() - Agenda::Begin());
    std::printf("%8ld ms  %s\n", ms, what.c_str());
  }

  bool Has(std::string_view feature) const { return !is_calm && plan.Has(feature); }
};

}  // namespace pmem::extender::simulator
