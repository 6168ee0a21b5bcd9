// SPDX-License-Identifier: Apache-2.0
#include "extender/core/node_match.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace pmem::extender {
namespace {

constexpr std::string_view kUnschedulableTaint = "node.kubernetes.io/unschedulable";
constexpr std::string_view kNoSchedule = "NoSchedule";
constexpr std::string_view kNoExecute = "NoExecute";
constexpr std::string_view kNameField = "metadata.name";

// As Go's ParseInt with base 10.
std::optional<int64_t> ParseInteger(std::string_view text) {
  const bool has_plus = text.starts_with('+');
  if (has_plus) text.remove_prefix(1);
  if (text.empty() || (has_plus && text.front() == '-')) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool Contains(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool Compares(const SelectorRequirement& requirement, const std::string& label) {
  if (requirement.values.size() != 1) return false;
  const std::optional<int64_t> wanted = ParseInteger(requirement.values[0]);
  const std::optional<int64_t> found = ParseInteger(label);
  if (!wanted || !found) return false;
  return requirement.op == "Gt" ? *found > *wanted : *found < *wanted;
}

bool MatchesLabel(const SelectorRequirement& requirement, const Node& node) {
  const auto label = node.labels.find(requirement.key);
  const bool is_there = label != node.labels.end();
  const std::vector<std::string>& values = requirement.values;
  if (requirement.op == "Exists") return values.empty() && is_there;
  if (requirement.op == "DoesNotExist") return values.empty() && !is_there;
  if (values.empty()) return false;
  if (requirement.op == "In") return is_there && Contains(values, label->second);
  if (requirement.op == "NotIn") return !is_there || !Contains(values, label->second);
  if (requirement.op == "Gt" || requirement.op == "Lt") {
    return is_there && Compares(requirement, label->second);
  }
  return false;
}

// Fields take In and NotIn with one value. A field that a node does not have is empty.
bool MatchesField(const SelectorRequirement& requirement, const Node& node) {
  if (requirement.values.size() != 1) return false;
  const std::string& found = requirement.key == kNameField ? node.meta.key.name : std::string();
  if (requirement.op == "In") return found == requirement.values[0];
  if (requirement.op == "NotIn") return found != requirement.values[0];
  return false;
}

bool MatchesTerm(const NodeSelectorTerm& term, const Node& node) {
  if (term.labels.empty() && term.fields.empty()) return false;
  const auto label = [&](const SelectorRequirement& r) { return MatchesLabel(r, node); };
  const auto field = [&](const SelectorRequirement& r) { return MatchesField(r, node); };
  return std::all_of(term.labels.begin(), term.labels.end(), label) &&
         std::all_of(term.fields.begin(), term.fields.end(), field);
}

bool ToleratesOne(const Toleration& toleration, const Taint& taint) {
  if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  if (toleration.op == "Exists") return true;
  const bool is_equal = toleration.op.empty() || toleration.op == "Equal";
  return is_equal && toleration.value == taint.value;
}

bool KeepsAway(const Taint& taint, const Pod& pod) {
  const bool counts = taint.effect == kNoSchedule || taint.effect == kNoExecute;
  return counts && !Tolerates(pod.tolerations, taint);
}

bool MatchesSelector(const Pod& pod, const Node& node) {
  return std::all_of(pod.node_selector.begin(), pod.node_selector.end(), [&](const auto& wanted) {
    const auto label = node.labels.find(wanted.first);
    return label != node.labels.end() && label->second == wanted.second;
  });
}

bool Fits(int64_t requested, int64_t allocatable, int64_t used) {
  return requested == 0 || requested <= allocatable - used;
}

}  // namespace

std::string_view NodeMismatchName(NodeMismatch mismatch) {
  switch (mismatch) {
    case NodeMismatch::kUnschedulable:
      return "unschedulable";
    case NodeMismatch::kTaint:
      return "taint";
    case NodeMismatch::kNodeSelector:
      return "node_selector";
    case NodeMismatch::kNodeAffinity:
      return "node_affinity";
    case NodeMismatch::kCpu:
      return "cpu";
    case NodeMismatch::kMemory:
      return "memory";
  }
  return "";
}

std::optional<NodeMismatch> MatchNode(const Pod& pod, const Node& node, const NodeUse& used) {
  const Taint cordon{
      .key = std::string(kUnschedulableTaint), .value = "", .effect = std::string(kNoSchedule)};
  if (node.is_unschedulable && !Tolerates(pod.tolerations, cordon)) {
    return NodeMismatch::kUnschedulable;
  }
  const auto keeps_away = [&](const Taint& taint) { return KeepsAway(taint, pod); };
  if (std::any_of(node.taints.begin(), node.taints.end(), keeps_away)) return NodeMismatch::kTaint;
  if (!MatchesSelector(pod, node)) return NodeMismatch::kNodeSelector;
  if (pod.required_node_affinity && !MatchesAnyTerm(*pod.required_node_affinity, node)) {
    return NodeMismatch::kNodeAffinity;
  }
  if (!Fits(pod.requested_cpu_milli, node.allocatable_cpu_milli, used.cpu_milli)) {
    return NodeMismatch::kCpu;
  }
  if (!Fits(pod.requested_memory_bytes, node.allocatable_memory_bytes, used.memory_bytes)) {
    return NodeMismatch::kMemory;
  }
  return std::nullopt;
}

bool MatchesAnyTerm(const std::vector<NodeSelectorTerm>& terms, const Node& node) {
  return std::any_of(terms.begin(), terms.end(),
                     [&](const NodeSelectorTerm& term) { return MatchesTerm(term, node); });
}

bool Tolerates(const std::vector<Toleration>& tolerations, const Taint& taint) {
  return std::any_of(tolerations.begin(), tolerations.end(),
                     [&](const Toleration& one) { return ToleratesOne(one, taint); });
}

}  // namespace pmem::extender
