// SPDX-License-Identifier: Apache-2.0
// What stands between a claim and its volume on every node: the PV controller, the
// external-provisioner with its driver, and the resizer.
#pragma once

#include <set>
#include <string>
#include <utility>

#include "tests/simulator/agents.h"
#include "tests/simulator/oracle.h"
#include "tests/simulator/static_volumes.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {

class Provisioner {
 public:
  Provisioner(Stage& stage, Oracle& oracle, Agents& agents, StaticVolumes& statics);
  // The node is there again, and looks at its claims.
  void Resume(const std::string& node);

 private:
  bool IsOff(const std::string& node) const { return stage_.off.contains(node); }
  void Hear(const Event& event);
  void Consider(const Claim& claim);
  void Annotate(const std::string& uid);
  void Begin(const std::string& uid, const std::string& node);
  // The claim, if its volume is to be made on the node; else the creation is over.
  const Claim* Wanted(const std::string& uid, const std::string& node);
  void Make(const std::string& uid, const std::string& node);
  void Finish(const Claim& claim, const std::string& node);
  void Create(const Claim& claim, const std::string& node, Devices& devices);
  // False: there is no room for it, or the volume is there.
  bool LeaveHalf(const Claim& claim, const std::string& node, Devices& devices);
  void MakeAnew(const std::string& uid, const std::string& node);
  void Refused(const std::string& uid, const std::string& node);
  void Bind(const Claim& claim, const std::string& node);
  void Remove(const std::string& uid, const std::string& node);
  void Expand(const Claim& claim, const std::string& node);
  void BeginExpansion(const std::string& uid, const std::string& node);
  void FinishExpansion(const std::string& uid, const std::string& node, int64_t bytes);
  absl::Duration Blink();

  Stage& stage_;
  Oracle& oracle_;
  Agents& agents_;
  StaticVolumes& statics_;
  Random random_;
  std::set<std::pair<std::string, std::string>> making_;  // Claim UID and node.
  std::set<std::pair<std::string, PoolKind>> in_turn_;    // Of which node a volume is being made.
  std::set<std::string> expanding_;
};

}  // namespace pmem::extender::simulator
