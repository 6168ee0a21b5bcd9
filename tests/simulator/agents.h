// SPDX-License-Identifier: Apache-2.0
// The capacity agents of all nodes, and the wires from each to each replica: late, lost, reordered.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/simulator/replica.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {

class Agents {
 public:
  Agents(Stage& stage, std::vector<std::unique_ptr<Replica>>& replicas);

  // The first reading of every node.
  void Start();
  // The node's devices changed.
  void Touch(const std::string& node);
  // The replica has a new process, which asks every agent.
  void Connect(Replica& replica);
  void Reboot(const std::string& node);
  void SetDown(const std::string& node, bool is_down);
  bool IsDown(const std::string& node) const { return agents_.at(node).is_down; }
  // A node with its agent is new, or there again.
  void Add(const std::string& node);
  // The agent is not among those that are expected any more.
  void Remove(const std::string& node);
  bool IsListed(const std::string& node) const { return agents_.at(node).is_listed; }

 private:
  struct Agent {
    int boot = 1;
    bool is_down = false;
    bool is_listed = true;
    std::shared_ptr<const CapacityReport> report;
  };

  bool Speaks(const std::string& node) const;
  void List();
  void Tell(Replica& replica);
  AgentsListed Listed() const;
  void Read(const std::string& node);
  void Send(const std::string& node, Replica& replica);
  void Poll(const std::string& node, Replica& replica, int process);
  absl::Duration Delay();

  Stage& stage_;
  std::vector<std::unique_ptr<Replica>>& replicas_;
  Random random_;
  std::map<std::string, Agent> agents_;
};

}  // namespace pmem::extender::simulator
