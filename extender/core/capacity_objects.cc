// SPDX-License-Identifier: Apache-2.0
#include "extender/core/capacity_objects.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_writer.h"
#include "common/pure/names.h"
#include "common/pure/sizing.h"
#include "common/pure/units.h"

namespace pmem::extender {
namespace {

constexpr size_t kReadableNameMax = 200;  // An object's name has at most 253 bytes.

// FNV-1a: the same in every build, which a library's hash is not.
uint64_t Hash(std::string_view text, uint64_t hash = 14695981039346656037U) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

struct PublishedClass {
  std::string name;
  PoolKind kind;
};

// kube-scheduler asks for capacity only where it chooses the node before the volume is made.
std::vector<PublishedClass> PublishedClasses(const ObjectCache& cache) {
  std::vector<PublishedClass> classes;
  for (const auto& [name, storage_class] : cache.classes()) {
    if (!IsOurs(storage_class) || !storage_class.is_wait_for_first_consumer) continue;
    if (const auto kind = KindOf(storage_class)) classes.push_back({name, *kind});
  }
  return classes;
}

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

// By node: claims that have it and no volume yet, whether or not a report lists one.
using FloorsByNode = absl::flat_hash_map<std::string, CapacityFloors>;

void Raise(CapacityFloors& floors, const ObjectCache& cache, std::string_view claim_uid) {
  const Claim* claim = cache.FindClaim(claim_uid);
  if (claim == nullptr || IsBound(*claim) || !claim->storage_class_name) return;
  int64_t& floor = floors[*claim->storage_class_name];
  floor = std::max(floor, claim->requested_bytes);
}

FloorsByNode PinnedFloors(const Ledger& ledger) {
  FloorsByNode floors;
  for (const std::string& uid : ledger.open_claims()) {
    const Claim* claim = ledger.cache().FindClaim(uid);
    if (claim == nullptr || claim->selected_node.empty()) continue;
    Raise(floors[claim->selected_node], ledger.cache(), uid);
  }
  return floors;
}

void AddFloors(const NodeState& node, const ObjectCache& cache, CapacityFloors& floors) {
  for (const auto& [uid, reservation] : node.reserved) Raise(floors, cache, uid);
  for (const auto& [uid, debt] : node.debts) Raise(floors, cache, uid);
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

CapacityBound FreshBoundOf(const NodeState& node, PoolKind kind) {
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

std::array<CapacityBound, 2> BoundsOf(const NodeState& node) {
  return {FreshBoundOf(node, PoolKind::kLvm), FreshBoundOf(node, PoolKind::kDirect)};
}

// A node in four states; see the top of the header.
std::optional<CapacityBound> KnownBound(const NodeState* node, PoolKind kind) {
  if (node == nullptr || !node->has_agent) return CapacityBound{};
  if (node->report == nullptr) return std::nullopt;
  return BoundOf(*node, kind);
}

// What one node offers to one class. Thousands are looked at several times a second: no copies.
struct Offer {
  const Node& node;
  const Label& topology;
  const std::string& storage_class;
  bool is_known = false;
  CapacityBound bound;
};
using OfferSink = absl::FunctionRef<void(const Offer&)>;

CapacityBound AtLeast(CapacityBound bound, const CapacityFloors& floors,
                      const std::string& storage_class) {
  const auto floor = floors.find(storage_class);
  if (floor == floors.end()) return bound;
  const int64_t bytes = AlignUp(std::max<int64_t>(floor->second, 1), kMiB);
  return {.capacity_bytes = std::max(bytes, bound.capacity_bytes),
          .volume_bytes_max = std::max(bytes, bound.volume_bytes_max)};
}

void AddOffersOfNode(const Ledger& ledger, const Node& node,
                     const std::vector<PublishedClass>& classes, CapacityFloors floors,
                     OfferSink add) {
  const Label* topology = TopologyOf(node);
  if (topology == nullptr) return;
  const NodeState* state = ledger.nodes().Find(node.meta.key.name);
  if (state != nullptr) AddFloors(*state, ledger.cache(), floors);
  for (const PublishedClass& published : classes) {
    const auto known = KnownBound(state, published.kind);
    const CapacityBound bound = AtLeast(known.value_or(CapacityBound{}), floors, published.name);
    if (bound.volume_bytes_max > 0 || (state != nullptr && state->has_agent)) {
      add({.node = node,
           .topology = *topology,
           .storage_class = published.name,
           .is_known = known.has_value(),
           .bound = bound});
    }
  }
}

// Each offer of the page's nodes, those of a node one after the other; returns as
// AddWantedCapacities.
std::string AddOffersOfPage(const Ledger& ledger, const Page& page, OfferSink add) {
  const std::vector<PublishedClass> classes = PublishedClasses(ledger.cache());
  const FloorsByNode pinned = PinnedFloors(ledger);
  const auto& nodes = ledger.cache().nodes();
  int count = 0;
  for (auto it = nodes.upper_bound(page.after); it != nodes.end(); ++it) {
    const auto floors = pinned.find(it->first);
    AddOffersOfNode(ledger, it->second, classes,
                    floors == pinned.end() ? CapacityFloors{} : floors->second, add);
    if (++count >= page.limit) return it->first;
  }
  return "";
}

std::map<std::string, std::string> OurLabels() {
  return {{std::string(kCapacityDriverLabel), std::string(kDriverName)},
          {std::string(kCapacityManagerLabel), std::string(kCapacityManager)}};
}

bool HasOurLabels(const CapacityObject& seen) {
  const auto ours = OurLabels();
  return std::all_of(ours.begin(), ours.end(), [&seen](const auto& label) {
    const auto found = seen.labels.find(label.first);
    return found != seen.labels.end() && found->second == label.second;
  });
}

bool IsOwnedBy(const CapacityObject& seen, const std::string& node_uid) {
  if (node_uid.empty()) return seen.owners.empty();
  return seen.owners.size() == 1 && seen.owners.front().uid == node_uid;
}

// Of a node that we know nothing of, an object that says enough may say what it says.
WantedCapacity AtLeast(WantedCapacity wanted, const CapacityObject& seen) {
  if (wanted.is_known) return wanted;
  const int64_t capacity_bytes = seen.capacity_bytes.value_or(0);
  const int64_t volume_bytes_max = seen.volume_bytes_max.value_or(capacity_bytes);
  wanted.capacity_bytes = std::max(wanted.capacity_bytes, capacity_bytes);
  wanted.volume_bytes_max = std::max(wanted.volume_bytes_max, volume_bytes_max);
  return wanted;
}

bool Says(const CapacityObject& seen, const WantedCapacity& wanted) {
  return seen.capacity_bytes == wanted.capacity_bytes &&
         seen.volume_bytes_max == wanted.volume_bytes_max && HasOurLabels(seen) &&
         IsOwnedBy(seen, wanted.node_uid);
}

// Lower: sooner.
int Urgency(const CapacityChange& change, const SeenCapacities& seen) {
  switch (change.kind) {
    case CapacityChange::Kind::kCreate:
      return change.wanted.volume_bytes_max > 0 ? 0 : 1;
    case CapacityChange::Kind::kReplace:
      return seen.at(change.name).volume_bytes_max.value_or(0) < change.wanted.volume_bytes_max ? 0
                                                                                                : 1;
    case CapacityChange::Kind::kDelete:
      return 2;
  }
  return 2;
}

// In MiB where that is exact: people read it.
std::string SizeText(int64_t bytes) {
  return bytes % kMiB == 0 ? absl::StrCat(bytes / kMiB, "Mi") : absl::StrCat(bytes);
}

}  // namespace

std::string CapacityObjectName(const WantedCapacity& wanted) {
  const uint64_t hash =
      Hash(wanted.topology_value,
           Hash("/", Hash(wanted.topology_key, Hash("/", Hash(wanted.storage_class)))));
  const std::string_view node = wanted.node.empty() ? "all-nodes" : std::string_view(wanted.node);
  const std::string readable = absl::StrCat(wanted.storage_class, ".", AbslView(node));
  return absl::StrCat(readable.size() > kReadableNameMax ? "pmem" : readable,
                      absl::StrFormat(".%016x", hash));
}

CapacityBound BoundOf(const NodeState& node, PoolKind kind) {
  if (!node.bounds) node.bounds = BoundsOf(node);
  return (*node.bounds)[static_cast<size_t>(kind)];
}

bool AreKeptBoundsRight(const NodeState& node) {
  return !node.bounds || *node.bounds == BoundsOf(node);
}

std::string AddWantedCapacities(const Ledger& ledger, const Page& page, WantedCapacities& wanted) {
  return AddOffersOfPage(ledger, page, [&wanted](const Offer& offer) {
    WantedCapacity one{.node = offer.node.meta.key.name,
                       .node_uid = offer.node.meta.uid,
                       .storage_class = offer.storage_class,
                       .topology_key = offer.topology.first,
                       .topology_value = offer.topology.second,
                       .is_known = offer.is_known,
                       .capacity_bytes = offer.bound.capacity_bytes,
                       .volume_bytes_max = offer.bound.volume_bytes_max};
    wanted[CapacityObjectName(one)] = std::move(one);
  });
}

std::string AddJoinedCapacities(const Ledger& ledger, const Page& page, JoinedCapacities& joined) {
  const Node* last = nullptr;
  return AddOffersOfPage(ledger, page, [&](const Offer& offer) {
    if (&offer.node != last) ++joined.nodes;
    last = &offer.node;
    const auto [it, is_new] = joined.by_class.try_emplace(offer.storage_class);
    WantedCapacity& best = it->second;
    if (is_new) best.storage_class = offer.storage_class;
    best.is_known = (is_new || best.is_known) && offer.is_known;
    best.capacity_bytes = std::max(best.capacity_bytes, offer.bound.capacity_bytes);
    best.volume_bytes_max = std::max(best.volume_bytes_max, offer.bound.volume_bytes_max);
  });
}

WantedCapacities WantedOf(const JoinedCapacities& joined) {
  WantedCapacities wanted;
  for (const auto& [name, one] : joined.by_class) wanted[CapacityObjectName(one)] = one;
  return wanted;
}

bool IsOfSameClassAndNodes(const CapacityObject& seen, const WantedCapacity& wanted) {
  std::map<std::string, std::string> topology;
  if (!wanted.topology_key.empty()) topology = {{wanted.topology_key, wanted.topology_value}};
  return seen.storage_class_name == wanted.storage_class && seen.topology == topology;
}

std::vector<CapacityChange> PlanCapacityChanges(const WantedCapacities& wanted,
                                                const SeenCapacities& seen) {
  using Kind = CapacityChange::Kind;
  std::vector<CapacityChange> changes;
  for (const auto& [name, one] : wanted) {
    const auto it = seen.find(name);
    if (it == seen.end()) {
      const bool is_made = one.is_known || one.volume_bytes_max > 0;
      if (is_made) changes.push_back({.kind = Kind::kCreate, .name = name, .wanted = one});
      continue;
    }
    const ObjectMeta& meta = it->second.meta;
    const WantedCapacity least = AtLeast(one, it->second);
    if (Says(it->second, least)) continue;
    changes.push_back({.kind = Kind::kReplace,
                       .name = name,
                       .wanted = least,
                       .uid = meta.uid,
                       .resource_version = meta.resource_version});
  }
  for (const auto& [name, object] : seen) {
    if (wanted.contains(name) || object.meta.is_deleting) continue;
    changes.push_back({.kind = Kind::kDelete,
                       .name = name,
                       .uid = object.meta.uid,
                       .resource_version = object.meta.resource_version});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [&seen](const CapacityChange& a, const CapacityChange& b) {
                     return Urgency(a, seen) < Urgency(b, seen);
                   });
  return changes;
}

std::string CapacityObjectJson(const CapacityChange& change) {
  const WantedCapacity& wanted = change.wanted;
  JsonWriter json;
  json.BeginObject().String("apiVersion", "storage.k8s.io/v1").String("kind", "CSIStorageCapacity");
  json.Key("metadata").BeginObject();
  json.String("name", change.name);
  if (change.kind == CapacityChange::Kind::kReplace) {
    json.String("uid", change.uid).String("resourceVersion", change.resource_version);
  }
  json.Key("labels").BeginObject();
  for (const auto& [key, value] : OurLabels()) json.String(key, value);
  json.EndObject();
  if (!wanted.node.empty()) {
    // The node's end is the object's end, whoever runs or does not run by then.
    json.Key("ownerReferences").BeginArray().BeginObject();
    json.String("apiVersion", "v1").String("kind", "Node").String("name", wanted.node);
    json.String("uid", wanted.node_uid).EndObject().EndArray();
  }
  json.EndObject();
  json.String("storageClassName", wanted.storage_class);
  json.Key("nodeTopology").BeginObject().Key("matchLabels").BeginObject();
  if (!wanted.topology_key.empty()) json.String(wanted.topology_key, wanted.topology_value);
  json.EndObject().EndObject();
  json.String("capacity", SizeText(wanted.capacity_bytes));
  json.String("maximumVolumeSize", SizeText(wanted.volume_bytes_max)).EndObject();
  return json.Take();
}

std::string CapacityDeleteJson(const CapacityChange& change) {
  JsonWriter json;
  json.BeginObject().String("apiVersion", "v1").String("kind", "DeleteOptions");
  json.Key("preconditions").BeginObject();
  json.String("uid", change.uid).String("resourceVersion", change.resource_version);
  json.EndObject().EndObject();
  return json.Take();
}

}  // namespace pmem::extender
