// SPDX-License-Identifier: Apache-2.0
#include "extender/core/known_nodes.h"

#include <array>
#include <optional>
#include <string>

#include "common/pure/capacity_report.h"
#include "common/pure/names.h"

namespace pmem::extender {

// As manifests/base/agent.yaml has it: the older key counts without the other only.
bool HasPmemLabel(const Node& node) {
  static const auto* const kKeys =
      new std::array<std::string, 2>{std::string(kNodeTypeLabel), std::string(kNodeTypeLabelOld)};
  for (const std::string& key : *kKeys) {
    const auto label = node.labels.find(key);
    if (label != node.labels.end()) return PoolKindFromName(label->second).has_value();
  }
  return false;
}

std::string LookAtNodes(const Ledger& ledger, const Page& page,
                        absl::FunctionRef<bool(const KnownNode&)> look) {
  const auto& states = ledger.nodes().nodes();
  const auto& objects = ledger.cache().nodes();
  auto state = states.upper_bound(page.after);
  auto object = objects.upper_bound(page.after);
  std::string last;
  int taken = 0;
  int looked = 0;
  while (state != states.end() || object != objects.end()) {
    if (taken >= page.limit || looked >= kPageLooksMax) return last;
    const bool has_state =
        state != states.end() && (object == objects.end() || state->first <= object->first);
    const bool has_object =
        object != objects.end() && (state == states.end() || object->first <= state->first);
    const KnownNode node{.name = has_state ? state->first : object->first,
                         .object = has_object ? &object->second : nullptr,
                         .state = has_state ? state->second.get() : nullptr};
    last = node.name;
    ++looked;
    if ((has_object || node.HasAgent()) && look(node)) ++taken;
    if (has_state) ++state;
    if (has_object) ++object;
  }
  return "";
}

std::optional<KnownNode> FindKnownNode(const Ledger& ledger, const std::string& name) {
  const KnownNode node{
      .name = name, .object = ledger.cache().FindNode(name), .state = ledger.nodes().Find(name)};
  if (node.object == nullptr && !node.HasAgent()) return std::nullopt;
  return node;
}

bool LacksAgent(const Ledger& ledger, const KnownNode& node) {
  if (node.object == nullptr || node.HasAgent()) return false;
  const bool has_claims =
      node.state != nullptr && (!node.state->IsIdle() || !ledger.places().On(node.name).empty());
  return has_claims || HasPmemLabel(*node.object);
}

bool IsOfPmem(const Ledger& ledger, const KnownNode& node) {
  return node.HasAgent() || LacksAgent(ledger, node);
}

Freshness FreshnessOf(const Ledger& ledger, const KnownNode& node, absl::Time now) {
  if (node.state == nullptr) return Freshness::kNoAgent;
  return NodeBook::FreshnessOf(*node.state, now, ledger.options().agent_silence_max);
}

}  // namespace pmem::extender
