// SPDX-License-Identifier: Apache-2.0
#include "extender/core/verbs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "extender/core/candidate_choice.h"

namespace pmem::extender {
namespace {

using NodeIds = std::vector<int32_t>;  // -1: not known.

std::vector<Leftover> Leftovers(const LedgerJudge& judge, const NodeIds& nodes,
                                const Question& question, Strategy strategy) {
  std::vector<Leftover> left(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    left[i] = judge.LeftoverById(nodes[i], question, strategy);
  }
  return left;
}

// The others that pass take no reason from the closed list: they are simply not named.
void NameSome(const LedgerJudge& judge, const Question& question, const VerbOptions& options,
              std::string_view pod_uid, FilterDecision& decision) {
  std::vector<size_t> at;
  for (size_t i = 0; i < decision.reasons.size(); ++i) {
    if (decision.reasons[i] == Reason::kFits) at.push_back(i);
  }
  const NodeIds passing = std::move(decision.node_ids);
  decision.node_ids.clear();
  const auto count = static_cast<size_t>(options.candidates_max);
  const std::vector<int> scores =
      Scores(Leftovers(judge, passing, question, options.strategy), options.strategy);
  for (const size_t chosen : ChooseCandidates(scores, count, pod_uid)) {
    decision.is_named[at[chosen]] = true;
    decision.node_ids.push_back(passing[chosen]);
  }
}

// What is there on nodes that are not named stays for others.
void AddVolumesOfNamed(const LedgerJudge& judge, const Question& question,
                       FilterDecision& decision) {
  if (!question.may_be_static) return;
  std::vector<std::string>& volumes = decision.static_volumes;
  for (const int32_t id : decision.node_ids) judge.AddVolumes(id, question, volumes);
  std::sort(volumes.begin(), volumes.end());  // Some are reached by every node.
  volumes.erase(std::unique(volumes.begin(), volumes.end()), volumes.end());
}

}  // namespace

FilterDecision Filter(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
                      const PodDemand& demand, absl::Span<const std::string_view> nodes,
                      absl::Time now) {
  FilterDecision decision;
  decision.reasons.resize(nodes.size());
  decision.is_named.resize(nodes.size());
  const Question question = ledger.judge().Ask(demand, pod.meta.uid, now);
  const NodeIds ids = ledger.nodes().FindIds(nodes);
  decision.node_ids.resize(nodes.size());
  size_t passing = 0;
  bool has_held = false;
  for (size_t i = 0; i < ids.size(); ++i) {
    const Reason reason = ledger.judge().JudgeById(ids[i], question);
    decision.reasons[i] = reason;
    has_held |= reason == Reason::kHeld;
    decision.node_ids[passing] = ids[i];
    if (reason == Reason::kFits) ++passing;
  }
  decision.node_ids.resize(passing);
  decision.is_held = decision.node_ids.empty() && has_held;
  const auto count = static_cast<size_t>(std::max(0, options.candidates_max));
  if (count > 0 && decision.node_ids.size() > count) {
    NameSome(ledger.judge(), question, options, pod.meta.uid, decision);
  } else if (decision.node_ids.size() == ids.size()) {
    decision.is_named.assign(ids.size(), true);
  } else {
    for (size_t i = 0; i < ids.size(); ++i) {
      decision.is_named[i] = decision.reasons[i] == Reason::kFits;
    }
  }
  AddVolumesOfNamed(ledger.judge(), question, decision);
  decision.named_count = decision.node_ids.size();
  return decision;
}

std::vector<int> Prioritize(const Ledger& ledger, const VerbOptions& options, const Pod& pod,
                            const PodDemand& demand, absl::Span<const std::string_view> nodes) {
  if (demand.IsPmem()) {
    const NodeIds found = ledger.nodes().FindIds(nodes);
    const Question question = ledger.judge().Ask(demand, pod.meta.uid, absl::InfinitePast());
    return Scores(Leftovers(ledger.judge(), found, question, options.strategy), options.strategy);
  }
  std::vector<int> scores;
  scores.reserve(nodes.size());
  bool has_pmem = false;
  for (const int32_t id : ledger.nodes().FindIds(nodes)) {
    const bool is_pmem = ledger.nodes().HasAgent(id);
    has_pmem |= is_pmem;
    scores.push_back(is_pmem ? 0 : options.plain_pod_score);
  }
  if (!has_pmem) std::fill(scores.begin(), scores.end(), 0);
  return scores;
}

std::vector<bool> Preempt(const Ledger& ledger, const PodDemand& demand,
                          absl::Span<const std::string_view> nodes, absl::Time now) {
  if (!demand.IsPmem()) return std::vector<bool>(nodes.size(), true);
  std::vector<bool> keep;
  keep.reserve(nodes.size());
  for (const std::string_view name : nodes) {
    const Reason reason = ledger.judge().JudgeFirm(name, demand, now);
    keep.push_back(reason == Reason::kFits);
  }
  return keep;
}

}  // namespace pmem::extender
