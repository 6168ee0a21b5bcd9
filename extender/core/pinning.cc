// SPDX-License-Identifier: Apache-2.0
#include "extender/core/pinning.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/names.h"
#include "extender/core/node_match.h"

namespace pmem::extender {
namespace {

bool Uses(const Pod& pod, const Claim& claim) {
  return pod.meta.key.kube_namespace == claim.meta.key.kube_namespace &&
         std::any_of(pod.volumes.begin(), pod.volumes.end(), [&](const PodVolume& volume) {
           return volume.claim_name == claim.meta.key.name;
         });
}

bool IsOver(const Pod& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

std::string Text(std::string_view text) { return std::string(text); }

// One run over the open claims.
class Planner {
 public:
  Planner(Ledger& ledger, const PinningOptions& options, const PlacedPods& placed, ClaimAges& ages,
          absl::Time now)
      : ledger_(ledger), options_(options), placed_(placed), ages_(ages), now_(now) {}

  PinningPlan Run() {
    const std::vector<std::string> uids(ledger_.open_claims().begin(), ledger_.open_claims().end());
    for (const std::string& uid : uids) {
      const Claim* claim = ledger_.cache().FindClaim(uid);
      if (claim != nullptr && !claim->meta.is_deleting) Visit(*claim);
    }
    for (const Claim& claim : ledger_.TakeHandPins()) CheckHandPin(claim);
    ages_.Sweep();
    return std::move(plan_);
  }

 private:
  void Visit(const Claim& claim) {
    if (!claim.selected_node.empty()) return CheckPin(claim);
    if (ledger_.holds().Find("claim/" + claim.meta.uid) != nullptr) return;  // Being written.
    if (pinned_now_.contains(claim.meta.uid)) return;
    const StorageClass* storage_class = ledger_.cache().FindClass(*claim.storage_class_name);
    if (storage_class == nullptr) return;
    if (storage_class->is_wait_for_first_consumer) {
      VisitWaiting(claim);
    } else if (claim.storage_provisioner == kDriverName) {
      VisitImmediate(claim);
    }
  }

  // True once `age` has passed since the claim was first seen in this state.
  bool IsOlder(const std::string& key, absl::Duration age) {
    const absl::Time due = ages_.Since(key, now_) + age;
    if (now_ >= due) return true;
    plan_.next = std::min(plan_.next, due);
    return false;
  }

  // Pods with a node that use the claim; nullopt: they have to be read first.
  std::optional<std::vector<const Pod*>> PlacedUsers(const Claim& claim) {
    const auto it = placed_.find(claim.meta.key.kube_namespace);
    if (it == placed_.end()) {
      plan_.lookups.insert(claim.meta.key.kube_namespace);
      return std::nullopt;
    }
    std::vector<const Pod*> pods;
    for (const Pod& pod : it->second) {
      if (!pod.node_name.empty() && !IsOver(pod) && Uses(pod, claim)) pods.push_back(&pod);
    }
    return pods;
  }

  void VisitWaiting(const Claim& claim) {
    if (!ledger_.cache().PodsUsing(claim.meta.key).empty()) return;  // The scheduler's.
    if (!IsOlder("claim/" + claim.meta.uid, options_.settle)) return;
    const auto pods = PlacedUsers(claim);
    if (!pods || pods->empty()) return;
    Place(claim, *pods, ledger_.Demand(*pods->front(), nullptr));
  }

  void VisitImmediate(const Claim& claim) {
    std::vector<const Pod*> pods;
    for (const std::string& uid : ledger_.cache().PodsUsing(claim.meta.key)) {
      pods.push_back(ledger_.cache().FindPod(uid));
    }
    if (pods.empty()) {
      if (!IsOlder("claim/" + claim.meta.uid, options_.settle)) return;
      const auto placed = PlacedUsers(claim);
      if (!placed) return;
      pods = *placed;
    }
    if (!pods.empty()) return Place(claim, pods, ledger_.Demand(*pods.front(), nullptr));
    PodDemand alone;
    const std::optional<Item> item = ItemOf(claim, ledger_.cache());
    if (!item) return;
    alone.items.push_back(*item);
    alone.item_keys.push_back(claim.meta.key);
    alone.item_classes.push_back(*claim.storage_class_name);
    Place(claim, {}, alone);
  }

  // Pins all claims of `demand` that are ours to pin on the best node, or says why there is none.
  void Place(const Claim& claim, const std::vector<const Pod*>& pods, const PodDemand& demand) {
    if (!IsComplete(demand)) return;
    const std::string owner = pods.empty() ? "claim/" + claim.meta.uid : pods.front()->meta.uid;
    const std::string node = BestNode(pods, demand, owner);
    if (node.empty()) return Refuse(claim, pods);
    if (pods.empty()) {
      ledger_.AssumeClaim(claim, demand.items.front(), node, now_);
    } else {
      ledger_.Assume(*pods.front(), demand, {node}, {}, now_);
    }
    for (size_t i = 0; i < demand.items.size(); ++i) AddPin(demand, i, pods, node, owner);
  }

  void AddPin(const PodDemand& demand, size_t i, const std::vector<const Pod*>& pods,
              const std::string& node, const std::string& owner) {
    const Claim* claim = ledger_.cache().FindClaim(demand.items[i].claim_uid);
    const StorageClass* storage_class = ledger_.cache().FindClass(demand.item_classes[i]);
    const bool is_immediate = !storage_class->is_wait_for_first_consumer;
    const bool is_preset = !pods.empty() && !pods.front()->node_name.empty();
    if (!is_immediate && !is_preset) return;  // The scheduler's, once the others are bound.
    plan_.pins.push_back({*claim, demand.items[i], node, owner, is_immediate});
    pinned_now_.insert(claim->meta.uid);
  }

  // All Immediate claims of the pod can be written now.
  bool IsComplete(const PodDemand& demand) const {
    if (!demand.IsKnown() || demand.items.empty()) return false;
    for (size_t i = 0; i < demand.items.size(); ++i) {
      const Claim* claim = ledger_.cache().FindClaim(demand.items[i].claim_uid);
      const StorageClass* storage_class = ledger_.cache().FindClass(demand.item_classes[i]);
      if (claim == nullptr || storage_class == nullptr) return false;
      if (storage_class->is_wait_for_first_consumer) continue;
      if (claim->storage_provisioner != kDriverName) return false;
    }
    return true;
  }

  bool IsAllowed(const std::string& name, const std::vector<const Pod*>& pods) const {
    const Node* node = ledger_.cache().FindNode(name);
    if (node == nullptr || (pods.empty() && node->is_unschedulable)) return false;
    return std::all_of(pods.begin(), pods.end(), [&](const Pod* pod) {
      if (!pod->node_name.empty()) return pod->node_name == name;
      return !MatchNode(*pod, *node, {}).has_value();
    });
  }

  std::string BestNode(const std::vector<const Pod*>& pods, const PodDemand& demand,
                       const std::string& owner) const {
    std::vector<std::string> names;
    std::vector<std::optional<Leftover>> left;
    for (const auto& [name, node] : ledger_.nodes().nodes()) {
      if (!node->has_agent || !IsAllowed(name, pods)) continue;
      if (ledger_.Judge(name, demand, owner, now_, nullptr) != Reason::kFits) continue;
      names.push_back(name);
      left.push_back(ledger_.LeftoverOn(name, demand, owner, options_.strategy));
    }
    if (names.empty()) return "";
    const std::vector<int> scores = Scores(left, options_.strategy);
    return names[std::max_element(scores.begin(), scores.end()) - scores.begin()];
  }

  void Refuse(const Claim& claim, const std::vector<const Pod*>& pods) {
    if (!pods.empty() && !pods.front()->node_name.empty()) {
      return Tell(claim, NoticeReason::kPresetNodeUnfit,
                  absl::StrCat("node ", pods.front()->node_name, " of pod ",
                               pods.front()->meta.key.name, " cannot hold the claim"));
    }
    Tell(claim, NoticeReason::kNoNodeFits,
         "no node can hold the claim now; it will be tried again");
  }

  void Tell(const Claim& claim, NoticeReason reason, std::string message) {
    plan_.notices.push_back({claim, reason, std::move(message)});
  }

  // The provisioner may have refused the pin before we look: so it is judged by what was seen.
  void CheckHandPin(const Claim& claim) {
    const std::optional<Item> item = ItemOf(claim, ledger_.cache());
    if (!item || ledger_.cache().FindNode(claim.selected_node) == nullptr) return;
    const Reason reason = JudgePin(*item, claim);
    if (reason != Reason::kFits && !IsMatterOfTime(reason)) TellUnfit(claim, reason);
  }

  Reason JudgePin(const Item& item, const Claim& claim) const {
    PodDemand demand;
    demand.items.push_back(item);
    demand.item_classes.push_back(*claim.storage_class_name);
    return ledger_.JudgeFirm(claim.selected_node, demand, "", now_);
  }

  // Agents start late and fall silent; that is no reason to complain at once.
  static bool IsMatterOfTime(Reason reason) {
    return reason == Reason::kNoAgent || reason == Reason::kNoReport ||
           reason == Reason::kStaleReport;
  }

  void TellUnfit(const Claim& claim, Reason reason) {
    const std::string_view text = ReasonText(reason);
    Tell(claim, NoticeReason::kPinnedNodeUnfit,
         absl::StrCat("pinned to node ", claim.selected_node, ": ", Text(text)));
  }

  void CheckPin(const Claim& claim) {
    const Ledger::Place* place = ledger_.FindPlace(claim.meta.uid);
    if (place == nullptr || !place->is_counted) return;
    const std::string& node = claim.selected_node;
    const bool is_gone = ledger_.cache().FindNode(node) == nullptr;
    const Reason reason = JudgePin(place->item, claim);
    if (!is_gone && reason == Reason::kFits) return;
    if (!IsOlder("pin/" + claim.meta.uid + "/" + node, options_.bad_pin_patience)) return;
    if (!is_gone) return TellUnfit(claim, reason);
    Tell(claim, NoticeReason::kPinnedNodeGone,
         absl::StrCat("pinned to node ", node, ", which does not exist"));
    if (claim.is_pinned_by_us) plan_.unpins.push_back({claim, node});
  }

  Ledger& ledger_;
  const PinningOptions& options_;
  const PlacedPods& placed_;
  ClaimAges& ages_;
  const absl::Time now_;
  PinningPlan plan_;
  std::set<std::string> pinned_now_;
};

std::string Quoted(std::string_view text) { return absl::StrCat("\"", Text(text), "\""); }

// RFC 6901: '/' in a key is "~1".
std::string AnnotationPath(std::string_view key) {
  std::string path = "/metadata/annotations/";
  for (const char c : key) path += c == '/' ? std::string("~1") : std::string(1, c);
  return path;
}

std::string Operation(std::string_view op, std::string_view path, std::string_view json_value) {
  return absl::StrCat(R"({"op":")", Text(op), R"(","path":")", Text(path), R"(","value":)",
                      Text(json_value), "}");
}

}  // namespace

std::string_view NoticeReasonName(NoticeReason reason) {
  switch (reason) {
    case NoticeReason::kNoNodeFits:
      return "PmemNoNodeFits";
    case NoticeReason::kPinnedNodeUnfit:
      return "PmemPinnedNodeUnfit";
    case NoticeReason::kPinnedNodeGone:
      return "PmemPinnedNodeGone";
    case NoticeReason::kPresetNodeUnfit:
      return "PmemPresetNodeUnfit";
  }
  return "";
}

absl::Time ClaimAges::Since(const std::string& key, absl::Time now) {
  const auto [it, is_new] = ages_.try_emplace(key);
  if (is_new) it->second.since = now;
  it->second.is_used = true;
  return it->second.since;
}

void ClaimAges::Sweep() {
  for (auto it = ages_.begin(); it != ages_.end();) {
    const bool was_used = std::exchange(it->second.is_used, false);
    it = was_used ? std::next(it) : ages_.erase(it);
  }
}

PinningPlan PlanPins(Ledger& ledger, const PinningOptions& options, const PlacedPods& placed,
                     ClaimAges& ages, absl::Time now) {
  return Planner(ledger, options, placed, ages, now).Run();
}

std::string PinPatch(const Pin& pin) {
  std::string patch =
      absl::StrCat("[", Operation("test", "/metadata/uid", Quoted(pin.claim.meta.uid)));
  const auto add = [&patch](const std::string& operation) {
    absl::StrAppend(&patch, ",", operation);
  };
  if (pin.needs_provisioner) {
    add(Operation("test", AnnotationPath(kStorageProvisionerAnnotation), Quoted(kDriverName)));
  }
  if (pin.claim.has_annotations) {
    add(Operation("test", AnnotationPath(kSelectedNodeAnnotation), "null"));
  } else {
    add(Operation("test", "/metadata/annotations", "null"));
    add(Operation("add", "/metadata/annotations", "{}"));
  }
  add(Operation("add", AnnotationPath(kSelectedNodeAnnotation), Quoted(pin.node)));
  add(Operation("add", AnnotationPath(kPinnedByAnnotation), Quoted(kPinnedByUs)));
  return patch + "]";
}

std::string UnpinPatch(const Unpin& unpin) {
  std::string patch =
      absl::StrCat("[", Operation("test", "/metadata/uid", Quoted(unpin.claim.meta.uid)), ",",
                   Operation("test", AnnotationPath(kSelectedNodeAnnotation), Quoted(unpin.node)),
                   ",", Operation("test", "/spec/volumeName", "null"),
                   R"(,{"op":"remove","path":")", AnnotationPath(kSelectedNodeAnnotation), R"("})");
  if (unpin.claim.is_pinned_by_us) {
    absl::StrAppend(&patch, R"(,{"op":"remove","path":")", AnnotationPath(kPinnedByAnnotation),
                    R"("})");
  }
  return patch + "]";
}

}  // namespace pmem::extender
