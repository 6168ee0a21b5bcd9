// SPDX-License-Identifier: Apache-2.0
// Ledger: whether something fits.
#include <algorithm>

#include "extender/core/ledger.h"
#include "extender/core/node_match.h"

namespace pmem::extender {
namespace {

void Append(std::vector<Item>& items, const std::vector<Item>& more) {
  for (const Item& item : more) {
    if (!HasClaim(items, item.claim_uid)) items.push_back(item);
  }
}

bool HasAllModes(const PersistentVolume& volume, const Claim& claim) {
  return std::all_of(
      claim.access_modes.begin(), claim.access_modes.end(), [&](const std::string& mode) {
        return std::count(volume.access_modes.begin(), volume.access_modes.end(), mode) > 0;
      });
}

bool CanServe(const PersistentVolume& volume, const Claim& claim, const std::string& node) {
  if (volume.node_affinity && SingleNode(*volume.node_affinity) != node) return false;
  return volume.capacity_bytes >= claim.requested_bytes &&
         volume.volume_mode == claim.volume_mode && HasAllModes(volume, claim);
}

}  // namespace

std::optional<Reason> Ledger::JudgeFreshness(const NodeState* node, const PodDemand& demand,
                                             absl::Time now) const {
  if (demand.has_unknown_kind) return Reason::kUnknownKind;
  if (node == nullptr) return Reason::kNoAgent;
  if (demand.is_split) return Reason::kPinnedElsewhere;
  if (!demand.node.empty() && demand.node != node->name) return Reason::kPinnedElsewhere;
  switch (NodeBook::FreshnessOf(*node, now, options_.agent_silence_max)) {
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
// it thinks of creating one.
const PersistentVolume* Ledger::StaticVolume(const NodeState& node, const PodDemand& demand,
                                             size_t item, std::string_view owner,
                                             const std::vector<std::string>& taken) const {
  const Claim* claim = cache_.FindClaim(demand.items[item].claim_uid);
  if (claim == nullptr || claim->has_selector) return nullptr;
  const PersistentVolume* best = nullptr;
  for (const PersistentVolume* volume : cache_.AvailableVolumes(demand.item_classes[item])) {
    const std::string& name = volume->meta.key.name;
    if (!CanServe(*volume, *claim, node.name) || holds_.IsVolumeHeld(name, owner)) continue;
    if (std::count(taken.begin(), taken.end(), name) > 0) continue;
    if (best == nullptr || volume->capacity_bytes < best->capacity_bytes) best = volume;
  }
  return best;
}

std::vector<Item> Ledger::NeededItems(const NodeState& node, const PodDemand& demand,
                                      std::string_view owner,
                                      std::vector<std::string>* volumes) const {
  std::vector<Item> needed;
  std::vector<std::string> taken;
  for (size_t i = 0; i < demand.items.size(); ++i) {
    const PersistentVolume* volume = StaticVolume(node, demand, i, owner, taken);
    if (volume == nullptr) {
      needed.push_back(demand.items[i]);
    } else {
      taken.push_back(volume->meta.key.name);
    }
  }
  if (volumes != nullptr) volumes->insert(volumes->end(), taken.begin(), taken.end());
  return needed;
}

Reason Ledger::JudgeItems(const NodeState& node, absl::Span<const Item> items,
                          std::string_view owner, bool with_holds) const {
  if (items.empty()) return Reason::kFits;
  std::vector<Item> firm = NodeBook::FirmItems(node, items);
  std::vector<Item> all = firm;
  if (with_holds) {
    Append(all, NodeBook::DebtItems(node, items));
    Append(all, holds_.ItemsOn(node.id, owner, items));
  }
  const bool has_soft = all.size() > firm.size();
  all.insert(all.end(), items.begin(), items.end());
  if (Pack(node.room, all)) return Reason::kFits;
  const std::optional<Room> left = RoomLeft(node, items);
  if (!left) return Reason::kNoRoom;  // More is pinned there than it holds.
  firm.insert(firm.end(), items.begin(), items.end());
  if (has_soft && Pack(node.room, firm)) return Reason::kHeld;
  const Reason reason = WhyNot(*node.report, *left, items);
  return reason == Reason::kFits ? Reason::kNoRoom : reason;
}

Reason Ledger::Judge(std::string_view name, const PodDemand& demand, std::string_view owner,
                     absl::Time now, std::vector<std::string>* static_volumes) const {
  const NodeState* node = nodes_.Find(name);
  if (const auto reason = JudgeFreshness(node, demand, now)) return *reason;
  return JudgeItems(*node, NeededItems(*node, demand, owner, static_volumes), owner, true);
}

Reason Ledger::JudgeFirm(std::string_view name, const PodDemand& demand, std::string_view owner,
                         absl::Time now) const {
  const NodeState* node = nodes_.Find(name);
  if (const auto reason = JudgeFreshness(node, demand, now)) return *reason;
  return JudgeItems(*node, NeededItems(*node, demand, owner, nullptr), owner, false);
}

std::vector<std::string> Ledger::RefusedThatFit(absl::Time now) const {
  std::vector<std::string> fitting;
  int looked_at = 0;
  for (const std::string& uid : refused_) {
    const Pod* pod = cache_.FindPod(uid);
    if (pod == nullptr) continue;
    if (++looked_at > kRefusedLookedAtMax) break;
    const PodDemand demand = DemandOf(*pod, cache_, nullptr);
    const auto& nodes = nodes_.nodes();
    const bool fits = std::any_of(nodes.begin(), nodes.end(), [&](const auto& entry) {
      const Node* node = cache_.FindNode(entry.first);
      return node != nullptr && !MatchNode(*pod, *node, {}) &&
             Judge(entry.first, demand, uid, now, nullptr) == Reason::kFits;
    });
    if (fits) fitting.push_back(uid);
  }
  return fitting;
}

std::optional<Room> Ledger::RoomLeft(const NodeState& node, absl::Span<const Item> except) {
  const std::vector<Item> firm = NodeBook::FirmItems(node, except);
  Room room = node.room;
  const auto bins = Pack(room, firm);
  if (!bins) return std::nullopt;
  Take(room, firm, *bins);
  return room;
}

std::optional<Leftover> Ledger::LeftoverOn(std::string_view name, const PodDemand& demand,
                                           std::string_view owner, Strategy strategy) const {
  const NodeState* node = nodes_.Find(name);
  if (node == nullptr) return std::nullopt;
  const std::vector<Item> needed = NeededItems(*node, demand, owner, nullptr);
  const std::optional<Room> room = RoomLeft(*node, demand.items);
  if (!room) return std::nullopt;
  return LeftoverOf(*room, needed, strategy);
}

}  // namespace pmem::extender
