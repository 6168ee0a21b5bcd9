// SPDX-License-Identifier: Apache-2.0
// Ledger: what agents say, and where they are.
#include <algorithm>
#include <set>
#include <string>

#include "extender/core/ledger.h"

namespace pmem::extender {

void Ledger::On(const ReportReceived& event, absl::Time now) {
  const NodeBook::Taken taken = nodes_.TakeReport(event.report, now);
  if (taken == NodeBook::Taken::kOld) ++counters_.reports_old;
  if (taken == NodeBook::Taken::kTaken) {
    ++counters_.reports_taken;
    AccountNode(nodes_.At(event.report->node), now);
  }
  NoteContact(event.report->node, now);
}

void Ledger::On(const AgentConfirmed& event, absl::Time now) {
  // The poll began after a report that we had refused: that one is what the agent says of now.
  if (event.generation && nodes_.TakeRefused(event.node, *event.generation)) {
    ++counters_.reports_taken;
    AccountNode(nodes_.At(event.node), now);
  }
  NodeState& node = nodes_.Open(event.node);
  const bool is_ours =
      !event.generation || node.report == nullptr || node.report->generation == *event.generation;
  if (!is_ours) return;  // That one was refused: what the agent says of now is not known.
  node.contact = now;
  node.failure.clear();
  NoteContact(event.node, now);
}

void Ledger::On(const AgentFailed& event, absl::Time) {
  nodes_.Open(event.node).failure = event.message;
}

void Ledger::DropIdleNodes() {
  nodes_.DropIdle([this](const NodeState& node) {
    return holds_.IsHeld(node.id) || !places_.On(node.name).empty();
  });
}

void Ledger::On(const AgentsListed& event, absl::Time now) {
  const std::set<std::string> listed(event.nodes.begin(), event.nodes.end());
  for (const auto& [name, node] : nodes_.nodes()) nodes_.SetAgent(name, listed.contains(name));
  for (const std::string& name : listed) nodes_.SetAgent(name, true);
  debts_end_first_ = std::min(debts_end_first_, now);  // Also where an agent will not answer now.
  DropIdleNodes();
  const std::vector<int32_t> known_ids = agent_nodes_;
  NoteAgentNodes();
  OweOnNew(known_ids, now);
  HoldAllForTakeover(now);  // Also on new nodes.
  is_uniform_.reset();
  synced_.insert(ObjectKind::kAgents);
  ++version_;
}

// Sorted once for all holds, of which there may be thousands.
void Ledger::NoteAgentNodes() {
  agent_nodes_.clear();
  for (const auto& [name, node] : nodes_.nodes()) {
    if (node->has_agent) agent_nodes_.push_back(node->id);
  }
  std::sort(agent_nodes_.begin(), agent_nodes_.end());
}

}  // namespace pmem::extender
