// SPDX-License-Identifier: Apache-2.0
// The decisions of the extender's verbs. Const over the ledger; who answers a filter holds what
// it answered (Ledger::HoldOnIds) in the same critical section. Pure, deterministic.
//
// Unknown, stale and zero: a node without an agent, without a report, or with a stale one takes no
// new PMEM, each with its own reason. Filter is for pods with PMEM claims: the others may go
// everywhere, and are not asked about. Prioritize and Preempt take any pod. What a pod asks for
// must be known (PodDemand::IsKnown).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "extender/core/ledger.h"
#include "extender/core/score.h"

namespace pmem::extender {

struct VerbOptions {
  Strategy strategy = Strategy::kBinpack;
  // Nodes a filter answer names at most (candidate_choice.h); 0: all that fit. The scheduler scores
  // what is named, and every hold stands on it. 1 makes holds exact from the start, at the price of
  // the scheduler's own scoring.
  int candidates_max = 0;
  // Score of nodes without PMEM for pods that need none, so that PMEM nodes stay free for those
  // that do. 0: no preference.
  int plain_pod_score = 1;
};

struct FilterDecision {
  std::vector<Reason> reasons;    // One a node, in the request's order.
  std::vector<bool> is_named;     // Alike: it passes and the answer names it.
  std::vector<int32_t> node_ids;  // Of those that are named, in the request's order.
  size_t named_count = 0;
  // PersistentVolumes made by hand that the answer counts on, or that the claims may get on the
  // nodes that are named. Sorted.
  std::vector<std::string> static_volumes;
  bool is_held =
      false;  // None passes, some for no other reason than others' holds: ask again soon.
};

// `demand` is of a pod with PMEM claims (PodDemand::IsPmem).
FilterDecision Filter(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
                      const PodDemand& demand, absl::Span<const std::string_view> nodes,
                      absl::Time now);

// One score a node, 0..10. `demand` may be of a pod without PMEM claims.
std::vector<int> Prioritize(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
                            const PodDemand& demand, absl::Span<const std::string_view> nodes);

// Which nodes may stay candidates for preemption: evicting pods frees no PMEM, so a node without
// room for this pod is dropped. One bool a node. `demand` may be of a pod without PMEM claims,
// which keeps all of them.
std::vector<bool> Preempt(const Ledger& ledger, const PodDemand& demand,
                          absl::Span<const std::string_view> nodes, absl::Time now);

}  // namespace pmem::extender
