// SPDX-License-Identifier: Apache-2.0
// A kube-scheduler: one scheduling cycle at a time, binding cycles beside it. What it does in which
// order is that of v1.36: filter, nominatedNodeName, selected-node of one claim after the other
// with the resource version it saw, then it waits for the volumes and binds the pod. It never takes
// a selected-node back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulator/refusals.h"
#include "tests/simulator/replica.h"
#include "tests/simulator/static_volumes.h"

namespace pmem::extender::simulator {

class Scheduler {
 public:
  // `leader` returns the replica that the Service leads to now, or null.
  Scheduler(Stage& stage, Oracle& oracle, Refusals& refusals, std::function<Replica*()> leader,
            StaticVolumes& statics, int number);
  ~Scheduler();
  static std::string Name(int number);

 private:
  struct Queued {
    absl::Time next;
    int attempts = 0;
    bool is_busy = false;
  };
  struct Attempt {
    Pod pod;
    std::vector<Claim> claims;  // As seen when it began; those it has to write.
    std::vector<std::string> names;
    std::map<std::string, StaticVolumes::Matches> matches;  // By node, as seen when it began.
    std::string node;
    Decision decision;
    size_t written = 0;
    int ends_after = -1;  // 0: the filter, 1: the nomination, 2: the first write; -1: it does not.
  };
  using AttemptPtr = std::shared_ptr<Attempt>;

  void Hear(const Event& event);
  void Loop();
  void Begin(const std::string& uid);
  bool Prepare(Attempt& attempt);
  void AskFor(const AttemptPtr& attempt, std::vector<std::string> names, bool is_nominated);
  void Answered(const AttemptPtr& attempt, const Reply& reply, bool is_nominated);
  // A member of a group waits for the others.
  void Permit(const AttemptPtr& attempt);
  void AdmitGroup(const std::set<std::string>& group);
  void GiveUpGroup(const std::string& pod_uid);
  std::vector<AttemptPtr> TakeWaiting(const std::set<std::string>& group);
  void Nominate(const AttemptPtr& attempt);
  void WriteNext(const AttemptPtr& attempt);
  // False: somebody else has written.
  bool Write(const Attempt& attempt, const Claim& seen);
  void Match(Attempt& attempt) const;
  void WaitForVolumes(const AttemptPtr& attempt);
  enum class Volumes { kBound, kWaiting, kFailed };
  Volumes Look(const Attempt& attempt) const;
  void GiveUp(const AttemptPtr& attempt);
  void EndCycle();
  absl::Duration ApiDelay();

  Stage& stage_;
  Oracle& oracle_;
  Refusals& refusals_;
  StaticVolumes& statics_;
  const std::function<Replica*()> leader_;
  const std::string name_;
  Random random_;
  int handle_ = 0;
  bool is_in_cycle_ = false;
  std::map<std::string, Queued> queue_;                   // By pod UID.
  std::map<std::string, std::set<std::string>> assumed_;  // Static volumes, by pod UID.
  std::map<std::string, AttemptPtr> permits_;  // By pod UID: waiting for the rest of the group.
};

}  // namespace pmem::extender::simulator
