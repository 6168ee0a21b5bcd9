// SPDX-License-Identifier: Apache-2.0
// Ledger: what it believes beside what the agents report.
#include <algorithm>
#include <tuple>
#include <utility>

#include "common/pure/names.h"
#include "common/pure/sizing.h"
#include "common/pure/units.h"
#include "extender/core/ledger.h"

namespace pmem::extender {
namespace {

// The name without what says that the volume is not whole.
std::string_view WholeName(std::string_view name) {
  constexpr std::string_view kPrefix = kUnfinishedPrefix;
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

// Also half made: what a creation left behind on a full node nobody may ever remove.
bool IsVolumeOfOurs(std::string_view name) {
  return WholeName(name).starts_with(kVolumeNamePrefix);
}

// Of any other the report has what was there when it was last read, or nothing.
bool IsReadable(const PoolReport& pool) {
  return pool.state != PoolState::kUnknown && pool.state != PoolState::kInactive;
}

// While a pool cannot be read well, nobody knows what is in it; an inactive region hides
// VolumeGroups, too. Where no pool of the kind is left, what hides it may not be known.
bool IsReadWell(const CapacityReport& report, PoolKind kind) {
  bool has_pool = false;
  for (const PoolReport& pool : report.pools) {
    const bool is_of_kind = pool.kind == kind;
    if (is_of_kind && pool.state != PoolState::kOk) return false;
    if (kind == PoolKind::kLvm && pool.state == PoolState::kInactive) return false;
    has_pool |= is_of_kind;
  }
  return has_pool;
}

// Edges that fit no step of the alignment are lost before, between and behind the volumes.
int64_t UnexplainedBytesMax(const PoolReport& pool) {
  return 2 * pool.alignment_bytes * (static_cast<int64_t>(pool.volumes.size()) + 1);
}

// A thin pool keeps hidden volumes beside it in its VolumeGroup.
bool HasThinPool(const CapacityReport& report, const PoolReport& pool) {
  return std::any_of(report.pools.begin(), report.pools.end(), [&pool](const PoolReport& other) {
    return other.thin && other.id.starts_with(pool.id + "/");
  });
}

void FindUnexplainedSpace(const CapacityReport& report, std::vector<Drift>& found) {
  for (const PoolReport& pool : report.pools) {
    if (pool.thin || pool.state != PoolState::kOk || HasThinPool(report, pool)) continue;
    int64_t taken = 0;
    for (const VolumeReport& volume : pool.volumes) taken = AddBytes(taken, volume.bytes);
    const int64_t expected = std::max<int64_t>(0, pool.allocatable_bytes - taken);
    const int64_t difference = expected - pool.available_bytes;
    if (std::max(difference, -difference) <= UnexplainedBytesMax(pool)) continue;
    found.push_back({DriftKind::kSpaceUnexplained, pool.id, expected, pool.available_bytes});
  }
}

void FindMissing(const Ledger& ledger, const NodeState& node, std::vector<Drift>& found) {
  for (const ClaimPlace* place : ledger.places().On(node.name)) {
    const std::string& uid = UidOf(*place);
    const Claim* claim = ledger.cache().FindClaim(uid);
    if (claim == nullptr || !IsBound(*claim) || claim->meta.is_deleting) continue;
    const bool is_there = ledger.nodes().FindVolume(node, KeyOf(*place)).volume != nullptr;
    if (is_there || !IsReadWell(*node.report, place->item.kind)) continue;
    found.push_back({DriftKind::kVolumeMissing, uid, place->item.requested_bytes, 0});
  }
}

// Bound claims whose room is counted, as no report has listed their volumes.
std::vector<Drift> FindUnlisted(const Ledger& ledger, const NodeState& node) {
  std::vector<Drift> found;
  for (const ClaimPlace* place : ledger.places().On(node.name)) {
    const std::string& uid = UidOf(*place);
    const Claim* claim = ledger.cache().FindClaim(uid);
    if (!place->is_counted || claim == nullptr || !IsBound(*claim)) continue;
    if (claim->meta.is_deleting) continue;
    found.push_back({DriftKind::kVolumeMissing, uid, place->item.requested_bytes, 0});
  }
  return found;
}

// Both ways one step is allowed: the driver may round on its own.
std::optional<Drift> JudgeSize(const Ledger& ledger, const Claim& claim, const PoolReport& pool,
                               const VolumeReport& volume) {
  if (!IsBound(claim) || claim.capacity_bytes <= 0) return std::nullopt;
  const PersistentVolume* object = ledger.cache().FindVolume(claim.volume_name);
  const int64_t object_bytes = object == nullptr ? 0 : object->capacity_bytes;
  const int64_t step = pool.alignment_bytes;
  const int64_t told = VolumeBytes(claim.capacity_bytes, step);
  const int64_t asked = VolumeBytes(
      std::max({claim.requested_bytes, claim.capacity_bytes, claim.allocated_bytes, object_bytes}),
      step);
  if (volume.bytes >= told - step && volume.bytes <= asked + step) return std::nullopt;
  const int64_t expected = volume.bytes < told ? told : asked;
  return Drift{DriftKind::kSizeDiffers, volume.name, expected, volume.bytes};
}

void JudgeVolume(const Ledger& ledger, const NodeState& node, const PoolReport& pool,
                 const VolumeReport& volume, std::vector<Drift>& found) {
  const std::string uid(VolumeKey(WholeName(volume.name)));
  const Claim* claim = ledger.cache().FindClaim(uid);
  if (claim == nullptr) {
    if (ledger.cache().HasVolumeOf(uid) || node.debts.contains(uid)) return;
    found.push_back({DriftKind::kVolumeUnclaimed, volume.name, 0, volume.bytes});
    return;
  }
  const ClaimPlace* place = ledger.FindPlace(uid);
  if (place == nullptr || place->node != node.name) {
    found.push_back({DriftKind::kVolumeElsewhere, volume.name, 0, volume.bytes});
  } else if (auto drift = JudgeSize(ledger, *claim, pool, volume)) {
    found.push_back(*std::move(drift));
  }
}

// Of a kind of which each pool can be read, or there is none: what is promised may be in the
// others.
void FindOverbooked(const NodeState& node, std::vector<Drift>& found) {
  std::vector<Item> firm = NodeBook::FirmItems(node, {});
  if (firm.empty()) return;
  for (const PoolReport& pool : node.report->pools) {
    if (IsReadable(pool)) continue;
    std::erase_if(firm, [&pool](const Item& item) { return item.kind == pool.kind; });
  }
  if (Pack(node.room, firm)) return;
  Drift drift{.kind = DriftKind::kOverbooked};
  for (const Item& item : firm) {
    drift.expected_bytes = AddBytes(drift.expected_bytes, item.requested_bytes);
  }
  for (const Bin& bin : node.room.bins) {
    drift.found_bytes = AddBytes(drift.found_bytes, std::max<int64_t>(0, bin.free_bytes));
  }
  found.push_back(std::move(drift));
}

std::vector<Drift> FindDrifts(const Ledger& ledger, const NodeState& node) {
  std::vector<Drift> found;
  FindMissing(ledger, node, found);
  for (const PoolReport& pool : node.report->pools) {
    if (!IsReadable(pool)) continue;
    for (const VolumeReport& volume : pool.volumes) {
      if (IsVolumeOfOurs(volume.name)) JudgeVolume(ledger, node, pool, volume, found);
    }
  }
  FindUnexplainedSpace(*node.report, found);
  FindOverbooked(node, found);
  std::stable_sort(found.begin(), found.end(), [](const Drift& a, const Drift& b) {
    return std::tie(a.kind, a.subject) < std::tie(b.kind, b.subject);
  });
  return found;
}

}  // namespace

void Ledger::ForgetDrifts(std::string_view node, std::vector<DriftChange>& changes) {
  std::vector<DriftChange> untold;
  drifts_.Forget(node, changes);
  unlisted_.Forget(node, untold);
}

void Ledger::LookForDriftOn(const NodeState& node, absl::Time now,
                            std::vector<DriftChange>& changes) {
  switch (NodeBook::FreshnessOf(node, now, options_.agent_silence_max)) {
    case Freshness::kFresh:
      break;
    case Freshness::kStale:
      return;  // As it was when the agent last spoke.
    case Freshness::kNoReport:
    case Freshness::kNoAgent:
      return ForgetDrifts(node.name, changes);
  }
  // A volume that is only late must never be taken for one that is gone.
  const absl::Duration grace = std::max(options_.drift_grace, options_.debt_grace);
  drifts_.Note(node.name, FindDrifts(*this, node), node.contact, grace, now, changes);
  std::vector<DriftChange> untold;
  unlisted_.Note(node.name, FindUnlisted(*this, node), node.contact, grace, now, untold);
  for (const DriftChange& change : untold) {
    if (change.has_begun) GiveUp(change.drift.subject, now);
  }
}

// Volumes and free space of a pool are one reading, and a volume is made before its claim is bound:
// when that of a bound claim is in no pool, neither is its room taken in one. It may lie in a pool
// that cannot be read, or is hidden: such a one gives no room, and when it is back it lists it.
void Ledger::GiveUp(std::string_view claim_uid, absl::Time now) {
  const ClaimPlace* known = FindPlace(claim_uid);
  if (known == nullptr || !known->is_counted) return;
  ClaimPlace place = *known;
  place.is_counted = false;
  place.was_listed = true;
  PlaceClaim(claim_uid, std::move(place), now);
}

std::vector<DriftChange> Ledger::LookForDrift(absl::Time now, int nodes_max) {
  std::vector<DriftChange> changes;
  if (!Unsynced().empty()) return changes;
  const auto& nodes = nodes_.nodes();
  auto at = nodes.upper_bound(drift_looked_at_);
  for (int looked = 0; at != nodes.end() && looked < nodes_max; ++at, ++looked) {
    LookForDriftOn(*at->second, now, changes);
    drift_looked_at_ = at->first;
  }
  if (at != nodes.end()) return changes;
  drift_looked_at_.clear();
  std::vector<std::string> gone;
  for (const DriftBook* book : {&drifts_, &unlisted_}) {
    for (const auto& [name, entries] : book->nodes()) {
      if (nodes_.Find(name) == nullptr) gone.push_back(name);
    }
  }
  for (const std::string& name : gone) ForgetDrifts(name, changes);
  DropIdleNodes();  // What was pinned or owed there is over, and no agent was ever there.
  return changes;
}

}  // namespace pmem::extender
