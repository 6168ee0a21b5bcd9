// SPDX-License-Identifier: Apache-2.0
#include "extender/core/ledger_judge.h"

#include <algorithm>
#include <numeric>

#include "common/pure/units.h"
#include "extender/core/node_match.h"

namespace pmem::extender {
namespace {

bool CanServe(const PersistentVolume& volume, const Claim& claim) {
  return volume.capacity_bytes >= claim.requested_bytes && volume.is_block == claim.is_block &&
         volume.access_modes.HasAll(claim.access_modes) &&
         volume.volume_attributes_class == claim.volume_attributes_class;
}

bool IsIn(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool AreAssigned(const NodeState& node, const std::vector<Item>& items) {
  return std::all_of(items.begin(), items.end(), [&node](const Item& item) {
    const auto it = node.assigned.find(item.claim_uid);
    return it != node.assigned.end() && it->second == item;
  });
}

// More is asked for and held, by anyone, than there is at all.
bool IsBeyond(const Room& room, absl::Span<const Item> items, const HeldByOthers::Held& held) {
  const auto is_beyond = [&](PoolKind kind, int64_t held_bytes) {
    const int64_t asked_bytes = RequestedBytes(items, kind);
    return asked_bytes > 0 && AddBytes(asked_bytes, held_bytes) > FreeBytes(room, kind);
  };
  return is_beyond(PoolKind::kLvm, held.lvm_bytes) ||
         is_beyond(PoolKind::kDirect, held.direct_bytes);
}

Reason WhyNotBesidePromises(const NodeState& node, absl::Span<const Item> items) {
  const NodeBook::RoomLeft left = NodeBook::RoomLeftOn(node, items);
  // Whatever is promised is too much where no pool can be used.
  const bool is_overbooked = left.overbooked.HasAny(KindsOf(items));
  const Reason reason = WhyNot(*node.report, is_overbooked ? node.room : left.room, items);
  return reason == Reason::kFits ? Reason::kNoRoom : reason;
}

// First beside what is promised for sure: most refusals need no look at what is held. `others`:
// also beside debts and what these hold; null: beside firm promises alone.
Reason JudgeItems(const NodeState& node, absl::Span<const Item> items, HeldByOthers* others) {
  if (items.empty()) return Reason::kFits;
  const KindSet kinds = KindsOf(items);
  std::vector<Item> all = NodeBook::StandingItems(node, items);
  KeepKinds(kinds, all);
  all.insert(all.end(), items.begin(), items.end());
  if (!Pack(node.room, all)) return WhyNotBesidePromises(node, items);
  if (others == nullptr) return Reason::kFits;
  const HeldByOthers::Held& held = others->On(node.id);
  if (IsBeyond(node.room, items, held)) return Reason::kHeld;
  AddItems(NodeBook::DebtItems(node, items), all);
  AddItems(held.items, all);
  KeepKinds(kinds, all);
  return Pack(node.room, all) ? Reason::kFits : Reason::kHeld;
}

bool IsPlainlyFresh(const NodeState* node, const Question& question) {
  return node != nullptr && node->has_agent && node->report != nullptr &&
         node->contact >= question.fresh_since && question.demand.node.empty() &&
         !question.demand.has_unknown_kind;
}

NodeQuick MakeQuick(const NodeState& node) {
  NodeQuick quick{.is_current = true, .is_exact = node.debts.empty() && node.reserved.empty()};
  std::vector<Item> promised = NodeBook::StandingItems(node, {});
  AddItems(NodeBook::DebtItems(node, {}), promised);
  Room left = node.room;
  quick.overbooked = TakeByKind(left, promised);
  quick.left = QuickRoomOf(left);
  return quick;
}

const NodeQuick& QuickOf(const NodeState& node) {
  if (!node.quick.is_current) node.quick = MakeQuick(node);
  return node.quick;
}

}  // namespace

std::optional<Reason> LedgerJudge::JudgeFreshness(const NodeState* node, const PodDemand& demand,
                                                  absl::Time now) const {
  if (demand.has_unknown_kind) return Reason::kUnknownKind;
  if (node == nullptr) return Reason::kNoAgent;
  if (demand.is_split) return Reason::kPinnedElsewhere;
  if (!demand.node.empty() && demand.node != node->name) return Reason::kPinnedElsewhere;
  switch (NodeBook::FreshnessOf(*node, now, books_.agent_silence_max)) {
    case Freshness::kNoAgent:
      return Reason::kNoAgent;
    case Freshness::kNoReport:
      return Reason::kNoReport;
    case Freshness::kStale:
      return Reason::kStaleReport;
    case Freshness::kFresh:
      return std::nullopt;
  }
  return Reason::kNoReport;
}

// kube-scheduler binds a claim to the smallest pre-provisioned volume that fits on the node before
// it thinks of creating one. A claim that binds immediately and is still without a volume got none
// of those from the PV controller: pinned, it is given a new one. What a selector wants is not
// known: any volume may be it.
const PersistentVolume* LedgerJudge::StaticVolume(const NodeState& node, const PodDemand& demand,
                                                  size_t item, Asker owner,
                                                  const DeniedVolumes& denied) const {
  const Claim* claim = books_.cache.FindClaim(demand.items[item].claim_uid);
  const StorageClass* storage_class = books_.cache.FindClass(demand.item_classes[item]);
  if (claim == nullptr) return nullptr;
  if (storage_class == nullptr || !storage_class->is_wait_for_first_consumer) return nullptr;
  const PersistentVolume* best = nullptr;
  const std::string& class_name = demand.item_classes[item];
  for (const PersistentVolume* volume : books_.cache.AvailableVolumes(class_name, node.name)) {
    const std::string& name = volume->meta.key.name;
    if (volume->is_pending || !CanServe(*volume, *claim)) continue;
    if (owner && books_.holds.IsVolumeHeld(name, *owner)) continue;
    const bool is_denied =
        IsIn(denied.to_all, name) || (!claim->has_selector && IsIn(denied.to_plain, name));
    if (is_denied) continue;
    if (best == nullptr || volume->capacity_bytes < best->capacity_bytes) best = volume;
  }
  return best;
}

// All that the claim may get on the node: any that is large enough.
void LedgerJudge::AddPossible(const NodeState& node, const PodDemand& demand, size_t item,
                              std::vector<std::string>& volumes) const {
  const std::string& class_name = demand.item_classes[item];
  for (const PersistentVolume* volume : books_.cache.AvailableVolumes(class_name, node.name)) {
    if (volume->capacity_bytes >= demand.items[item].requested_bytes) {
      volumes.push_back(volume->meta.key.name);
    }
  }
}

// Not only what an answer counts on. Also what is kept for another pod: the scheduler of this one
// may not know of that.
void LedgerJudge::AddVolumes(int32_t id, const Question& question,
                             std::vector<std::string>& volumes) const {
  const NodeState* node = books_.nodes.ById(id);
  for (size_t i = 0; i < question.demand.items.size(); ++i) {
    AddPossible(*node, question.demand, i, volumes);
  }
}

// In the order in which kube-scheduler serves the claims: the smallest first.
std::optional<std::vector<Item>> LedgerJudge::UnservedItems(const NodeState& node,
                                                            const PodDemand& demand,
                                                            Asker owner) const {
  std::vector<size_t> order(demand.items.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&demand](size_t a, size_t b) {
    return demand.items[a].requested_bytes < demand.items[b].requested_bytes;
  });
  std::vector<Item> unserved;
  DeniedVolumes denied;
  for (const size_t i : order) {
    const Claim* claim = books_.cache.FindClaim(demand.items[i].claim_uid);
    const bool has_selector = claim != nullptr && claim->has_selector;
    const PersistentVolume* volume = StaticVolume(node, demand, i, owner, denied);
    if (volume == nullptr && demand.IsStaticOnly(i)) return std::nullopt;
    if (volume != nullptr) denied.to_all.push_back(volume->meta.key.name);
    if (volume == nullptr) unserved.push_back(demand.items[i]);
    // Nor may a larger claim count on what this one may get.
    if (claim == nullptr) AddPossible(node, demand, i, denied.to_all);
    if (has_selector) AddPossible(node, demand, i, denied.to_plain);
  }
  return unserved;
}

bool LedgerJudge::IsPlain(const Question& question) const {
  const PodDemand& demand = question.demand;
  // A claim that the watch still takes for pinned to a node does not stand in its own way there.
  const bool is_placed = std::any_of(
      demand.items.begin(), demand.items.end(),
      [this](const Item& item) { return books_.places.Find(item.claim_uid) != nullptr; });
  return demand.node.empty() && !demand.is_split && !demand.has_unknown_kind &&
         !question.may_be_static && !is_placed;
}

Question LedgerJudge::AskWith(VerdictMemo& memo, const PodDemand& demand, std::string_view owner,
                              absl::Time now) const {
  const auto& classes = demand.item_classes;
  const bool may_be_static =
      demand.HasStaticOnly() ||
      std::any_of(classes.begin(), classes.end(), [this](const std::string& name) {
        return books_.cache.HasAvailableVolumes(name);
      });
  Question question{.demand = demand,
                    .owner = owner,
                    .now = now,
                    .items = QuickItemsOf(demand.items),
                    .kinds = KindsOf(demand.items),
                    .fresh_since = std::max(now - books_.agent_silence_max, books_.blind_until),
                    .is_beside_holds = books_.holds.HasOthers(owner),
                    .may_be_static = may_be_static,
                    .others = HeldByOthers(books_.holds, owner, demand.items)};
  if (IsPlain(question)) question.memo = &memo.Of(question.items, books_.nodes.id_end());
  return question;
}

bool LedgerJudge::IsRightAbout(const NodeState& node) const {
  const NodeQuick afresh = MakeQuick(node);
  const bool is_same = afresh.overbooked == node.quick.overbooked &&
                       afresh.is_exact == node.quick.is_exact && afresh.left == node.quick.left;
  return (!node.quick.is_current || is_same) && IsMemoRight(memo_, node, afresh) &&
         IsMemoRight(memo_aside_, node, afresh);
}

bool LedgerJudge::IsMemoRight(const VerdictMemo& memo, const NodeState& node,
                              const NodeQuick& afresh) const {
  const auto id = static_cast<size_t>(node.id);
  for (const ShapeMemo& shape : memo.shapes()) {
    if (id >= shape.verdicts.size()) continue;
    const VerdictEntry& entry = shape.verdicts[id];
    if (entry.stamp != books_.nodes.StampOf(node.id)) continue;
    if (!node.has_agent || node.report == nullptr || entry.contact > node.contact) return false;
    if (entry.reason != Reason::kFits) {
      std::vector<Item> items;
      for (const QuickItem& item : shape.items) {
        items.push_back({"refused", item.kind, item.requested_bytes});
        items.back().claim_uid += std::to_string(items.size());
      }
      if (JudgeItems(node, items, nullptr) != entry.reason) return false;
    } else if (!QuickRoom(afresh.left).TakeAll(shape.items)) {
      return false;
    }
  }
  return true;
}

// Beside promises, debts and what others hold, each in a bin of its own choice: enough to say yes.
bool LedgerJudge::FitsQuickly(const NodeState& node, const Question& question) const {
  QuickRoom room = QuickOf(node).left;
  const bool has_room_for_others =
      !question.is_beside_holds ||
      books_.holds.TakeAllOn(node.id, question.owner, question.kinds, room);
  return has_room_for_others && room.TakeAll(question.items);
}

// What serves a claim that only a live read tells of is known once the watch tells of it, too.
Reason LedgerJudge::WhyNoVolume(const PodDemand& demand) const {
  for (size_t i = 0; i < demand.items.size(); ++i) {
    const bool is_unheard = books_.cache.FindClaim(demand.items[i].claim_uid) == nullptr;
    if (demand.IsStaticOnly(i) && is_unheard) return Reason::kHeld;
  }
  return Reason::kNoVolume;
}

// Whether it fits beside all that others hold, of volumes and of room; if so, in a takeover,
// whether it would without any volume; if not, whether it would with the volumes that others hold.
Reason LedgerJudge::JudgeWithVolumes(const NodeState& node, const Question& question) const {
  const PodDemand& demand = question.demand;
  const std::optional<std::vector<Item>> unserved = UnservedItems(node, demand, question.owner);
  Reason reason = WhyNoVolume(demand);
  if (unserved) {
    // Also what others hold of a claim that a volume would serve: they were answered without it.
    HeldByOthers others(books_.holds, question.owner, *unserved);
    reason = JudgeItems(node, *unserved, &others);
  }
  if (reason == Reason::kFits) {
    const bool is_takeover = question.now < books_.takeover_until;
    return is_takeover ? JudgeWithoutVolumes(node, question) : reason;
  }
  if (IsForNow(reason) || !question.is_beside_holds) return reason;
  const auto unserved_at_best = UnservedItems(node, demand, std::nullopt);
  const bool would_fit = unserved_at_best && unserved_at_best != unserved &&
                         JudgeItems(node, *unserved_at_best, nullptr) == Reason::kFits;
  return would_fit ? Reason::kHeld : reason;
}

// Which of the volumes that are there a scheduler has given away already, the leader before us
// knew: until its decisions are heard of, nobody counts on one.
Reason LedgerJudge::JudgeWithoutVolumes(const NodeState& node, const Question& question) const {
  const PodDemand& demand = question.demand;
  const Reason without = JudgeItems(node, demand.items, &question.others);
  return demand.HasStaticOnly() || without != Reason::kFits ? Reason::kHeld : Reason::kFits;
}

Reason LedgerJudge::Judge(const NodeState* node, const Question& question) const {
  if (!IsPlainlyFresh(node, question)) {
    if (const auto reason = JudgeFreshness(node, question.demand, question.now)) return *reason;
    if (node->contact < books_.blind_until) return Reason::kHeld;
  }
  if (question.may_be_static) return JudgeWithVolumes(*node, question);
  if (FitsQuickly(*node, question)) {
    if (!question.is_beside_holds) Note(*node, question, Reason::kFits);
    return Reason::kFits;
  }
  const Reason reason = JudgeItems(*node, question.demand.items, &question.others);
  // A refusal that no hold and no debt is part of stands until something changes here.
  if (QuickOf(*node).is_exact && reason != Reason::kFits && !IsForNow(reason)) {
    Note(*node, question, reason);
  }
  return reason;
}

void LedgerJudge::Note(const NodeState& node, const Question& question, Reason reason) const {
  if (question.memo == nullptr) return;
  question.memo->verdicts[static_cast<size_t>(node.id)] = {
      .contact = node.contact, .stamp = books_.nodes.StampOf(node.id), .reason = reason};
}

Reason LedgerJudge::JudgeFirm(std::string_view name, const PodDemand& demand,
                              absl::Time now) const {
  const NodeState* node = books_.nodes.Find(name);
  if (const auto reason = JudgeFreshness(node, demand, now)) return *reason;
  // All that is promised there of these kinds fits together, and these are among it.
  const bool is_overbooked = QuickOf(*node).overbooked.HasAny(KindsOf(demand.items));
  if (AreAssigned(*node, demand.items) && !is_overbooked) return Reason::kFits;
  const std::optional<std::vector<Item>> unserved = UnservedItems(*node, demand, std::nullopt);
  return unserved ? JudgeItems(*node, *unserved, nullptr) : Reason::kNoVolume;
}

bool LedgerJudge::FitsSomewhere(const Pod& pod, absl::Time now) const {
  const PodDemand demand = DemandOf(pod, books_.cache, nullptr);
  const Question question = AskAside(demand, pod.meta.uid, now);
  const auto& nodes = books_.nodes.nodes();
  return std::any_of(nodes.begin(), nodes.end(), [&](const auto& entry) {
    if (JudgeById(entry.second->id, question) != Reason::kFits) return false;
    const Node* node = books_.cache.FindNode(entry.first);
    return node != nullptr && !MatchNode(pod, *node, {});
  });
}

std::optional<Leftover> LedgerJudge::LeftoverOn(const NodeState* node, const Question& question,
                                                Strategy strategy) const {
  if (node == nullptr) return std::nullopt;
  const NodeQuick& quick = QuickOf(*node);
  if (!question.may_be_static && quick.is_exact && quick.left.is_whole) {
    if (const auto left = QuickLeftoverOf(quick.left, question.items, strategy)) return left;
  }
  const auto unserved = UnservedItems(*node, question.demand, question.owner);
  if (!unserved) return std::nullopt;
  return LeftoverOf(NodeBook::RoomLeftOn(*node, question.demand.items).room, *unserved, strategy);
}

Leftover LedgerJudge::LookAtLeftover(int32_t id, const Question& question,
                                     Strategy strategy) const {
  const NodeState* node = books_.nodes.ById(id);
  const std::optional<Leftover> left = LeftoverOn(node, question, strategy);
  if (!left) return {};
  // Reservations and debts may be the asker's own.
  if (question.memo != nullptr && QuickOf(*node).is_exact) {
    question.memo->leftovers[static_cast<size_t>(id)] = {
        .left = *left, .stamp = books_.nodes.StampOf(id), .strategy = strategy};
  }
  return *left;
}

}  // namespace pmem::extender
