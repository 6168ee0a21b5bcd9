// SPDX-License-Identifier: Apache-2.0
#include "extender/core/capacity_offers.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/pure/names.h"
#include "common/pure/sizing.h"
#include "common/pure/units.h"

namespace pmem::extender {
namespace {

using Label = std::pair<const std::string, std::string>;

// The label by which a node is reached; the first that it has. Null: none.
const Label* TopologyOf(const Node& node) {
  static const auto* const kKeys =
      new std::array<std::string, 2>{std::string(kHostnameLabel), std::string(kTopologyNodeKey)};
  for (const std::string& key : *kKeys) {
    const auto label = node.labels.find(key);
    if (label != node.labels.end()) return &*label;
  }
  return nullptr;
}

void Raise(CapacityFloors& floors, const ObjectCache& cache, std::string_view claim_uid) {
  const Claim* claim = cache.FindClaim(claim_uid);
  if (claim == nullptr || IsBound(*claim) || !claim->storage_class_name) return;
  int64_t& floor = floors[*claim->storage_class_name];
  floor = std::max(floor, claim->requested_bytes);
}

// Claims that have the node and no volume yet, whether or not a report lists one.
CapacityFloors FloorsOn(const Ledger& ledger, const NodeState& node) {
  CapacityFloors floors;
  const ObjectCache& cache = ledger.cache();
  for (const ClaimPlace* place : ledger.places().On(node.name)) {
    if (!place->was_listed) Raise(floors, cache, UidOf(*place));  // Else it is bound.
  }
  for (const auto& [uid, reservation] : node.reserved) Raise(floors, cache, uid);
  for (const auto& [uid, debt] : node.debts) Raise(floors, cache, uid);
  return floors;
}

int64_t SmallestAlignment(const Room& room, PoolKind kind) {
  int64_t smallest = std::numeric_limits<int64_t>::max();
  for (const PoolRoom& pool : room.pools) {
    if (pool.kind == kind) smallest = std::min(smallest, pool.alignment_bytes);
  }
  return smallest;
}

// Room of the bins that could still take a volume.
int64_t UsableBytes(const Room& room, PoolKind kind) {
  int64_t bytes = 0;
  for (const Bin& bin : room.bins) {
    const PoolRoom& pool = room.pools[bin.pool];
    if (pool.kind != kind || pool.slots_free < 1 || bin.free_bytes <= 0) continue;
    bytes = AddBytes(bytes, AlignDown(bin.free_bytes, pool.alignment_bytes));
  }
  return bytes;
}

CapacityBound AtLeast(CapacityBound bound, const CapacityFloors& floors,
                      const std::string& storage_class) {
  const auto floor = floors.find(storage_class);
  if (floor == floors.end()) return bound;
  const int64_t bytes = AlignUp(std::max<int64_t>(floor->second, 1), kMiB);
  return {.capacity_bytes = std::max(bytes, bound.capacity_bytes),
          .volume_bytes_max = std::max(bytes, bound.volume_bytes_max)};
}

}  // namespace

CapacityBound BoundOf(const NodeState& node, PoolKind kind) {
  const Room& room = node.room;
  const int64_t alignment = SmallestAlignment(room, kind);
  std::vector<Item> promised = NodeBook::FirmItems(node, {});
  for (Item& debt : NodeBook::DebtItems(node, {})) promised.push_back(std::move(debt));
  int64_t left_bytes = UsableBytes(room, kind);
  int64_t slots_left = SlotsFree(room, kind);
  for (const Item& item : promised) {
    if (item.kind != kind || left_bytes <= 0) continue;
    left_bytes -= VolumeBytes(item.requested_bytes, alignment);
    if (slots_left != kSlotsUnlimited) --slots_left;
  }
  if (left_bytes <= 0 || slots_left < 1) return {};
  return {.capacity_bytes = left_bytes,
          .volume_bytes_max = std::min(left_bytes, LargestVolumeBytes(room, kind))};
}

WantedCapacities WantedOf(const JoinedCapacities& joined) {
  WantedCapacities wanted;
  for (const auto& [name, one] : joined.by_class) wanted[CapacityObjectName(one)] = one;
  return wanted;
}

void CapacityOffers::FollowClasses(const ObjectCache& cache) {
  classes_.clear();
  for (const auto& [name, storage_class] : cache.classes()) {
    if (!IsOurs(storage_class) || !storage_class.is_wait_for_first_consumer) continue;
    if (const auto kind = KindOf(storage_class)) classes_.push_back({name, *kind});
  }
}

// A node in four states; see the top of capacity_objects.h.
CapacityOffers::Kept CapacityOffers::LookAt(const Ledger& ledger, const NodeState& node) {
  const Node* object = ledger.cache().FindNode(node.name);
  Kept kept{.is_reached = object != nullptr && TopologyOf(*object) != nullptr,
            .has_agent = node.has_agent,
            .is_known = !node.has_agent || node.report != nullptr,
            .stamp = ledger.nodes().StampOf(node.id)};
  // Claims of debts and reservations may change without the node.
  kept.is_current = node.debts.empty() && node.reserved.empty();
  if (!kept.is_reached) return kept;
  if (node.has_agent && node.report != nullptr) {
    for (const PoolKind kind : kPoolKinds) {
      kept.bounds[static_cast<size_t>(kind)] = BoundOf(node, kind);
    }
  }
  kept.floors = FloorsOn(ledger, node);
  return kept;
}

bool CapacityOffers::FollowNode(const Ledger& ledger, int32_t id) {
  Kept& kept = kept_[static_cast<size_t>(id)];
  const NodeState* node = ledger.nodes().ById(id);
  if (node == nullptr) {
    kept = {};
    return false;
  }
  if (kept.is_current && kept.stamp == ledger.nodes().StampOf(id)) return false;
  kept = LookAt(ledger, *node);
  return true;
}

int32_t CapacityOffers::Follow(const Ledger& ledger, int32_t begin, int looks_max) {
  FollowClasses(ledger.cache());
  kept_.resize(static_cast<size_t>(ledger.nodes().id_end()));
  for (int32_t id = begin; std::cmp_less(id, kept_.size()); ++id) {
    if (FollowNode(ledger, id) && --looks_max <= 0) return id + 1;
  }
  return kAllSeen;
}

std::optional<CapacityBound> CapacityOffers::OfferOf(const Kept& kept,
                                                     const PublishedClass& published) {
  if (!kept.is_reached) return std::nullopt;
  const CapacityBound bound =
      AtLeast(kept.bounds[static_cast<size_t>(published.kind)], kept.floors, published.name);
  if (bound.volume_bytes_max <= 0 && !kept.has_agent) return std::nullopt;
  return bound;
}

JoinedCapacities CapacityOffers::Joined() const {
  JoinedCapacities joined;
  for (const Kept& kept : kept_) {
    const bool has_any = std::any_of(
        classes_.begin(), classes_.end(),
        [&kept](const PublishedClass& published) { return OfferOf(kept, published).has_value(); });
    joined.nodes += has_any ? 1 : 0;
  }
  for (const PublishedClass& published : classes_) {
    WantedCapacity best{.storage_class = published.name, .is_known = true};
    bool has_any = false;
    for (const Kept& kept : kept_) {
      const std::optional<CapacityBound> offer = OfferOf(kept, published);
      if (!offer) continue;
      has_any = true;
      best.is_known &= kept.is_known;
      best.capacity_bytes = std::max(best.capacity_bytes, offer->capacity_bytes);
      best.volume_bytes_max = std::max(best.volume_bytes_max, offer->volume_bytes_max);
    }
    if (has_any) joined.by_class[published.name] = std::move(best);
  }
  return joined;
}

void CapacityOffers::AddWantedOf(const Kept& kept, const Node& node,
                                 WantedCapacities& wanted) const {
  const Label& topology = *TopologyOf(node);
  for (const PublishedClass& published : classes_) {
    const std::optional<CapacityBound> offer = OfferOf(kept, published);
    if (!offer) continue;
    WantedCapacity one{.node = node.meta.key.name,
                       .node_uid = node.meta.uid,
                       .storage_class = published.name,
                       .topology_key = topology.first,
                       .topology_value = topology.second,
                       .is_known = kept.is_known,
                       .capacity_bytes = offer->capacity_bytes,
                       .volume_bytes_max = offer->volume_bytes_max};
    wanted[CapacityObjectName(one)] = std::move(one);
  }
}

int32_t CapacityOffers::AddWanted(const Ledger& ledger, int32_t begin, int nodes_max,
                                  WantedCapacities& wanted) {
  FollowClasses(ledger.cache());
  kept_.resize(static_cast<size_t>(ledger.nodes().id_end()));
  for (int32_t id = begin; std::cmp_less(id, kept_.size()); ++id) {
    FollowNode(ledger, id);
    const Kept& kept = kept_[static_cast<size_t>(id)];
    if (!kept.is_reached) continue;
    AddWantedOf(kept, *ledger.cache().FindNode(ledger.nodes().ById(id)->name), wanted);
    if (--nodes_max <= 0) return id + 1;
  }
  return kAllSeen;
}

}  // namespace pmem::extender
