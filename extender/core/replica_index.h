// SPDX-License-Identifier: Apache-2.0
// Which claims a StatefulSet has made for one replica. Nothing on a claim says so before its pod is
// there: it has the labels of the set's selector, and the name <template>-<set>-<ordinal>, in which
// each part may have dashes. So claims of one kube namespace are taken for siblings when they have
// the same labels (and some) and their names end alike in at least "-<something>-<ordinal>".
//
// Pure. Refers to the cache's claims: valid while the cache is not changed.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/container/btree_map.h"
#include "extender/core/object_cache.h"

namespace pmem::extender {

class ReplicaIndex {
 public:
  explicit ReplicaIndex(const ObjectCache& cache);

  // The claims of the replica, by name, the claim itself among them; empty when it is of none.
  std::vector<const Claim*> Beside(const Claim& claim) const;

 private:
  // kube_namespace, ordinal with its dash, labels.
  using Key = std::tuple<std::string, std::string, std::map<std::string, std::string>>;
  static Key KeyOf(const Claim& claim);

  absl::btree_map<Key, std::vector<const Claim*>> claims_;
};

}  // namespace pmem::extender
