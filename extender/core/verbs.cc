// SPDX-License-Identifier: Apache-2.0
#include "extender/core/verbs.h"

#include <algorithm>
#include <optional>

namespace pmem::extender {
namespace {

std::vector<std::optional<Leftover>> Leftovers(const Ledger& ledger, const VerbOptions& options,
                                               const Pod& pod, const PodDemand& demand,
                                               absl::Span<const std::string_view> nodes) {
  std::vector<std::optional<Leftover>> left;
  left.reserve(nodes.size());
  for (const std::string_view name : nodes) {
    left.push_back(ledger.LeftoverOn(name, demand, pod.meta.uid, options.strategy));
  }
  return left;
}

// Keeps the best `candidates_max` of the passing nodes; the others pass no more, and take no reason
// from the closed list: they are simply not named.
void KeepBest(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
              const PodDemand& demand, std::vector<std::string>& nodes) {
  if (options.candidates_max <= 0 || static_cast<int>(nodes.size()) <= options.candidates_max) {
    return;
  }
  const std::vector<std::string_view> names(nodes.begin(), nodes.end());
  const std::vector<int> scores =
      Scores(Leftovers(ledger, options, pod, demand, names), options.strategy);
  std::vector<size_t> order(nodes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&scores](size_t a, size_t b) { return scores[a] > scores[b]; });
  order.resize(options.candidates_max);
  std::sort(order.begin(), order.end());
  std::vector<std::string> best;
  for (const size_t i : order) best.push_back(nodes[i]);
  nodes = std::move(best);
}

}  // namespace

FilterDecision Filter(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
                      const PodDemand& demand, absl::Span<const std::string_view> nodes,
                      absl::Time now) {
  FilterDecision decision;
  decision.reasons.reserve(nodes.size());
  bool has_held = false;
  for (const std::string_view name : nodes) {
    const Reason reason = ledger.Judge(name, demand, pod.meta.uid, now, &decision.static_volumes);
    decision.reasons.push_back(reason);
    if (reason == Reason::kFits) decision.nodes.emplace_back(name);
    has_held |= reason == Reason::kHeld;
  }
  decision.is_held = decision.nodes.empty() && has_held;
  KeepBest(ledger, options, pod, demand, decision.nodes);
  return decision;
}

std::vector<int> Prioritize(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
                            const PodDemand& demand, absl::Span<const std::string_view> nodes) {
  if (demand.IsPmem()) {
    return Scores(Leftovers(ledger, options, pod, demand, nodes), options.strategy);
  }
  std::vector<int> scores;
  scores.reserve(nodes.size());
  bool has_pmem = false;
  for (const std::string_view name : nodes) {
    const NodeState* node = ledger.nodes().Find(name);
    const bool is_pmem = node != nullptr && node->has_agent;
    has_pmem |= is_pmem;
    scores.push_back(is_pmem ? 0 : options.plain_pod_score);
  }
  if (!has_pmem) std::fill(scores.begin(), scores.end(), 0);
  return scores;
}

std::vector<bool> Preempt(const Ledger& ledger, const Pod& pod, const PodDemand& demand,
                          absl::Span<const std::string_view> nodes, absl::Time now) {
  std::vector<bool> keep;
  keep.reserve(nodes.size());
  for (const std::string_view name : nodes) {
    const bool fits = ledger.JudgeFirm(name, demand, pod.meta.uid, now) == Reason::kFits;
    keep.push_back(!demand.IsPmem() || fits);
  }
  return keep;
}

}  // namespace pmem::extender
