// SPDX-License-Identifier: Apache-2.0
#include "extender/core/pin_search.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "common/pure/units.h"

namespace pmem::extender {
namespace {

std::string_view MismatchText(NodeMismatch mismatch) {
  switch (mismatch) {
    case NodeMismatch::kUnschedulable:
      return "cordoned";
    case NodeMismatch::kTaint:
      return "taint that the pod does not tolerate";
    case NodeMismatch::kNodeSelector:
      return "node selector of the pod does not match";
    case NodeMismatch::kNodeAffinity:
      return "node affinity of the pod does not match";
    case NodeMismatch::kCpu:
      return "insufficient cpu";
    case NodeMismatch::kMemory:
      return "insufficient memory";
  }
  return "";
}

std::string_view OtherText(NodeRefusals::Other other) {
  switch (other) {
    case NodeRefusals::Other::kNoNode:
      return "no Node object";
    case NodeRefusals::Other::kOtherTopology:
      return "outside the class's allowed topologies";
    case NodeRefusals::Other::kOtherNode:
      return "a pod of the claim is on another node";
    case NodeRefusals::Other::kOtherVolume:
      return "another volume of the pod is on another node";
    case NodeRefusals::Other::kRefusedLately:
      return "the claim was refused there a moment ago";
    case NodeRefusals::Other::kUnread:
      return "cpu and memory in use not read yet";
  }
  return "";
}

}  // namespace

std::string_view NodeRefusals::TextAt(size_t at) {
  if (at < kMismatchesAt) return ReasonText(static_cast<Reason>(at));
  if (at < kOthersAt) return MismatchText(static_cast<NodeMismatch>(at - kMismatchesAt));
  return OtherText(static_cast<Other>(at - kOthersAt));
}

std::vector<size_t> NodeRefusals::InOrder() const {
  std::vector<size_t> order(kEnd);
  std::iota(order.begin(), order.end(), size_t{0});
  std::erase_if(order, [this](size_t at) { return counts_[at] == 0; });
  std::stable_sort(order.begin(), order.end(),
                   [this](size_t a, size_t b) { return counts_[a] > counts_[b]; });
  return order;
}

int NodeRefusals::firm() const {
  const int all = std::accumulate(counts_.begin(), counts_.begin() + kMismatchesAt, 0);
  return all - counts_[static_cast<size_t>(Reason::kHeld)];
}

std::string NodeRefusals::Text() const {
  std::string text =
      absl::StrCat("0/", std::accumulate(counts_.begin(), counts_.end(), 0), " nodes");
  std::string_view separator = ": ";
  for (const size_t at : InOrder()) {
    absl::StrAppend(&text, AbslView(separator), counts_[at], " ", AbslView(TextAt(at)));
    separator = ", ";
  }
  return text;
}

std::string_view NodeRefusals::FirstText() const {
  const std::vector<size_t> order = InOrder();
  return order.empty() ? std::string_view() : TextAt(order.front());
}

struct NodeSearch::Candidates {
  std::vector<const NodeState*> nodes;
  std::vector<Leftover> left;
};

FoundNode NodeSearch::Find(const Pods& pods, const PodDemand& demand,
                           std::string_view owner) const {
  const bool is_preset = !pods.empty() && !pods.front()->node_name.empty();
  return is_preset ? FindPreset(pods, demand, owner) : FindBest(pods, demand, owner);
}

// The pod came with its node: no scheduler will bind its claims to volumes that are there, so
// those that no volume is made for get none.
FoundNode NodeSearch::FindPreset(const Pods& pods, const PodDemand& demand,
                                 std::string_view owner) const {
  PodDemand made = demand;
  made.DropStaticOnly();
  Question question = ledger_.judge().AskAside(made, owner, now_);
  question.may_be_static = false;
  FoundNode found{.judged = 1};
  Candidates candidates;
  const NodeState* node = ledger_.nodes().Find(pods.front()->node_name);
  if (node == nullptr) {
    found.refusals.Add(Reason::kNoAgent);
  } else {
    Judge(*node, question, pods, candidates, found.refusals);
  }
  Choose(candidates, pods, found);
  return found;
}

FoundNode NodeSearch::FindBest(const Pods& pods, const PodDemand& demand,
                               std::string_view owner) const {
  const Question question = ledger_.judge().AskAside(demand, owner, now_);
  const auto& nodes = ledger_.nodes().nodes();
  FoundNode found{.judged = static_cast<int>(nodes.size())};
  if (question.memo != nullptr) found.shape = question.items;
  Candidates candidates;
  int strangers = 0;  // Names that nothing but a pin knows: no nodes.
  for (const auto& [name, node] : nodes) {
    if (!node->has_agent && ledger_.cache().FindNode(name) == nullptr) {
      ++strangers;
      continue;
    }
    Judge(*node, question, pods, candidates, found.refusals);
  }
  // Nodes without an agent are not in the book.
  const auto others =
      static_cast<int>(ledger_.cache().nodes().size()) - static_cast<int>(nodes.size()) + strangers;
  found.refusals.Add(Reason::kNoAgent, std::max(0, others));
  Choose(candidates, pods, found);
  return found;
}

void NodeSearch::Choose(const Candidates& candidates, const Pods& pods, FoundNode& found) const {
  if (candidates.nodes.empty()) return;
  const std::vector<int> scores = Scores(candidates.left, options_.strategy);
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  found.node = candidates.nodes[static_cast<size_t>(best)]->name;
  if (IsUseKnown(found.node, pods)) return;
  // The more nodes are known to be busy, the more of the others are read at once.
  const size_t wanted = 1 + static_cast<size_t>(found.refusals.busy());
  found.unread = Unread(candidates, scores, pods, std::min(options_.use_lookups_max, wanted));
  found.refusals.Add(NodeRefusals::Other::kUnread, static_cast<int>(candidates.nodes.size()));
}

// The nodes whose pods should be read first: those that score best.
std::vector<std::string> NodeSearch::Unread(const Candidates& candidates,
                                            const std::vector<int>& scores, const Pods& pods,
                                            size_t count_max) const {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&scores](size_t a, size_t b) { return scores[a] > scores[b]; });
  std::vector<std::string> unread;
  for (const size_t at : order) {
    if (unread.size() >= count_max) break;
    const std::string& name = candidates.nodes[at]->name;
    if (!IsUseKnown(name, pods)) unread.push_back(name);
  }
  return unread;
}

void NodeSearch::Judge(const NodeState& node, const Question& question, const Pods& pods,
                       Candidates& candidates, NodeRefusals& refusals) const {
  const Reason reason =
      node.has_agent ? ledger_.judge().JudgeById(node.id, question) : Reason::kNoAgent;
  if (reason != Reason::kFits) return refusals.Add(reason);
  if (!IsInTopologies(node.name, question.demand)) {
    return refusals.Add(NodeRefusals::Other::kOtherTopology);
  }
  if (!ReachesOthers(node.name, question.demand)) {
    return refusals.Add(NodeRefusals::Other::kOtherVolume);
  }
  if (IsRefused(node.name, question.demand)) {
    return refusals.Add(NodeRefusals::Other::kRefusedLately);
  }
  if (!IsAllowed(node.name, pods, refusals)) return;
  candidates.nodes.push_back(&node);
  candidates.left.push_back(ledger_.judge().LeftoverById(node.id, question, options_.strategy));
}

// The pod could never run on a node that a volume of another driver does not reach, and its claims
// would be stuck there. Such volumes may say the node's hostname, which need not be its name.
bool NodeSearch::ReachesOthers(const std::string& node, const PodDemand& demand) const {
  const Node* const object = ledger_.cache().FindNode(node);
  const auto is_here = [&](const std::string& other) {
    if (other == node) return true;
    if (object == nullptr) return false;
    const auto label = object->labels.find(std::string(kHostnameLabel));
    return label != object->labels.end() && label->second == other;
  };
  return std::all_of(demand.other_nodes.begin(), demand.other_nodes.end(), is_here);
}

bool NodeSearch::IsInTopologies(const std::string& node, const PodDemand& demand) const {
  return std::all_of(demand.item_classes.begin(), demand.item_classes.end(),
                     [&](const std::string& name) {
                       const StorageClass* storage_class = ledger_.cache().FindClass(name);
                       return storage_class == nullptr || storage_class->Allows(node);
                     });
}

bool NodeSearch::IsRefused(const std::string& node, const PodDemand& demand) const {
  return std::any_of(demand.items.begin(), demand.items.end(), [&](const Item& item) {
    return memory_.IsRefused(item.claim_uid, node, now_);
  });
}

bool NodeSearch::IsAllowed(const std::string& name, const Pods& pods,
                           NodeRefusals& refusals) const {
  const Node* node = ledger_.cache().FindNode(name);
  if (node == nullptr) {
    refusals.Add(NodeRefusals::Other::kNoNode);
    return false;
  }
  if (pods.empty() && node->is_unschedulable) {
    refusals.Add(NodeMismatch::kUnschedulable);
    return false;
  }
  return std::all_of(pods.begin(), pods.end(), [&](const Pod* pod) {
    if (!pod->node_name.empty()) {
      if (pod->node_name != name) refusals.Add(NodeRefusals::Other::kOtherNode);
      return pod->node_name == name;
    }
    const std::optional<NodeMismatch> mismatch = MatchNode(*pod, *node, UseOn(name, *pod));
    if (mismatch) refusals.Add(*mismatch);
    return !mismatch.has_value();
  });
}

// Whether enough is known of the pods that run on the node to send `pods` there, or `pods` ask for
// nothing that it matters for. That a node is busy is believed for longer than that it is not
// (NodeUses).
bool NodeSearch::IsUseKnown(const std::string& node, const Pods& pods) const {
  const auto it = uses_.find(node);
  const bool is_known = it != uses_.end() && it->second.read_at > memory_.LastArrival(node) &&
                        now_ - it->second.planned_at <= options_.use_age_max;
  return is_known || std::all_of(pods.begin(), pods.end(), [](const Pod* pod) {
           return !pod->node_name.empty() ||
                  (pod->requested_cpu_milli == 0 && pod->requested_memory_bytes == 0);
         });
}

// What other pods than this one ask for on the node: those that run there, and those that are bound
// to follow their claims there.
NodeUse NodeSearch::UseOn(const std::string& node, const Pod& pod) const {
  NodeUse use;
  if (const auto it = uses_.find(node); it != uses_.end()) use = it->second.use;
  const auto coming = memory_.coming().find(node);
  if (coming == memory_.coming().end()) return use;
  for (const auto& [uid, one] : coming->second) {
    if (uid == pod.meta.uid) continue;
    use.cpu_milli = AddBytes(use.cpu_milli, one.cpu_milli);
    use.memory_bytes = AddBytes(use.memory_bytes, one.memory_bytes);
  }
  return use;
}

}  // namespace pmem::extender
