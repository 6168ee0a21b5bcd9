// SPDX-License-Identifier: Apache-2.0
// One world: it is built from its plan, lives through its faults, is left alone, judged, emptied,
// and judged again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulator/agents.h"
#include "tests/simulator/cluster.h"
#include "tests/simulator/oracle.h"
#include "tests/simulator/plan.h"
#include "tests/simulator/provisioner.h"
#include "tests/simulator/refusals.h"
#include "tests/simulator/replica.h"
#include "tests/simulator/scheduler.h"
#include "tests/simulator/users.h"

namespace pmem::extender::simulator {

class World {
 public:
  explicit World(const Plan& plan, bool is_told = false);

  // Empty: nothing was wrong; else what was first.
  std::string Run();
  const Tally& tally() { return oracle_.tally(); }

 private:
  void BuildClasses();
  void StartReplica(Replica& replica);
  Replica* Leader();
  void Appoint(size_t preferred);
  void Faults(absl::Time end);
  void KillOne();
  void ChangeLeader();
  void HandOver(size_t next);
  void Lead(Replica& replica);
  void CalmDown();
  void JudgePlacements();
  void JudgePending(const Pod& pod);
  void JudgeLeaks(const Replica& replica);

  Stage stage_;
  Oracle oracle_;
  Random random_;
  StaticVolumes statics_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  Agents agents_;
  Refusals refusals_;
  std::unique_ptr<Provisioner> provisioner_;
  std::unique_ptr<Cluster> cluster_;
  std::vector<std::unique_ptr<Scheduler>> schedulers_;
  std::unique_ptr<Users> users_;
};

}  // namespace pmem::extender::simulator
