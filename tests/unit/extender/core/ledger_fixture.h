// SPDX-License-Identifier: Apache-2.0
// For the tests of the ledger.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "extender/core/ledger.h"
#include "extender/core/verbs.h"
#include "tests/support/builders.h"

namespace pmem::extender {

// A synced ledger with nodes n1..nN, each with an LVM pool of the same size, and what the scheduler
// would do to it.
class LedgerTest : public testing::Test {
 protected:
  void Start(int nodes, int64_t pool_bytes) {
    names_.clear();
    for (int i = 1; i <= nodes; ++i) names_.push_back("n" + std::to_string(i));
    for (const Event& event : ListsOf({.agents = names_})) Apply(event);
    for (const std::string& name : names_) {
      Apply(MakeReport(name, 1, {MakeLvmPool(pool_bytes)}));
    }
  }

  // Nothing is known any more.
  void Restart(LedgerOptions options = {}) {
    std::destroy_at(&ledger_);
    std::construct_at(&ledger_, options);
  }

  void Apply(const Event& event) {
    ledger_.Apply(event, now_);
    ledger_.Expire(now_);
    ASSERT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
  }

  void Pass(absl::Duration duration) {
    now_ += duration;
    ledger_.Expire(now_);
  }

  // Filters over all nodes and holds what was answered. Returns the passing nodes.
  std::vector<std::string> FilterPod(const Pod& pod) {
    const PodDemand demand = ledger_.Demand(pod, nullptr);
    const std::vector<std::string_view> names(names_.begin(), names_.end());
    FilterDecision decision = Filter(ledger_, {}, pod, demand, names, now_);
    reasons_ = decision.reasons;
    is_held_ = decision.is_held;
    ledger_.HoldOnIds(pod, demand, decision.node_ids, decision.static_volumes, now_);
    EXPECT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
    std::vector<std::string> named;
    for (size_t i = 0; i < names_.size(); ++i) {
      if (decision.is_named[i]) named.push_back(names_[i]);
    }
    return named;
  }

  Claim Pin(Claim claim, const std::string& node) {
    claim.selected_node = node;
    Apply(Seen<Claim>{claim});
    return claim;
  }

  Pod AddPod(int number, const std::vector<Claim>& claims) {
    for (const Claim& claim : claims) Apply(Seen<Claim>{claim});
    const Pod pod = MakePod(number, claims);
    Apply(Seen<Pod>{pod});
    return pod;
  }

  using Names = std::vector<std::string>;
  absl::Time now_ = absl::FromUnixSeconds(1000);
  Ledger ledger_{LedgerOptions{}};
  Names names_;
  std::vector<Reason> reasons_;
  bool is_held_ = false;
};

}  // namespace pmem::extender
