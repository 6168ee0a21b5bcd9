// SPDX-License-Identifier: Apache-2.0
// Pod groups, as a scheduler sees them that lets each member wait, once it has a node, until all
// the others have one, too (Permit): all of them go on, or none.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "extender/core/kube_objects.h"

namespace pmem::extender::simulator {

// How long a member waits for the others at most. With two leaders the takeover window has to be
// longer by that: see docs/ledger.md, what it assumes.
inline constexpr absl::Duration kGroupWaitMax = absl::Seconds(10);

class PodGroups {
 public:
  void Add(const std::vector<Pod>& pods) {
    std::set<std::string> uids;
    for (const Pod& pod : pods) uids.insert(pod.meta.uid);
    for (const Pod& pod : pods) mates_[pod.meta.uid] = uids;
  }
  // UIDs of the pod's group, its own among them; empty: it is in none.
  std::set<std::string> Of(const std::string& pod_uid) const {
    const auto it = mates_.find(pod_uid);
    return it == mates_.end() ? std::set<std::string>() : it->second;
  }

 private:
  std::map<std::string, std::set<std::string>> mates_;
};

}  // namespace pmem::extender::simulator
