// SPDX-License-Identifier: Apache-2.0
#include "extender/core/node_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "common/pure/sizing.h"

namespace pmem::extender {
namespace {

// A report of another boot that was observed at most so much before the current one was only late;
// if it is older than that, the node's clock was set back.
constexpr absl::Duration kReportLatenessMax = absl::Minutes(1);

bool IsNewer(const NodeState& node, const CapacityReport& report) {
  if (node.report == nullptr) return true;
  if (node.report->boot_id == report.boot_id) return report.generation > node.report->generation;
  const absl::Duration ahead = report.observed_at - node.report->observed_at;
  const auto& past = node.past_boot_ids;
  if (std::find(past.begin(), past.end(), report.boot_id) != past.end()) {
    return ahead > absl::ZeroDuration();  // What we took for a later boot was an earlier one.
  }
  return ahead >= absl::ZeroDuration() || ahead < -kReportLatenessMax;
}

void RememberBoot(NodeState& node, const CapacityReport& next) {
  if (node.report == nullptr || node.report->boot_id == next.boot_id) return;
  node.past_boot_ids.push_back(node.report->boot_id);
  if (node.past_boot_ids.size() > NodeBook::kPastBootIdsMax) node.past_boot_ids.pop_front();
}

// `items`, and those of `others` that are not among them.
std::vector<Item> With(std::vector<Item> items, const std::vector<Item>& others) {
  AddItems(others, items);
  return items;
}

// What `more` has behind its first `count` items.
void AppendBehind(size_t count, const std::vector<Item>& more, std::vector<Item>& items) {
  items.insert(items.end(), more.begin() + static_cast<std::ptrdiff_t>(count), more.end());
}

// Pack found no place for the items, all of that kind: whether there is none, in whatever order
// they are tried.
bool IsTooMuchForSure(const Room& room, PoolKind kind, absl::Span<const Item> items) {
  if (items.size() <= kExactItemsMax) return true;
  int64_t alignment = kBytesMax;
  for (const PoolRoom& pool : room.pools) {
    if (pool.kind == kind) alignment = std::min(alignment, pool.alignment_bytes);
  }
  int64_t bytes = 0;
  for (const Item& item : items) {
    bytes = AddBytes(bytes, VolumeBytes(item.requested_bytes, alignment));
  }
  return bytes > FreeBytes(room, kind) || std::cmp_greater(items.size(), SlotsFree(room, kind));
}

bool IsAnyPromised(const NodeState& node, absl::Span<const Item> items) {
  return std::any_of(items.begin(), items.end(), [&node](const Item& item) {
    return node.assigned.contains(item.claim_uid) || node.reserved.contains(item.claim_uid);
  });
}

}  // namespace

bool HasClaim(absl::Span<const Item> items, std::string_view claim_uid) {
  return std::any_of(items.begin(), items.end(),
                     [claim_uid](const Item& item) { return item.claim_uid == claim_uid; });
}

void AddItems(const std::vector<Item>& more, std::vector<Item>& items) {
  for (const Item& item : more) {
    if (!HasClaim(items, item.claim_uid)) items.push_back(item);
  }
}

NodeState& NodeBook::Open(std::string_view name) {
  const int32_t known = FindId(name);
  if (known >= 0) return *by_id_[static_cast<size_t>(known)];
  auto node = std::make_unique<NodeState>();
  node->name = std::string(name);
  if (ids_free_.empty()) {
    node->id = id_end_++;
    by_id_.push_back(nullptr);
    stamps_.push_back(0);
    agents_.push_back(0);
  } else {
    node->id = ids_free_.back();
    ids_free_.pop_back();
  }
  const auto id = static_cast<size_t>(node->id);
  by_id_[id] = node.get();
  ++stamps_[id];
  agents_[id] = 0;
  index_.Add(node->name, node->id);
  NodeState& added = *node;
  nodes_[added.name] = std::move(node);
  return added;
}

void NodeBook::ForgetWhatFollows(const NodeState& node) {
  node.quick.is_current = false;
  node.firm_numbers.reset();
}

NodeState& NodeBook::At(std::string_view name) {
  NodeState& node = Open(name);
  ForgetWhatFollows(node);
  ++stamps_[static_cast<size_t>(node.id)];
  return node;
}

void NodeBook::SetAgent(std::string_view name, bool has_agent) {
  if (Open(name).has_agent == has_agent) return;
  NodeState& node = At(name);
  node.has_agent = has_agent;
  node.contact = absl::InfinitePast();  // What its last report says may be over by now.
  agents_[static_cast<size_t>(node.id)] = has_agent ? 1 : 0;
}

void NodeBook::DropIdle(absl::FunctionRef<bool(const NodeState&)> is_needed) {
  std::vector<int32_t> dropped;
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    if (!it->second->IsIdle() || is_needed(*it->second)) {
      ++it;
      continue;
    }
    dropped.push_back(it->second->id);
    by_id_[static_cast<size_t>(it->second->id)] = nullptr;
    volumes_.erase(it->first);
    it = nodes_.erase(it);
  }
  if (dropped.empty()) return;
  index_.Clear();
  for (const auto& [name, node] : nodes_) index_.Add(name, node->id);
  ids_free_.insert(ids_free_.end(), dropped.begin(), dropped.end());
}

NodeBook::Taken NodeBook::TakeReport(std::shared_ptr<const CapacityReport> report, absl::Time now) {
  NodeState& node = At(report->node);
  const bool is_repeated = node.report != nullptr && node.report->boot_id == report->boot_id &&
                           node.report->generation == report->generation;
  const bool is_newer = IsNewer(node, *report);
  if (!is_newer && !is_repeated) {
    node.failure = absl::StrCat("its reports go backwards: generation ", report->generation,
                                " came after ", node.report->generation);
    // Of the same boot: a machine that was set back to a snapshot counts from there again.
    const bool may_be_of_now =
        node.report->boot_id != report->boot_id || report->observed_at > node.report->observed_at;
    if (may_be_of_now) node.refused = std::move(report);
    return Taken::kOld;
  }
  node.contact = now;
  node.failure.clear();
  if (!is_newer) return Taken::kRepeated;
  PutReport(node, std::move(report));
  return Taken::kTaken;
}

bool NodeBook::TakeRefused(std::string_view name, int64_t generation) {
  const NodeState* known = Find(name);
  const bool is_it =
      known != nullptr && known->refused != nullptr && known->refused->generation == generation;
  if (!is_it) return false;
  NodeState& node = At(name);
  PutReport(node, std::exchange(node.refused, nullptr));
  return true;
}

void NodeBook::PutReport(NodeState& node, std::shared_ptr<const CapacityReport> report) {
  RememberBoot(node, *report);
  node.refused.reset();
  VolumeIndex& index = volumes_[node.name];
  index.clear();  // Before the report that its keys lie in.
  node.report = std::move(report);
  for (size_t p = 0; p < node.report->pools.size(); ++p) {
    const std::vector<VolumeReport>& volumes = node.report->pools[p].volumes;
    for (size_t v = 0; v < volumes.size(); ++v) {
      const std::string& name = volumes[v].name;
      const std::pair<int, int> at(static_cast<int>(p), static_cast<int>(v));
      // Others may end in the claim's UID, too: a snapshot that people made of its volume.
      if (name.starts_with(kVolumeNamePrefix)) {
        index[AbslView(VolumeKey(name))] = at;
      } else {
        index.try_emplace(AbslView(VolumeKey(name)), at);
      }
    }
  }
}

NodeBook::Listed NodeBook::FindVolume(const NodeState& node, std::string_view claim_uid) const {
  const auto index = volumes_.find(node.name);
  if (index == volumes_.end() || node.report == nullptr) return {};
  const auto it = index->second.find(absl::string_view(claim_uid.data(), claim_uid.size()));
  if (it == index->second.end()) return {};
  const PoolReport& pool = node.report->pools[it->second.first];
  return {.pool = &pool, .volume = &pool.volumes[it->second.second]};
}

void NodeBook::RebuildRoom(NodeState& node) {
  ForgetWhatFollows(node);
  node.room = node.report == nullptr ? Room{} : RoomOf(*node.report);
  for (const auto& [uid, expansion] : node.expansions) {
    for (Bin& bin : node.room.bins) {
      if (node.room.pools[bin.pool].id != expansion.pool_id) continue;
      // More than there is may be asked for, by several claims.
      bin.free_bytes = std::max<int64_t>(0, bin.free_bytes - expansion.bytes);
    }
  }
}

Freshness NodeBook::FreshnessOf(const NodeState& node, absl::Time now, absl::Duration age_max) {
  if (!node.has_agent) return Freshness::kNoAgent;
  if (node.report == nullptr) return Freshness::kNoReport;
  return now - node.contact > age_max ? Freshness::kStale : Freshness::kFresh;
}

void NodeBook::SortReservations(const NodeState& node, PoolKind kind, SortedReservations& sorted) {
  std::vector<Item> all;
  for (const auto& [uid, item] : node.assigned) {
    if (item.kind == kind) all.push_back(item);
  }
  absl::btree_map<std::string, std::vector<Item>> by_pod;
  for (const auto& [uid, reservation] : node.reserved) {
    if (reservation.item.kind != kind || node.assigned.contains(uid)) continue;
    for (const std::string& pod : reservation.pod_uids) by_pod[pod].push_back(reservation.item);
  }
  std::vector<const std::vector<Item>*> missed;
  for (const auto& [pod, items] : by_pod) {
    std::vector<Item> more = With(all, items);
    if (!Pack(node.room, more)) {
      missed.push_back(&items);
      continue;
    }
    AppendBehind(all.size(), more, sorted.kept);
    all = std::move(more);
  }
  for (const std::vector<Item>* items : missed) {
    std::vector<Item> more = With(all, *items);
    if (IsTooMuchForSure(node.room, kind, more) || !Pack(node.room, *items)) continue;
    AppendBehind(all.size(), more, sorted.unsure);
    all = std::move(more);
  }
}

std::vector<Item> NodeBook::KeptReservations(const NodeState& node) {
  SortedReservations sorted;
  if (node.reserved.empty()) return {};
  for (const PoolKind kind : kPoolKinds) SortReservations(node, kind, sorted);
  return std::move(sorted.kept);
}

std::vector<Item> NodeBook::UnsureReservations(const NodeState& node,
                                               absl::Span<const Item> asking) {
  SortedReservations sorted;
  const size_t items = node.reserved.size() + node.assigned.size();
  if (node.reserved.empty() || items <= kExactItemsMax) return {};
  if (IsAnyPromised(node, asking)) return {};
  for (const PoolKind kind : kPoolKinds) SortReservations(node, kind, sorted);
  return std::move(sorted.unsure);
}

std::vector<Item> NodeBook::FirmItems(const NodeState& node, absl::Span<const Item> except) {
  std::vector<Item> items;
  for (const auto& [uid, item] : node.assigned) {
    if (!HasClaim(except, uid)) items.push_back(item);
  }
  for (Item& item : KeptReservations(node)) {
    if (!HasClaim(except, item.claim_uid)) items.push_back(std::move(item));
  }
  return items;
}

std::vector<Item> NodeBook::StandingItems(const NodeState& node, absl::Span<const Item> asking) {
  return With(FirmItems(node, asking), UnsureReservations(node, asking));
}

NodeBook::RoomLeft NodeBook::RoomLeftOn(const NodeState& node, absl::Span<const Item> except) {
  RoomLeft left{.room = node.room};
  left.overbooked = TakeByKind(left.room, FirmItems(node, except));
  return left;
}

std::vector<Item> NodeBook::DebtItems(const NodeState& node, absl::Span<const Item> except) {
  std::vector<Item> items;
  if (node.debts.empty()) return items;
  // A reservation that is not kept keeps no room for a creation that is under way all the same.
  const std::vector<Item> kept = KeptReservations(node);
  for (const auto& [uid, debt] : node.debts) {
    const bool is_firm = node.assigned.contains(uid) || HasClaim(kept, uid);
    if (!is_firm && !HasClaim(except, uid)) items.push_back(debt.item);
  }
  return items;
}

}  // namespace pmem::extender
