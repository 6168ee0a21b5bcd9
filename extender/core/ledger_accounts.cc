// SPDX-License-Identifier: Apache-2.0
// Ledger: who has what room where, kept step by step.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "common/pure/names.h"
#include "common/pure/sizing.h"
#include "extender/core/growth.h"
#include "extender/core/ledger.h"

namespace pmem::extender {
namespace {

// A volume made for this very claim has the claim's UID in its name or handle; a pre-provisioned
// one needs no room, as the report lists it anyway.
bool IsMadeFor(const PersistentVolume& volume, std::string_view claim_uid) {
  return volume.meta.key.name.find(claim_uid) != std::string::npos ||
         volume.csi_volume_handle.find(claim_uid) != std::string::npos;
}

// Of a claim that has a volume which was not made for it. That takes no room but what it grows by:
// it is there, whether a report lists it or not.
std::optional<ClaimPlace> PlaceByHand(const PersistentVolume& volume, Item item) {
  const std::string_view key = VolumeKey(volume.csi_volume_handle);
  const std::string node = volume.affinity_node.value_or("");
  if (!volume.is_ours || node.empty() || key.empty()) return std::nullopt;
  return ClaimPlace{.node = node,
                    .item = std::move(item),
                    .is_counted = false,
                    .was_listed = true,
                    .taken_key = std::string(key)};
}

}  // namespace

std::optional<ClaimPlace> Ledger::PlaceOf(const Claim& claim, const ClaimPlace* before) const {
  std::optional<Item> item = ItemOf(claim, cache_);
  if (!item && before != nullptr) item = before->item;  // Its class went; its volume did not.
  if (!item) return std::nullopt;
  const PersistentVolume* volume = IsBound(claim) ? cache_.FindVolume(claim.volume_name) : nullptr;
  if (volume != nullptr && !IsMadeFor(*volume, claim.meta.uid)) {
    if (volume->claim_uid == claim.meta.uid) return PlaceByHand(*volume, *std::move(item));
    volume = nullptr;  // What is known of it is of before the claim got it.
  }
  ClaimPlace place{.node = NodeOf(claim, volume), .item = *std::move(item)};
  if (place.node.empty()) return std::nullopt;
  const NodeState* node = nodes_.Find(place.node);
  const NodeBook::Listed listed =
      node == nullptr ? NodeBook::Listed() : nodes_.FindVolume(*node, claim.meta.uid);
  const bool was_listed = before != nullptr && before->node == place.node && before->was_listed;
  place.was_listed = IsBound(claim) && (listed.IsWhole() || was_listed);
  place.is_counted = listed.volume == nullptr && !place.was_listed;
  if (!IsBound(claim) && IsStaticOnly(claim, cache_)) place.is_counted = false;
  return place;
}

// What is listed and half made keeps its room only until the driver has removed it, and then takes
// it anew for a claim that it looked at before.
bool Ledger::MayBeInTheMaking(const NodeState& node, const ClaimPlace& place) const {
  if (place.is_counted || place.was_listed) return place.is_counted;
  return nodes_.FindVolume(node, UidOf(place)).IsHalfMade();
}

void Ledger::PlaceClaim(std::string_view uid, std::optional<ClaimPlace> place, absl::Time now) {
  const ClaimPlace* known = FindPlace(uid);
  if (known != nullptr && place && *known == *place) return;
  ++version_;
  if (known != nullptr) {
    const ClaimPlace before = *known;
    NodeState& node = nodes_.At(before.node);
    node.assigned.erase(std::string(uid));
    places_.Erase(*known);
    const bool is_same = place && place->node == before.node;
    const bool has_left = !is_same || place->taken_key != before.taken_key;
    if (has_left && node.expansions.erase(std::string(uid)) > 0) NodeBook::RebuildRoom(node);
    if (has_left && MayBeInTheMaking(node, before)) Owe(node, before.item, now);
  }
  if (!place) return;
  NodeState& node = nodes_.At(place->node);
  if (place->is_counted) node.assigned[std::string(uid)] = place->item;
  // One that got another volume may have its own in the making all the same.
  if (place->taken_key.empty()) node.debts.erase(std::string(uid));
  places_.Add(*std::move(place));
}

void Ledger::Owe(NodeState& node, const Item& item, absl::Time now) {
  const absl::Time until = now + options_.debt_grace;
  node.debts[item.claim_uid] = {item, until};
  debts_end_first_ = std::min(debts_end_first_, until);
  ++counters_.debts_made;
}

// A claim that is bound on another node than it was last pinned to lost that pin while its volume
// may have been in the making there; the watch may not have told of it at all.
void Ledger::OweLastPin(const Claim& claim, const std::string& node, const Item& item,
                        absl::Time now) {
  const std::string& pinned = claim.selected_node;
  if (!IsBound(claim) || pinned.empty() || pinned == node) return;
  NodeState& last = nodes_.At(pinned);
  if (!nodes_.FindVolume(last, claim.meta.uid).IsWhole()) Owe(last, item, now);
}

// By the report alone: status.capacity may tell of an expansion before a report does. 0 bytes: none
// is on its way.
Expansion Ledger::ExpansionOf(const ClaimPlace& place, const Claim& claim,
                              const NodeState& node) const {
  const NodeBook::Listed listed = nodes_.FindVolume(node, KeyOf(place));
  if (listed.volume == nullptr || listed.pool->kind != PoolKind::kLvm || !IsBound(claim)) return {};
  const int64_t begun_bytes = BegunBytes(cache_, claim, *listed.pool);
  const int64_t asked = MostThatMayBe(*listed.pool, {claim.requested_bytes, begun_bytes});
  // What people wrote of a volume that they made may be more than it ever was: of such a one only
  // what is beyond what the claim was told when it got it is an expansion, from then on.
  const bool is_by_hand = !place.taken_key.empty();
  const bool is_more = claim.capacity_bytes > 0 && asked > claim.capacity_bytes;
  if (is_by_hand && !is_more && !node.expansions.contains(claim.meta.uid)) return {};
  const int64_t wanted = VolumeBytes(asked, listed.pool->alignment_bytes);
  if (wanted <= listed.volume->bytes) return {};
  return {listed.pool->id, wanted - listed.volume->bytes};
}

void Ledger::AccountExpansion(const ClaimPlace& place, const Claim& claim, NodeState& node) {
  const Expansion expansion = ExpansionOf(place, claim, node);
  const auto it = node.expansions.find(claim.meta.uid);
  if (expansion.bytes == 0) {
    if (it == node.expansions.end()) return;
    node.expansions.erase(it);
  } else {
    if (it != node.expansions.end() && it->second == expansion) return;
    node.expansions[claim.meta.uid] = expansion;
  }
  NodeBook::RebuildRoom(node);
  ++version_;
}

void Ledger::AccountClaim(std::string_view uid, absl::Time now) {
  const Claim* claim = cache_.FindClaim(uid);
  if (claim == nullptr) return;
  const ClaimPlace* before = FindPlace(uid);
  const std::optional<ClaimPlace> place = PlaceOf(*claim, before);
  const std::string node = place ? place->node : "";
  const bool is_new = place && place->is_counted && (before == nullptr || before->node != node);
  if (ItemOf(*claim, cache_) && !IsBound(*claim)) {
    open_claims_.insert(std::string(uid));
  } else {
    open_claims_.erase(std::string(uid));
  }
  const bool has_come = before == nullptr || before->node != node;
  PlaceClaim(uid, place, now);
  if (!place) return;
  if (has_come) OweLastPin(*claim, node, place->item, now);
  AccountExpansion(*place, *claim, nodes_.At(node));
  if (!PlacedByEvidence(*claim, now) && is_new && !IsBound(*claim)) {
    hand_pins_.push_back(*claim);
    if (hand_pins_.size() > kHandPinsMax) hand_pins_.pop_front();
  }
}

// Of several pods that use a claim nobody knows whose attempt it was that gave it its node; the
// attempts of the others may write their other claims to another one meanwhile.
bool Ledger::IsOnlyUser(const std::vector<std::string>& owners, const Claim& claim) const {
  const std::vector<std::string> users = cache_.PodsUsing(claim.meta.key);
  return owners.size() == 1 && (users.empty() || users == owners);
}

// The claim has its node: what was held for it elsewhere is free again, and what else its pod holds
// can only be there. False: nobody held room for it.
bool Ledger::PlacedByEvidence(const Claim& claim, absl::Time now) {
  if (holds_.IsEmpty()) return false;
  const NodeState& node = nodes_.At(FindPlace(claim.meta.uid)->node);
  std::vector<std::string> owners = EndItem(claim.meta.uid, now);
  if (owners.empty()) return false;
  ++version_;
  std::erase(owners, ClaimOwner(claim.meta.uid));
  std::erase(owners, TakeoverOwner(claim.meta.uid));
  if (IsOnlyUser(owners, claim)) NarrowHold(owners.front(), node);
  return true;
}

// Claims are decided. Volumes that they got may be heard of as taken only later.
std::vector<std::string> Ledger::EndItem(std::string_view claim_uid, absl::Time now) {
  return holds_.DropItem(claim_uid, now + options_.hold_grace);
}

// What the owner was answered elsewhere is free again: room, and volumes that are there. A node
// that the answer did not name (a pin by hand) says nothing of where the attempt may be writing.
void Ledger::NarrowHold(std::string_view owner, const NodeState& node) {
  const Hold* hold = holds_.Find(owner);
  const bool is_answered =
      hold != nullptr && std::binary_search(hold->node_ids.begin(), hold->node_ids.end(), node.id);
  if (!is_answered) return;
  holds_.Narrow(owner, node.id, [&](const std::string& name) {
    const PersistentVolume* volume = cache_.FindVolume(name);
    return volume != nullptr && volume->affinity_node.value_or(node.name) == node.name;
  });
}

void Ledger::AccountClaimAndPods(const Claim& claim, absl::Time now) {
  const std::string uid = claim.meta.uid;
  const ObjectKey key = claim.meta.key;
  AccountClaim(uid, now);
  if (IsBound(claim)) EndItem(uid, now);
  for (const std::string& pod_uid : cache_.PodsUsing(key)) AccountPod(pod_uid);
}

// By what the claims say: the volume may not know yet whose it is.
void Ledger::AccountVolume(std::string_view name, absl::Time now) {
  for (const std::string& uid : cache_.ClaimsOf(name)) {
    AccountClaimAndPods(*cache_.FindClaim(uid), now);
  }
}

void Ledger::Unreserve(std::string_view pod_uid) {
  const auto it = reserving_.find(pod_uid);
  if (it == reserving_.end()) return;
  NodeState& node = nodes_.At(it->second);
  for (auto entry = node.reserved.begin(); entry != node.reserved.end();) {
    entry->second.pod_uids.erase(std::string(pod_uid));
    entry = entry->second.pod_uids.empty() ? node.reserved.erase(entry) : std::next(entry);
  }
  reserving_.erase(it);
  ++version_;
}

// Some of its claims have their place, all on one node: the others can only go there, too. Of those
// that no volume is made for, none takes room. No items: it reserves nothing.
PodDemand Ledger::ReservationsOf(const Pod& pod) const {
  PodDemand demand = DemandOf(pod, cache_, nullptr);
  demand.DropStaticOnly();
  return demand.node.empty() || demand.is_split ? PodDemand{} : demand;
}

void Ledger::AccountPod(std::string_view uid) {
  Unreserve(uid);
  const Pod* pod = cache_.FindPod(uid);
  if (pod == nullptr) return;
  const PodDemand demand = ReservationsOf(*pod);
  if (demand.items.empty()) return;
  NodeState& node = nodes_.At(demand.node);
  for (const Item& item : demand.items) {
    Reservation& reservation = node.reserved[item.claim_uid];
    reservation.item = item;
    reservation.pod_uids.insert(std::string(uid));
  }
  reserving_[std::string(uid)] = demand.node;
  ++version_;
}

void Ledger::AccountNode(NodeState& node, absl::Time now) {
  NodeBook::RebuildRoom(node);
  ++version_;
  std::vector<std::string> uids;
  for (const ClaimPlace* place : places_.On(node.name)) uids.push_back(UidOf(*place));
  for (const std::string& uid : uids) AccountClaim(uid, now);
  for (auto debt = node.debts.begin(); debt != node.debts.end();) {
    const bool is_made = nodes_.FindVolume(node, debt->first).IsWhole();
    debt = is_made ? node.debts.erase(debt) : std::next(debt);
  }
}

void Ledger::AccountAll(absl::Time now) {
  for (const auto& [uid, claim] : cache_.claims()) AccountClaim(uid, now);
  for (const auto& [uid, pod] : cache_.pods()) AccountPod(uid);
  ++version_;
}

// A held claim that a new list does not have may have been pinned, and deleted, unseen: its volume
// may be in the making on any node of its hold.
std::vector<Ledger::HeldItem> Ledger::UnseenHeld(const std::vector<Claim>& listed) const {
  std::set<std::string_view> uids;
  for (const Claim& claim : listed) uids.insert(claim.meta.uid);
  std::vector<HeldItem> unseen;
  for (const auto& [owner, hold] : holds_.holds()) {
    for (const Item& item : hold.items) {
      if (!uids.contains(item.claim_uid)) unseen.emplace_back(item, &hold);
    }
  }
  return unseen;
}

// What happened to a claim without a volume between the watch and the list, nobody tells. When it
// is gone, or was written to and has no node, a leader before us, or a person, may have pinned it
// meanwhile: its volume may be in the making on any node.
std::vector<Item> Ledger::UnseenOpen(const Relisted<Claim>& list) const {
  std::set<std::string_view> plain;
  for (const Claim& claim : list.objects) {
    if (!open_claims_.contains(claim.meta.uid)) continue;
    const bool is_news =
        !IsLate(list, claim) && claim.meta.resource_version != KnownVersion(claim.meta.uid);
    if (!is_news || IsBound(claim) || !claim.selected_node.empty()) plain.insert(claim.meta.uid);
  }
  std::vector<Item> unseen;
  for (const std::string& uid : open_claims_) {
    const Claim& claim = *cache_.FindClaim(uid);
    const std::optional<Item> item = ItemOf(claim, cache_);
    if (plain.contains(uid) || !item || IsStaticOnly(claim, cache_)) continue;
    unseen.push_back(*item);
  }
  return unseen;
}

void Ledger::OweHeld(const std::vector<HeldItem>& held, absl::Time now) {
  for (const auto& [item, hold] : held) {
    for (const int32_t id : hold->node_ids) Owe(nodes_.At(nodes_.ById(id)->name), item, now);
  }
}

void Ledger::OweOn(int32_t node_id, const std::vector<Item>& items, absl::Time now) {
  const NodeState& node = *nodes_.ById(node_id);
  for (const Item& item : items) {
    const bool is_made = nodes_.FindVolume(node, item.claim_uid).IsWhole();
    if (!is_made) Owe(nodes_.At(node.name), item, now);
  }
}

// Whoever decided what we did not see may have heard of these agents before us.
void Ledger::OweOnNew(const std::vector<int32_t>& known_ids, absl::Time now) {
  std::vector<int32_t> new_ids;
  std::set_difference(agent_nodes_.begin(), agent_nodes_.end(), known_ids.begin(), known_ids.end(),
                      std::back_inserter(new_ids));
  std::vector<Item> items;
  for (const Debt& debt : unseen_) {
    if (debt.until > now) items.push_back(debt.item);
  }
  // Nodes that come a few at a time are counted with those before them.
  if (!new_ids.empty() &&
      std::cmp_greater(items.size() * agent_nodes_.size(), options_.unseen_debts_max)) {
    return TakeNothingBefore(now + options_.debt_grace);
  }
  for (const int32_t id : new_ids) OweOn(id, items, now);
}

void Ledger::OweUnseen(const Relisted<Claim>& list, absl::Time now) {
  const std::vector<HeldItem> held = UnseenHeld(list.objects);
  const std::vector<Item> open = UnseenOpen(list);
  size_t debts = open.size() * agent_nodes_.size();
  for (const auto& [item, hold] : held) debts += hold->node_ids.size();
  if (std::cmp_greater(debts, options_.unseen_debts_max)) {
    TakeNothingBefore(now + options_.debt_grace);
    return;
  }
  OweHeld(held, now);
  for (const int32_t id : agent_nodes_) OweOn(id, open, now);
  for (const Item& item : open) unseen_.push_back({item, now + options_.debt_grace});
}

void Ledger::TakeNothingBefore(absl::Time time) {
  if (blind_until_ >= time) return;
  blind_until_ = time;
  ++version_;
}

// A scheduler that was told before us that the volume is there to be given may have given it to a
// pod that we have answered meanwhile.
void Ledger::HoldNewVolume(const PersistentVolume& volume) {
  const int32_t id = nodes_.FindId(volume.affinity_node.value_or(""));
  std::vector<std::string> owners;
  for (const auto& [owner, hold] : holds_.holds()) {
    if (KindOfOwner(owner) == OwnerKind::kClaim) continue;  // What we pin gets a new one.
    const auto& ids = hold.node_ids;
    if (volume.affinity_node && !std::binary_search(ids.begin(), ids.end(), id)) continue;
    const bool may_have_it =
        std::any_of(hold.items.begin(), hold.items.end(), [&](const Item& item) {
          const Claim* claim = cache_.FindClaim(item.claim_uid);
          return claim == nullptr || claim->storage_class_name == volume.storage_class_name;
        });
    if (may_have_it) owners.push_back(owner);
  }
  for (const std::string& owner : owners) holds_.AddVolume(owner, volume.meta.key.name);
}

// A volume that was made for a claim which nobody told us of, or not of its pin there, has its
// PersistentVolume before a report lists it. Before the claims are listed all would seem so.
void Ledger::OweUnclaimed(const PersistentVolume& volume, absl::Time now) {
  const std::string& uid = volume.claim_uid;
  const std::string name = volume.affinity_node.value_or("");
  const bool is_made = volume.is_ours && !uid.empty() && IsMadeFor(volume, uid);
  if (!is_made || !nodes_.HasAgent(nodes_.FindId(name)) || !synced_.contains(ObjectKind::kClaims))
    return;
  const ClaimPlace* place = FindPlace(uid);
  if (place != nullptr && place->node == name) return;
  const StorageClass* storage_class = cache_.FindClass(volume.storage_class_name);
  const auto kind = storage_class == nullptr ? std::nullopt : KindOf(*storage_class);
  if (!kind || nodes_.FindVolume(*nodes_.Find(name), uid).IsWhole()) return;
  Owe(nodes_.At(name), {uid, *kind, volume.capacity_bytes}, now);
}

void Ledger::RemoveClaim(std::string_view uid_view, absl::Time now) {
  const std::string uid(uid_view);
  const Claim* claim = cache_.FindClaim(uid);
  const ObjectKey key = claim == nullptr ? ObjectKey{} : claim->meta.key;
  PlaceClaim(uid, std::nullopt, now);
  unheard_.erase(uid);
  open_claims_.erase(uid);
  cache_.EraseClaim(uid);
  if (!EndItem(uid, now).empty()) ++version_;
  for (const std::string& pod_uid : cache_.PodsUsing(key)) AccountPod(pod_uid);
}

void Ledger::RemovePod(std::string_view uid_view, absl::Time now) {
  const std::string uid(uid_view);
  cache_.ErasePod(uid);
  refused_.Erase(uid);
  Unreserve(uid);
  holds_.Shorten(uid, now + options_.hold_grace);
  ++version_;
}

}  // namespace pmem::extender
