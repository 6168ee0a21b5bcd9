// SPDX-License-Identifier: Apache-2.0
#include "extender/core/ledger.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "extender/core/resource_version.h"

namespace pmem::extender {
namespace {

// What a filter or a pin decides for.
constexpr ObjectKind kKindsOfDecisions[] = {ObjectKind::kClaims, ObjectKind::kPods};

// Names (by `name_of`) of the objects in `kept` that are not among `listed`.
template <class Map, class T, class NameOf>
std::vector<std::string> Missing(const Map& kept, const std::vector<T>& listed, NameOf name_of) {
  std::set<std::string> names;
  for (const T& object : listed) names.insert(name_of(object));
  std::vector<std::string> missing;
  for (const auto& [name, object] : kept) {
    if (!names.contains(name)) missing.push_back(name);
  }
  return missing;
}

// Ids are dense: marking them costs less than comparing them.
void SortAndUnique(std::vector<int32_t>& ids) {
  const auto is_not_above = [](int32_t a, int32_t b) { return a >= b; };
  if (std::adjacent_find(ids.begin(), ids.end(), is_not_above) == ids.end()) return;
  std::vector<bool> is_in(static_cast<size_t>(*std::max_element(ids.begin(), ids.end())) + 1);
  for (const int32_t id : ids) is_in[static_cast<size_t>(id)] = true;
  ids.clear();
  for (size_t id = 0; id < is_in.size(); ++id) {
    if (is_in[id]) ids.push_back(static_cast<int32_t>(id));
  }
}

std::string NameOfObject(const ObjectMeta& meta) { return meta.key.name; }

}  // namespace

void Ledger::Apply(const Event& event, absl::Time now) {
  std::visit([this, now](const auto& what) { On(what, now); }, event);
}

void Ledger::Expire(absl::Time now) {
  const HoldBook::Expired holds_over = holds_.Expire(now);
  counters_.holds_expired += holds_over.unheard;
  std::erase_if(unseen_, [now](const Debt& debt) { return debt.until <= now; });
  absl::erase_if(unheard_, [now](const auto& entry) { return entry.second.until <= now; });
  refused_.Expire(now, options_.hold_ttl,
                  [this](const std::string& uid) { return cache_.FindPod(uid) != nullptr; });
  const int debts_over = now < debts_end_first_ ? 0 : ExpireDebts(now);
  if (holds_over.all + debts_over > 0) ++version_;
}

int Ledger::ExpireDebts(absl::Time now) {
  int count = 0;
  debts_end_first_ = absl::InfiniteFuture();
  for (const auto& [name, node] : nodes_.nodes()) {
    if (node->debts.empty()) continue;
    count += EndDebtsOn(name, now);
    for (const auto& [uid, debt] : node->debts) {
      if (debt.until > now) debts_end_first_ = std::min(debts_end_first_, debt.until);
    }
  }
  return count;
}

// What is remembered of the node is void only when there was one to end.
int Ledger::EndDebtsOn(std::string_view name, absl::Time now) {
  const NodeState* node = nodes_.Find(name);
  const auto is_over = [node, now](const auto& entry) {
    return NodeBook::IsOver(*node, entry.second, now);
  };
  if (std::none_of(node->debts.begin(), node->debts.end(), is_over)) return 0;
  return static_cast<int>(absl::erase_if(nodes_.At(name).debts, is_over));
}

void Ledger::NoteContact(std::string_view name, absl::Time now) {
  if (EndDebtsOn(name, now) > 0) ++version_;
}

absl::Time Ledger::DebtEndOn(std::string_view name) const {
  absl::Time end = absl::InfiniteFuture();
  const NodeState* node = nodes_.Find(name);
  if (node == nullptr) return end;
  if (node->has_agent && node->contact < blind_until_) end = blind_until_;
  for (const auto& [uid, debt] : node->debts) end = std::min(end, debt.until);
  return end;
}

std::vector<ObjectKind> Ledger::Unsynced() const {
  std::vector<ObjectKind> unsynced;
  for (const ObjectKind kind : kObjectKinds) {
    if (!synced_.contains(kind)) unsynced.push_back(kind);
  }
  return unsynced;
}

std::vector<ObjectKind> Ledger::Awaited() const {
  std::vector<ObjectKind> awaited;
  for (const ObjectKind kind : kKindsOfDecisions) {
    const auto it = listed_rounds_.find(kind);
    if (awaited_round_ > (it == listed_rounds_.end() ? 0 : it->second)) awaited.push_back(kind);
  }
  return awaited;
}

void Ledger::On(const Listed& event, absl::Time /*now*/) {
  int64_t& round = listed_rounds_[event.kind];
  round = std::max(round, event.round);
}

void Ledger::BeginTakeover(absl::Time now) {
  std::vector<std::string> owners;
  for (const auto& [owner, hold] : holds_.holds()) {
    if (KindOfOwner(owner) != OwnerKind::kClaim) owners.push_back(owner);
  }
  for (const std::string& owner : owners) holds_.Erase(owner);
  leading_since_ = now;
  takeover_until_ = now + options_.takeover_window;
  decided_.clear();
  hand_pins_.clear();  // Without holds every pin of a scheduler looked like one.
  NoteAgentNodes();
  HoldAllForTakeover(now);
  for (const auto& [name, volume] : cache_.volumes()) OweUnclaimed(volume, now);
  ++version_;
}

void Ledger::HoldAllForTakeover(absl::Time now) {
  if (now >= takeover_until_) return;
  if (IsTakeoverTooLarge()) return TakeNothingBefore(takeover_until_);
  for (const std::string& uid : open_claims_) HoldForTakeover(uid, now);
}

bool Ledger::IsTakeoverTooLarge() const {
  return std::cmp_greater(open_claims_.size() * agent_nodes_.size(), options_.takeover_holds_max);
}

// A nomination narrows nothing here: it may be somebody else's wish, or of an earlier attempt.
void Ledger::HoldForTakeover(std::string_view claim_uid, absl::Time now) {
  if (now >= takeover_until_ || decided_.contains(std::string(claim_uid))) return;
  const Claim* claim = cache_.FindClaim(claim_uid);
  if (claim == nullptr || IsBound(*claim) || FindPlace(claim_uid) != nullptr) return;
  const std::optional<Item> item = ItemOf(*claim, cache_);
  if (!item || IsStaticOnly(*claim, cache_)) return;
  std::string owner = TakeoverOwner(claim->meta.uid);
  const Hold* known = holds_.Find(owner);
  const bool is_same =
      known != nullptr && known->items == std::vector{*item} && known->node_ids == agent_nodes_;
  if (is_same) return;
  if (IsTakeoverTooLarge()) return TakeNothingBefore(takeover_until_);
  holds_.Put({.owner = std::move(owner),
              .pod = claim->meta.key,
              .items = {*item},
              .since = now,
              .until = takeover_until_,
              .node_ids = agent_nodes_});
  ++version_;
}

void Ledger::HoldOn(const Pod& pod, const PodDemand& demand, absl::Span<const std::string> nodes,
                    std::vector<std::string> static_volumes, absl::Time now) {
  std::vector<int32_t> node_ids;
  for (const std::string& name : nodes) {
    if (const NodeState* node = nodes_.Find(name)) node_ids.push_back(node->id);
  }
  PutHold(pod, demand, std::move(node_ids), std::move(static_volumes), now, 0);
}

void Ledger::HoldOnIds(const Pod& pod, const PodDemand& demand, std::vector<int32_t> node_ids,
                       std::vector<std::string> static_volumes, absl::Time now, int64_t turn) {
  for (const Item& item : demand.items) {
    // Of a claim that another pod uses, too, the leader before us may have decided for that one.
    if (!HasOtherUsers(item.claim_uid, pod.meta.uid)) EndTakeover(item.claim_uid, now);
  }
  PutHold(pod, demand, std::move(node_ids), std::move(static_volumes), now, turn);
}

void Ledger::PutHold(const Pod& pod, const PodDemand& demand, std::vector<int32_t> node_ids,
                     std::vector<std::string> static_volumes, absl::Time now, int64_t turn) {
  SortAndUnique(node_ids);
  Hold hold{.owner = pod.meta.uid,
            .pod = pod.meta.key,
            .items = demand.items,
            .volumes = std::move(static_volumes),
            .nominated_before = pod.nominated_node_name,
            .pod_version = pod.meta.resource_version,
            .turn = turn,
            .since = now,
            .until = now + options_.hold_ttl,
            .node_ids = std::move(node_ids)};
  holds_.Put(std::move(hold));
  ++counters_.holds_made;
  ++version_;
}

bool Ledger::IsOvertaken(std::string_view pod_uid, int64_t turn) const {
  const Hold* hold = holds_.Find(pod_uid);
  return (hold != nullptr && hold->turn > turn) || refused_.HasLater(pod_uid, turn);
}

bool Ledger::HasOtherUsers(std::string_view claim_uid, std::string_view pod_uid) const {
  const Claim* claim = cache_.FindClaim(claim_uid);
  if (claim == nullptr) return false;
  const std::vector<std::string> users = cache_.PodsUsing(claim->meta.key);
  return std::any_of(users.begin(), users.end(),
                     [pod_uid](const std::string& user) { return user != pod_uid; });
}

void Ledger::EndTakeover(const std::string& claim_uid, absl::Time now) {
  if (now >= takeover_until_) return;
  decided_.insert(claim_uid);
  holds_.Erase(TakeoverOwner(claim_uid));
}

// What the leader before us may have decided for it, as for a pod that uses it, goes on to be held:
// a pin that it wrote last may still be on its way.
void Ledger::HoldClaim(const Claim& claim, const Item& item, std::string_view node,
                       absl::Time now) {
  holds_.Put({.owner = ClaimOwner(claim.meta.uid),
              .pod = claim.meta.key,
              .items = {item},
              .since = now,
              .until = now + options_.hold_ttl,
              .node_ids = {nodes_.At(node).id}});
  ++counters_.holds_made;
  ++version_;
}

bool Ledger::MayStillPin(std::string_view claim_uid, std::string_view node,
                         absl::Time until) const {
  const Hold* hold = holds_.Find(ClaimOwner(claim_uid));
  const NodeState* state = nodes_.Find(node);
  return hold != nullptr && state != nullptr && hold->node_ids == std::vector{state->id} &&
         hold->since >= leading_since_ && hold->until >= until;
}

void Ledger::EndHold(std::string_view owner, absl::Time now) {
  holds_.Shorten(owner, now + options_.hold_grace);
}

void Ledger::NoteRefused(const Pod& pod, bool is_refused, int64_t turn, absl::Time now) {
  is_refused ? refused_.Note(pod.meta.uid, turn, now) : refused_.Erase(pod.meta.uid);
}

std::optional<Ledger::RefusedPod> Ledger::LookAtNextRefused(absl::Time now) {
  const std::string uid = refused_.Next();
  if (uid.empty()) return std::nullopt;
  const Pod* pod = cache_.FindPod(uid);
  return RefusedPod{.uid = uid, .fits = pod != nullptr && judge_.FitsSomewhere(*pod, now)};
}

bool Ledger::IsUniform() const {
  if (!is_uniform_) {
    size_t count = 0;
    const auto& nodes = cache_.nodes();
    for (const auto& [name, node] : nodes) count += nodes_.HasAgent(nodes_.FindId(name)) ? 1 : 0;
    is_uniform_ = count == 0 || count == nodes.size();
  }
  return *is_uniform_;
}

std::vector<Claim> Ledger::TakeHandPins() {
  std::vector<Claim> pins(hand_pins_.begin(), hand_pins_.end());
  hand_pins_.clear();
  return pins;
}

void Ledger::On(const Seen<Node>& event, absl::Time) {
  if (cache_.FindNode(event.object.meta.key.name) == nullptr) is_uniform_.reset();
  PutNode(event.object);
}

// Its labels say whether a capacity object can reach the node.
void Ledger::PutNode(const Node& node) {
  const std::string& name = node.meta.key.name;
  const Node* before = cache_.FindNode(name);
  const bool is_alike = before != nullptr && before->labels == node.labels;
  cache_.Put(node);
  if (!is_alike) nodes_.Touch(name);
}

void Ledger::RemoveNode(const std::string& name) {
  cache_.EraseNode(name);
  nodes_.Touch(name);
}

void Ledger::On(const Gone<Node>& event, absl::Time) {
  RemoveNode(event.last.meta.key.name);
  is_uniform_.reset();
}

void Ledger::On(const Relisted<Node>& event, absl::Time) {
  const auto name_of = [](const Node& node) { return NameOfObject(node.meta); };
  for (const std::string& name : Missing(cache_.nodes(), event.objects, name_of)) {
    RemoveNode(name);
  }
  for (const Node& node : event.objects) PutNode(node);
  is_uniform_.reset();
  synced_.insert(ObjectKind::kNodes);
}

void Ledger::On(const Seen<Pod>& event, absl::Time now) {
  const Pod& pod = event.object;
  const std::string uid = pod.meta.uid;
  if (!pod.node_name.empty()) return RemovePod(uid, now);
  const Pod* before = cache_.FindPod(uid);
  const std::string nominated_before = before == nullptr ? "" : before->nominated_node_name;
  const std::string version_before = before == nullptr ? "" : before->meta.resource_version;
  const std::string replaced = cache_.Put(pod);
  if (!replaced.empty()) RemovePod(replaced, now);
  AccountPod(uid);
  const Hold* hold = holds_.Find(uid);
  if (hold == nullptr) return;
  if (pod.meta.is_deleting) holds_.Shorten(uid, now + options_.hold_grace);
  // What an earlier attempt wrote may be heard of only now.
  const auto order = CompareVersions(pod.meta.resource_version, hold->pod_version);
  if (order && std::is_lteq(*order)) return;
  const std::string& nominated = pod.nominated_node_name;
  if (nominated.empty()) {
    // What is taken back may be of an earlier attempt: the pod was put into the queue again before.
    const auto told = CompareVersions(version_before, hold->pod_version);
    const bool was_told_before = told && std::is_lteq(*told);
    const bool is_of_this = !was_told_before && nominated_before != hold->nominated_before;
    if (!nominated_before.empty() && is_of_this) holds_.Shorten(uid, now + options_.hold_grace);
    return;
  }
  const NodeState* node = nodes_.Find(nominated);
  const bool is_news = nominated != hold->nominated_before;
  if (node == nullptr || !is_news || hold->node_ids.size() == 1) return;
  NarrowHold(uid, *node);
  ++version_;
}

void Ledger::On(const Gone<Pod>& event, absl::Time now) { RemovePod(event.last.meta.uid, now); }

void Ledger::On(const Relisted<Pod>& event, absl::Time now) {
  const auto uid_of = [](const Pod& pod) { return pod.meta.uid; };
  for (const std::string& uid : Missing(cache_.pods(), event.objects, uid_of)) RemovePod(uid, now);
  for (const Pod& pod : event.objects) On(Seen<Pod>{pod}, now);
  synced_.insert(ObjectKind::kPods);
}

void Ledger::Learn(const LiveObjects& live, absl::Time now) {
  for (const Claim& claim : live.claims) {
    const Claim* known = cache_.FindClaim(claim.meta.uid);
    if (known == nullptr) {
      if (!IsOlderThanKnown(claim)) {
        unheard_[claim.meta.uid] = {claim.meta.resource_version, now + options_.hold_ttl};
      }
      HoldUnheard(claim, live, now);
      continue;
    }
    if (IsEarlier(known->meta.resource_version, claim.meta.resource_version)) Take(claim, now);
  }
}

// It has its node already, and its pod is not asked for room for it again; but until the watch
// tells of it, nothing else keeps its room. It is not put among the known: the watch may have told
// of its end before.
void Ledger::HoldUnheard(const Claim& claim, const LiveObjects& live, absl::Time now) {
  const std::string name = NodeOf(claim, cache_.FindVolume(claim.volume_name));
  const std::optional<Item> item = ItemOf(claim, cache_, &live);
  if (name.empty() || !item || (!IsBound(claim) && IsStaticOnly(claim, cache_))) return;
  const NodeState* node = nodes_.Find(name);
  if (node == nullptr || nodes_.FindVolume(*node, claim.meta.uid).IsWhole()) return;
  HoldClaim(claim, *item, name, now);
}

std::string_view Ledger::KnownVersion(std::string_view claim_uid) const {
  const auto read = unheard_.find(claim_uid);
  if (read != unheard_.end()) return read->second.resource_version;
  const Claim* known = cache_.FindClaim(claim_uid);
  return known == nullptr ? "" : std::string_view(known->meta.resource_version);
}

// An earlier pin that is heard of late says nothing of the decision that was made since.
bool Ledger::IsOlderThanKnown(const Claim& claim) const {
  return IsEarlier(claim.meta.resource_version, KnownVersion(claim.meta.uid));
}

// The list was begun before the claim was read live. One that was begun later has the claim as it
// is: where that seems older, the API server's data was restored from a backup.
bool Ledger::IsLate(const Relisted<Claim>& list, const Claim& claim) const {
  const std::string& version = list.version.empty() ? claim.meta.resource_version : list.version;
  return !list.is_set_back && IsEarlier(version, KnownVersion(claim.meta.uid));
}

void Ledger::On(const Seen<Claim>& event, absl::Time now) {
  if (!IsOlderThanKnown(event.object)) Take(event.object, now);
}

void Ledger::Take(const Claim& claim, absl::Time now) {
  const std::string uid = claim.meta.uid;
  unheard_.erase(uid);
  const bool is_new = cache_.FindClaim(uid) == nullptr;
  const std::string replaced = cache_.Put(claim);
  if (!replaced.empty()) RemoveClaim(replaced, now);
  AccountClaimAndPods(claim, now);
  if (is_new) HoldForTakeover(uid, now);
}

void Ledger::On(const Gone<Claim>& event, absl::Time now) { RemoveClaim(event.last.meta.uid, now); }

void Ledger::On(const Relisted<Claim>& event, absl::Time now) {
  const auto uid_of = [](const Claim& claim) { return claim.meta.uid; };
  OweUnseen(event, now);
  for (const std::string& uid : Missing(cache_.claims(), event.objects, uid_of)) {
    RemoveClaim(uid, now);
  }
  for (const Claim& claim : event.objects) {
    if (!IsLate(event, claim)) Take(claim, now);
  }
  synced_.insert(ObjectKind::kClaims);
}

void Ledger::On(const Seen<PersistentVolume>& event, absl::Time now) {
  const std::string& name = event.object.meta.key.name;
  const PersistentVolume* before = cache_.FindVolume(name);
  const bool is_new = before == nullptr;
  const bool is_offered = IsNewlyOffered(before, event.object);
  cache_.Put(event.object);
  AccountVolume(name, now);
  if (is_new) OweUnclaimed(event.object, now);
  if (is_offered) HoldNewVolume(event.object);
}

void Ledger::On(const Gone<PersistentVolume>& event, absl::Time now) {
  cache_.EraseVolume(event.last.meta.key.name);
  AccountVolume(event.last.meta.key.name, now);
}

void Ledger::On(const Relisted<PersistentVolume>& event, absl::Time now) {
  const auto name_of = [](const PersistentVolume& volume) { return NameOfObject(volume.meta); };
  for (const std::string& name : Missing(cache_.volumes(), event.objects, name_of)) {
    cache_.EraseVolume(name);
  }
  std::vector<const PersistentVolume*> fresh, offered;
  for (const PersistentVolume& volume : event.objects) {
    const PersistentVolume* before = cache_.FindVolume(volume.meta.key.name);
    if (before == nullptr) fresh.push_back(&volume);
    if (IsNewlyOffered(before, volume)) offered.push_back(&volume);
    cache_.Put(volume);
  }
  synced_.insert(ObjectKind::kVolumes);
  AccountAll(now);
  for (const PersistentVolume* volume : fresh) OweUnclaimed(*volume, now);
  for (const PersistentVolume* volume : offered) HoldNewVolume(*volume);
}

void Ledger::On(const Seen<StorageClass>& event, absl::Time now) {
  const bool is_alike = AskAlike(cache_.FindClass(event.object.meta.key.name), &event.object);
  cache_.Put(event.object);
  ++version_;
  if (is_alike) return;
  AccountAll(now);
  HoldAllForTakeover(now);  // The old leader may have known the class, and answered for its claims.
}

void Ledger::On(const Gone<StorageClass>& event, absl::Time now) {
  const std::string& name = event.last.meta.key.name;
  const bool is_alike = AskAlike(cache_.FindClass(name), nullptr);
  cache_.EraseClass(name);
  ++version_;
  if (!is_alike) AccountAll(now);
}

void Ledger::On(const Relisted<StorageClass>& event, absl::Time now) {
  const auto name_of = [](const StorageClass& object) { return NameOfObject(object.meta); };
  bool are_alike = true;
  for (const std::string& name : Missing(cache_.classes(), event.objects, name_of)) {
    are_alike &= AskAlike(cache_.FindClass(name), nullptr);
    cache_.EraseClass(name);
  }
  for (const StorageClass& object : event.objects) {
    are_alike &= AskAlike(cache_.FindClass(object.meta.key.name), &object);
    cache_.Put(object);
  }
  synced_.insert(ObjectKind::kStorageClasses);
  ++version_;
  if (are_alike) return;
  AccountAll(now);
  HoldAllForTakeover(now);
}

}  // namespace pmem::extender
