// SPDX-License-Identifier: Apache-2.0
#include "extender/core/pinning.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/names.h"
#include "extender/core/pin_check.h"
#include "extender/core/pin_search.h"
#include "extender/core/replica_index.h"

namespace pmem::extender {
namespace {

// Of PinMemory: since when the claim is without a node.
std::string SettleKey(const Claim& claim) { return "settle/" + claim.meta.uid; }

NodeUse RequestOf(const Pod& pod) { return {pod.requested_cpu_milli, pod.requested_memory_bytes}; }

// Of a Deployment, say: where one has no node, the other has none.
bool WantSame(const Pod& a, const Pod& b) {
  return a.node_name == b.node_name && a.volumes == b.volumes &&
         a.node_selector == b.node_selector && a.tolerations == b.tolerations &&
         a.required_node_affinity == b.required_node_affinity &&
         a.requested_cpu_milli == b.requested_cpu_milli &&
         a.requested_memory_bytes == b.requested_memory_bytes;
}

bool HasSame(const std::vector<const Pod*>& pods, const Pod& pod) {
  return std::any_of(pods.begin(), pods.end(),
                     [&pod](const Pod* other) { return WantSame(pod, *other); });
}

std::string Text(std::string_view text) { return std::string(text); }

// One run over the open claims.
class Planner {
 public:
  Planner(Ledger& ledger, const PinningOptions& options, const PlacedPods& placed,
          const NodeUses& uses, PinMemory& memory, absl::Time now)
      : ledger_(ledger),
        options_(options),
        placed_(placed),
        memory_(memory),
        round_(memory.round()),
        now_(now),
        search_(ledger, options, uses, memory, now),
        check_(ledger, options, memory, now, &plan_) {}

  PinningPlan Run() {
    if (memory_.AreComingWanted(now_)) NoteComing();
    if (memory_.IsTurnOfAnswered()) SearchAnswered();
    VisitOpen();
    while (round_.are_all_visited && !round_.searches.empty() && HasTime()) SearchNext();
    for (const Claim& claim : ledger_.TakeHandPins()) check_.CheckHandPin(claim);
    plan_.is_round_over = round_.are_all_visited && round_.searches.empty();
    if (plan_.is_round_over) memory_.EndRound(ledger_.open_claims());
    return std::move(plan_);
  }

 private:
  // What pods are bound to come to a node is found out anew when it is older.
  static constexpr absl::Duration kComingAgeMax = absl::Milliseconds(200);
  // In judgements: a look at a claim; and how many verdicts that are remembered cost as much as
  // one.
  static constexpr int64_t kVisitCost = 4;
  static constexpr int64_t kRememberedPerJudgement = 16;
  // Pods of one claim that differ in what they want, in one round.
  static constexpr size_t kDifferentUsersMax = 100;

  bool HasTime() const { return spent_ < options_.judgements_max; }

  void VisitOpen() {
    const auto& open = ledger_.open_claims();
    auto next = open.upper_bound(round_.visited);
    for (; next != open.end() && HasTime(); ++next) {
      round_.visited = *next;
      spent_ += kVisitCost;
      const Claim* claim = ledger_.cache().FindClaim(*next);
      if (claim != nullptr && !claim->meta.is_deleting) Visit(*claim);
    }
    round_.are_all_visited = next == open.end();
  }

  void Visit(const Claim& claim) {
    if (!claim.selected_node.empty()) {
      memory_.NotePinned(claim);
      return check_.CheckPin(claim);
    }
    if (!options_.writes_pins) return;
    if (round_.pinned.contains(claim.meta.uid) || memory_.IsAwaited(claim, now_)) return;
    memory_.NoteUnplaced(claim, now_);
    const StorageClass* storage_class =
        ledger_.cache().FindClass(claim.storage_class_name.value_or(""));
    if (storage_class == nullptr || IsStaticOnly(claim, *storage_class)) return;
    if (storage_class->is_wait_for_first_consumer) return VisitWaiting(claim);
    const std::optional<Item> item = ItemOf(claim, ledger_.cache());
    if (!item || claim.storage_provisioner != kDriverName) return;
    round_.searches.emplace(item->kind, -item->requested_bytes, claim.meta.uid);
  }

  void SearchAnswered() {
    while (HasTime()) {
      const std::optional<std::string> uid = memory_.TakeAnswered();
      if (!uid) return;
      Search(*uid);
    }
  }

  void SearchNext() {
    Search(std::get<2>(round_.searches.extract(round_.searches.begin()).value()));
  }

  // The claim may have changed since it was looked at.
  void Search(const std::string& uid) {
    spent_ += kVisitCost;
    const Claim* claim = ledger_.cache().FindClaim(uid);
    const bool is_to_place = claim != nullptr && !claim->meta.is_deleting && !IsBound(*claim) &&
                             claim->selected_node.empty() && !round_.pinned.contains(uid) &&
                             !memory_.IsAwaited(*claim, now_);
    if (!is_to_place) return;
    const StorageClass* storage_class =
        ledger_.cache().FindClass(claim->storage_class_name.value_or(""));
    if (storage_class == nullptr || IsStaticOnly(*claim, *storage_class)) return;
    storage_class->is_wait_for_first_consumer ? VisitWaiting(*claim) : VisitImmediate(*claim);
  }

  // True once `age` has passed since the claim was first seen in this state.
  bool IsOlder(const std::string& key, absl::Duration age) const {
    return now_ >= memory_.Since(key, now_) + age;
  }

  // Pods that use the claim, read once it had settled.
  struct Users {
    std::vector<const Pod*> placed;   // With a node, which no watch of ours tells of.
    std::vector<const Pod*> waiting;  // Without: the watch may be behind.
    bool IsEmpty() const { return placed.empty() && waiting.empty(); }
  };

  // nullopt: they have to be read first. That there is none may have been read long ago where
  // `may_be_old_none`.
  std::optional<Users> UsersRead(const Claim& claim, bool may_be_old_none) {
    const auto it = placed_.find(claim.meta.key.kube_namespace);
    const absl::Time settled = memory_.Since(SettleKey(claim), now_) + options_.settle;
    Users read;
    bool is_known = it != placed_.end() && it->second.read_at >= settled;
    if (is_known) {
      const auto users = it->second.users.find(claim.meta.key.name);
      if (users != it->second.users.end()) {
        for (const Pod& pod : users->second) {
          (pod.node_name.empty() ? read.waiting : read.placed).push_back(&pod);
        }
      }
      const bool is_old = now_ - it->second.planned_at > options_.placed_age_max;
      is_known = !is_old || (may_be_old_none && read.IsEmpty());
    }
    if (is_known) return read;
    plan_.lookups.insert(claim.meta.key.kube_namespace);
    memory_.NoteAsked(PinMemory::PodsKey(claim.meta.key.kube_namespace), claim.meta.uid);
    return std::nullopt;
  }

  // Not at once: most of what a claim waits for comes soon.
  void TellOfWait(const Claim& claim, const char* key, const std::string& why) {
    if (!IsOlder(key + claim.meta.uid, options_.search_patience)) return;
    Tell(claim, NoticeReason::kNoNodeFits,
         absl::StrCat("no node can be chosen for the claim yet: ", why));
  }

  void VisitWaiting(const Claim& claim) {
    if (!ledger_.cache().PodsUsing(claim.meta.key).empty()) return;  // The scheduler's.
    if (!IsOlder(SettleKey(claim), options_.settle)) return;
    const auto users = UsersRead(claim, true);
    if (!users || users->placed.empty()) return;
    if (!users->waiting.empty()) return;  // The scheduler's, though the watch has not told of it.
    PlaceForAll(claim, users->placed);
  }

  void VisitImmediate(const Claim& claim) {
    std::vector<const Pod*> pods;
    for (const std::string& uid : ledger_.cache().PodsUsing(claim.meta.key)) {
      pods.push_back(ledger_.cache().FindPod(uid));
    }
    if (pods.empty()) {
      if (!IsOlder(SettleKey(claim), options_.settle)) return;
      const auto users = UsersRead(claim, false);
      // The API server may refuse the list, or take for ever over it.
      if (!users) return TellOfWait(claim, "unread/", "which pods use it could not be read");
      pods = users->placed.empty() ? users->waiting : users->placed;
    }
    if (!pods.empty()) return PlaceForAll(claim, pods);
    PodDemand demand;
    for (const Claim* one : ReplicaClaims(claim)) AddClaim(*one, demand);
    if (const auto refusals = Place(claim, {}, demand)) Refuse(claim, {}, *refusals);
  }

  // Where all of its pods can run. One that cannot be placed yet, or not beside those before it,
  // does not keep the others waiting. Nor, for long, does one that can run nowhere, or nowhere
  // beside them: then the first that can run somewhere decides.
  void PlaceForAll(const Claim& claim, const std::vector<const Pod*>& pods) {
    std::vector<const Pod*> each, together;
    PodDemand all;
    bool is_scattered = false;  // Some have their nodes already, and not the same.
    // Not always the same ones, where there are more than are looked at.
    const size_t first = pods.size() <= kDifferentUsersMax ? 0
                                                           : static_cast<size_t>(memory_.rounds()) *
                                                                 kDifferentUsersMax % pods.size();
    for (size_t i = 0; i < pods.size(); ++i) {
      const Pod* pod = pods[(first + i) % pods.size()];
      const PodDemand demand = ledger_.Demand(*pod, nullptr);
      const bool is_apart = !all.node.empty() && !demand.node.empty() && demand.node != all.node;
      if (!IsComplete(demand)) continue;
      // One of a Deployment's speaks for the others.
      if (HasSame(each, *pod)) continue;
      if (each.size() == kDifferentUsersMax) break;
      each.push_back(pod);
      if (demand.is_split || is_apart) continue;
      together.push_back(pod);
      is_scattered |= pod->node_name != together.front()->node_name;
      Join(all, demand);
    }
    if (each.empty()) {
      return TellOfWait(claim, "incomplete/",
                        absl::StrCat("pod ", pods.front()->meta.key.name,
                                     " also uses a claim that is missing, lacks its class, or is "
                                     "not bound or given to this driver yet"));
    }
    const bool can_be_together = !together.empty() && !is_scattered;
    if (can_be_together) {
      const auto refusals = Place(claim, together, all);
      if (!refusals) return;
      const bool is_each_tried =
          each.size() > 1 && IsOlder("together/" + claim.meta.uid, options_.bad_pin_patience);
      if (!is_each_tried) return Refuse(claim, together, *refusals);
    }
    PlaceForAny(claim, each);
  }

  void PlaceForAny(const Claim& claim, const std::vector<const Pod*>& pods) {
    std::optional<NodeRefusals> of_first;
    for (const Pod* pod : pods) {
      const auto refusals = Place(claim, {pod}, ledger_.Demand(*pod, nullptr));
      if (!refusals) return;
      if (!of_first) of_first = refusals;
    }
    Refuse(claim, {pods.front()}, *of_first);
  }

  void AddClaim(const Claim& claim, PodDemand& demand) const {
    if (IsBound(claim) || !claim.selected_node.empty()) {
      const std::string node = NodeOf(claim, ledger_.cache().FindVolume(claim.volume_name));
      if (!node.empty()) demand.node = node;
      return;
    }
    const std::optional<Item> item = ItemOf(claim, ledger_.cache());
    if (!item) return;
    demand.Add(*item, claim, *ledger_.cache().FindClass(*claim.storage_class_name));
  }

  // The claim, and those beside it that a StatefulSet made for the same replica.
  std::vector<const Claim*> ReplicaClaims(const Claim& claim) {
    std::vector<const Claim*> claims;
    if (ReplicaIndex::MayHave(claim)) {
      // What came together is known together once it has settled.
      const absl::Time settled = memory_.Since(SettleKey(claim), now_) + options_.settle;
      const absl::Time since = std::max(settled, now_ - options_.placed_age_max);
      claims = memory_.Replicas(ledger_.cache(), since, now_).Beside(claim, ledger_.cache());
    }
    if (claims.empty()) claims.push_back(&claim);
    return claims;
  }

  // Pins all claims of `demand` that are ours to pin on the best node, now or once more is known.
  // If there is none: why.
  std::optional<NodeRefusals> Place(const Claim& claim, const std::vector<const Pod*>& pods,
                                    const PodDemand& demand) {
    if (!IsComplete(demand) || IsAnyAwaited(demand)) return std::nullopt;
    const std::string owner = pods.empty() ? ClaimOwner(claim.meta.uid) : pods.front()->meta.uid;
    if (!pods.empty()) {
      memory_.WantComing(now_);
      NoteComing();
    }
    const FoundNode found = search_.Find(pods, demand, owner);
    NoteCost(found);
    const std::string& node = found.node;
    if (node.empty()) return found.refusals;
    if (!found.unread.empty()) {
      plan_.node_lookups.insert(found.unread.begin(), found.unread.end());
      for (const std::string& unread : found.unread) {
        memory_.NoteAsked(PinMemory::NodeKey(unread), claim.meta.uid);
      }
      if (IsOlder("reads/" + claim.meta.uid, options_.search_patience)) {
        Refuse(claim, pods, found.refusals);
      }
      return std::nullopt;
    }
    if (!pods.empty()) {
      ledger_.HoldOn(*pods.front(), demand, {node}, {}, now_);
      memory_.AddComing(node, pods.front()->meta.uid, RequestOf(*pods.front()));
    }
    for (size_t i = 0; i < demand.items.size(); ++i) AddPin(demand, i, pods, node);
    return std::nullopt;
  }

  void NoteCost(const FoundNode& found) {
    const bool is_remembered = !found.shape.empty() && found.shape == round_.shape;
    const int64_t firm = is_remembered ? found.refusals.firm() : 0;
    spent_ += std::max<int64_t>(0, found.judged - firm) + firm / kRememberedPerJudgement;
    round_.shape = found.shape;
  }

  void AddPin(const PodDemand& demand, size_t i, const std::vector<const Pod*>& pods,
              const std::string& node) {
    const Claim* claim = ledger_.cache().FindClaim(demand.items[i].claim_uid);
    const StorageClass* storage_class = ledger_.cache().FindClass(demand.item_classes[i]);
    const bool is_immediate = !storage_class->is_wait_for_first_consumer;
    const bool is_preset = !pods.empty() && !pods.front()->node_name.empty();
    const bool is_awaited_by_none = ledger_.cache().PodsUsing(claim->meta.key).empty();
    if (demand.IsStaticOnly(i)) return;  // Pinned or not, nobody makes a volume for it.
    // The scheduler's: once the others are bound, or for another pod.
    if (!is_immediate && !(is_preset && is_awaited_by_none)) return;
    // What the pod holds ends with the pod, while the write may be on its way.
    ledger_.HoldClaim(*claim, demand.items[i], node, now_);
    const std::string pod_uid = pods.empty() ? "" : pods.front()->meta.uid;
    plan_.pins.push_back({*claim, demand.items[i], node, pod_uid, is_immediate});
    round_.pinned.insert(claim->meta.uid);
  }

  // All Immediate claims of the pod can be written now. Where one that nobody makes a volume for
  // gets one that is there, or a populator's, is not ours to say.
  bool IsComplete(const PodDemand& demand) const {
    if (!demand.IsKnown() || demand.items.empty()) return false;
    for (size_t i = 0; i < demand.items.size(); ++i) {
      const Claim* claim = ledger_.cache().FindClaim(demand.items[i].claim_uid);
      const StorageClass* storage_class = ledger_.cache().FindClass(demand.item_classes[i]);
      if (claim == nullptr || storage_class == nullptr) return false;
      if (storage_class->is_wait_for_first_consumer) continue;
      if (demand.IsStaticOnly(i) || claim->storage_provisioner != kDriverName) return false;
    }
    return true;
  }

  // One of them was pinned, or is about to be, and the watch has not told where to: its room must
  // stay where it is.
  bool IsAnyAwaited(const PodDemand& demand) const {
    return std::any_of(demand.items.begin(), demand.items.end(), [this](const Item& item) {
      if (round_.pinned.contains(item.claim_uid)) return true;
      const Claim* claim = ledger_.cache().FindClaim(item.claim_uid);
      return claim != nullptr && memory_.IsAwaited(*claim, now_);
    });
  }

  // Pods without a node whose claims have one, or are about to.
  void NoteComing() {
    if (now_ - round_.coming_at < kComingAgeMax) return;
    PinMemory::ComingPods coming;
    for (const auto& [uid, pod] : ledger_.cache().pods()) {
      if (pod.volumes.empty()) continue;
      const std::string node = NodeToCome(pod);
      if (!node.empty()) coming[node][uid] = RequestOf(pod);
    }
    memory_.NoteComing(std::move(coming), now_);
    round_.coming_at = now_;
  }

  std::string NodeToCome(const Pod& pod) const {
    for (const PodVolume& volume : pod.volumes) {
      const Claim* claim =
          ledger_.cache().FindClaim(ObjectKey{pod.meta.key.kube_namespace, volume.claim_name});
      const ClaimPlace* place = claim == nullptr ? nullptr : ledger_.FindPlace(claim->meta.uid);
      if (place != nullptr) return place->node;
    }
    const Hold* hold = ledger_.holds().Find(pod.meta.uid);
    if (hold == nullptr || hold->node_ids.size() != 1) return "";
    const NodeState* node = ledger_.nodes().ById(hold->node_ids.front());
    return node == nullptr ? "" : node->name;
  }

  // The texts change with the numbers alone.
  void Refuse(const Claim& claim, const std::vector<const Pod*>& pods,
              const NodeRefusals& refusals) {
    if (!pods.empty() && !pods.front()->node_name.empty()) {
      return Tell(
          claim, NoticeReason::kPresetNodeUnfit,
          absl::StrCat("node ", pods.front()->node_name, " of pod ", pods.front()->meta.key.name,
                       " cannot hold the claim: ", Text(refusals.FirstText())));
    }
    Tell(claim, NoticeReason::kNoNodeFits,
         absl::StrCat("no node can hold the claim now; it will be tried again: ", refusals.Text()));
  }

  void Tell(const Claim& claim, NoticeReason reason, std::string message) {
    plan_.notices.push_back({claim, reason, std::move(message)});
  }

  Ledger& ledger_;
  const PinningOptions& options_;
  const PlacedPods& placed_;
  PinMemory& memory_;
  PinRound& round_;
  const absl::Time now_;
  const NodeSearch search_;
  PinningPlan plan_;
  const PinCheck check_;
  int64_t spent_ = 0;  // Of judgements_max.
};

}  // namespace

std::string_view NoticeReasonName(NoticeReason reason) {
  switch (reason) {
    case NoticeReason::kNoNodeFits:
      return "PmemNoNodeFits";
    case NoticeReason::kPinnedNodeUnfit:
      return "PmemPinnedNodeUnfit";
    case NoticeReason::kPinnedNodeGone:
      return "PmemPinnedNodeGone";
    case NoticeReason::kPinTakenAway:
      return "PmemPinTakenAway";
    case NoticeReason::kPresetNodeUnfit:
      return "PmemPresetNodeUnfit";
    case NoticeReason::kUnknownKind:
      return "PmemUnknownKind";
    case NoticeReason::kVolumeMissing:
      return "PmemVolumeMissing";
    case NoticeReason::kNoRoomToGrow:
      return "PmemNoRoomToGrow";
    case NoticeReason::kPoolInTrouble:
      return "PmemPoolInTrouble";
  }
  return "";
}

PinningPlan PlanPins(Ledger& ledger, const PinningOptions& options, const PlacedPods& placed,
                     const NodeUses& uses, PinMemory& memory, absl::Time now) {
  return Planner(ledger, options, placed, uses, memory, now).Run();
}

}  // namespace pmem::extender
