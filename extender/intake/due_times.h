// SPDX-License-Identifier: Apache-2.0
// When each of many named things is to be looked at next: what is due is found without a look at
// all the others. Not thread-safe.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace pmem::extender {

class DueTimes {
 public:
  // Instead of the time that it had; InfiniteFuture: not at all.
  void Set(const std::string& name, absl::Time at) {
    const auto found = at_.find(name);
    if (found != at_.end()) {
      if (found->second == at) return;
      order_.erase({found->second, name});
      at_.erase(found);
    }
    if (at == absl::InfiniteFuture()) return;
    at_.emplace(name, at);
    order_.emplace(at, name);
  }

  // The first of all times. InfiniteFuture: there is none.
  absl::Time First() const {
    return order_.empty() ? absl::InfiniteFuture() : order_.begin()->first;
  }

  void Clear() {
    at_.clear();
    order_.clear();
  }

  // The names whose time has come, `max` at most, those that waited longest first. They keep their
  // times.
  std::vector<std::string> Due(absl::Time now, size_t max) const {
    std::vector<std::string> due;
    for (const auto& [at, name] : order_) {
      if (at > now || due.size() == max) break;
      due.push_back(name);
    }
    return due;
  }

 private:
  absl::flat_hash_map<std::string, absl::Time> at_;
  absl::btree_set<std::pair<absl::Time, std::string>> order_;
};

}  // namespace pmem::extender
