// SPDX-License-Identifier: Apache-2.0
// The nodes: they are there from the start, join, go, and come back as they were or as another
// machine of the same name.
#pragma once

#include <cstdint>
#include <string>

#include "tests/simulator/agents.h"
#include "tests/simulator/provisioner.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {

inline constexpr int64_t kNodeBytes = int64_t{64} << 30;

class Cluster {
 public:
  Cluster(Stage& stage, Agents& agents, Provisioner& provisioner);

  // The Node object and the devices. `number` counts from 1.
  void Build(int number);
  void Join();
  void LoseAny();
  void LoseAnyAgent();

 private:
  void Lose(const std::string& name);
  void Return(const std::string& name);
  std::string AnyNode();

  Stage& stage_;
  Agents& agents_;
  Provisioner& provisioner_;
  Random random_;
  std::map<std::string, Node> nodes_;  // Those that were ever there.
};

}  // namespace pmem::extender::simulator
