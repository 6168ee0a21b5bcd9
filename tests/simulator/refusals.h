// SPDX-License-Identifier: Apache-2.0
// Looks at pods that were refused although they fitted, again and again until they are answered a
// node, and says what each moment of it is due to. Changes nothing in the world.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simulator/oracle.h"
#include "tests/simulator/replica.h"

namespace pmem::extender::simulator {

class Refusals {
 public:
  // `leader` returns the replica that would be asked now, or null.
  Refusals(Stage& stage, Oracle& oracle, std::function<Replica*()> leader);

  // A filter call was answered; `names` are the nodes asked about.
  void Answered(const Pod& pod, bool is_refused, const std::vector<std::string>& names);
  // The pod's wait for us is over: gone, or waiting for somebody else.
  void Ended(const std::string& pod_uid);
  // A scheduler has an attempt under way for the pod, or gave it up.
  void SetUnderWay(const std::string& pod_uid, bool is_under_way);

 private:
  void Look();
  // nullopt: it does not fit now.
  std::optional<Cause> CauseOf(const Pod& pod) const;
  Cause CauseOn(const std::string& name, const Replica& leader, const Pod& pod,
                const PodDemand& demand) const;
  Cause CauseOfHolds(const NodeState& node, const Ledger& ledger, const Pod& pod,
                     const std::vector<Item>& promised, KindSet kinds) const;
  Cause CauseOfPromises(const NodeState& node, const std::vector<Item>& items) const;

  Stage& stage_;
  Oracle& oracle_;
  const std::function<Replica*()> leader_;
  std::map<std::string, Refusal> open_;  // By pod UID.
  std::set<std::string> under_way_;      // Pod UIDs.
  bool is_looking_ = false;
};

}  // namespace pmem::extender::simulator
