// SPDX-License-Identifier: Apache-2.0
#include "extender/core/verbs.h"

#include <algorithm>
#include <optional>

namespace pmem::extender {
namespace {

using NodePointers = std::vector<const NodeState*>;

std::vector<std::optional<Leftover>> Leftovers(const Ledger& ledger, const NodePointers& nodes,
                                               const Ledger::Question& question,
                                               Strategy strategy) {
  std::vector<std::optional<Leftover>> left;
  left.reserve(nodes.size());
  for (const NodeState* node : nodes) left.push_back(ledger.LeftoverOn(node, question, strategy));
  return left;
}

// Indices of the best `count` of the nodes, in order.
std::vector<size_t> Best(const Ledger& ledger, const NodePointers& nodes,
                         const Ledger::Question& question, Strategy strategy, size_t count) {
  const std::vector<int> scores = Scores(Leftovers(ledger, nodes, question, strategy), strategy);
  std::vector<size_t> order(nodes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&scores](size_t a, size_t b) { return scores[a] > scores[b]; });
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace

FilterDecision Filter(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
                      const PodDemand& demand, absl::Span<const std::string_view> nodes,
                      absl::Time now) {
  FilterDecision decision;
  decision.reasons.reserve(nodes.size());
  decision.is_named.resize(nodes.size());
  const Ledger::Question question = ledger.Ask(demand, pod.meta.uid, now);
  NodePointers passing;
  std::vector<size_t> at;
  passing.reserve(nodes.size());
  at.reserve(nodes.size());
  bool has_held = false;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const NodeState* node = ledger.nodes().Find(nodes[i]);
    const Reason reason = ledger.Judge(node, question, &decision.static_volumes);
    decision.reasons.push_back(reason);
    has_held |= reason == Reason::kHeld;
    if (reason != Reason::kFits) continue;
    passing.push_back(node);
    at.push_back(i);
  }
  decision.is_held = passing.empty() && has_held;
  const auto name = [&](size_t index) {
    decision.is_named[at[index]] = true;
    decision.node_ids.push_back(passing[index]->id);
  };
  decision.node_ids.reserve(passing.size());
  const auto count = static_cast<size_t>(std::max(0, options.candidates_max));
  if (count > 0 && passing.size() > count) {
    // The others take no reason from the closed list: they are simply not named.
    for (const size_t i : Best(ledger, passing, question, options.strategy, count)) name(i);
  } else {
    for (size_t i = 0; i < passing.size(); ++i) name(i);
  }
  return decision;
}

std::vector<int> Prioritize(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
                            const PodDemand& demand, absl::Span<const std::string_view> nodes) {
  if (demand.IsPmem()) {
    NodePointers found;
    found.reserve(nodes.size());
    for (const std::string_view name : nodes) found.push_back(ledger.nodes().Find(name));
    const Ledger::Question question = ledger.Ask(demand, pod.meta.uid, absl::InfinitePast());
    return Scores(Leftovers(ledger, found, question, options.strategy), options.strategy);
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
