// SPDX-License-Identifier: Apache-2.0
#include "extender/core/volume_health.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "common/pure/sizing.h"
#include "extender/core/growth.h"

namespace pmem::extender {
namespace {

bool IsTrouble(PoolState state) {
  switch (state) {
    case PoolState::kInactive:
    case PoolState::kReadOnly:
    case PoolState::kUnhealthy:
      return true;
    case PoolState::kOk:
    case PoolState::kLabelLess:  // Takes no new volumes; what is there is well.
    case PoolState::kUnknown:
      return false;
  }
  return false;
}

std::string Why(const CapacityReport& report, const PoolReport& pool) {
  for (const ReportError& error : report.errors) {
    if (error.source == pool.id) return absl::StrCat(": ", error.message);
  }
  return "";
}

// As texts these have the order of their nodes, pools and volumes.
std::string KeyOf(const std::string& node, const PoolReport& pool, const VolumeReport& volume) {
  std::string key = node;
  for (const std::string* part : {&pool.id, &volume.name}) {
    key.push_back('\0');
    key.append(*part);
  }
  return key;
}

std::string NodeOfKey(const std::string& key) { return key.substr(0, key.find('\0')); }

class Search {
 public:
  Search(const Ledger& ledger, size_t count_max) : ledger_(ledger), count_max_(count_max) {}

  // Those behind `after`, up to `last`; empty: from the first, to the last one.
  void Look(const std::string& after, const std::string& last) {
    const auto& nodes = ledger_.nodes().nodes();
    for (auto it = nodes.lower_bound(NodeOfKey(after)); it != nodes.end() && !IsFull(); ++it) {
      const auto& [name, node] = *it;
      if (!last.empty() && name > NodeOfKey(last)) return;
      if (node->report != nullptr) LookAtNode(*node, after, last);
    }
  }

  FoundNotices Take() { return std::move(found_); }

 private:
  bool IsFull() const { return found_.notices.size() >= count_max_; }

  void LookAtNode(const NodeState& node, const std::string& after, const std::string& last) {
    for (const PoolReport& pool : node.report->pools) {
      if (!IsTrouble(pool.state)) continue;
      for (const VolumeReport& volume : pool.volumes) {
        if (IsFull()) return;
        std::string key = KeyOf(node.name, pool, volume);
        if (key <= after || (!last.empty() && key > last)) continue;
        const Claim* const claim = ledger_.cache().FindClaim(VolumeKey(volume.name));
        if (claim == nullptr) continue;
        found_.notices.push_back(
            {*claim, NoticeReason::kPoolInTrouble,
             absl::StrCat("volume ", volume.name, " lies in ", pool.id, " on node ", node.name,
                          ", which is ", AbslView(PoolStateName(pool.state)),
                          Why(*node.report, pool))});
        found_.last = std::move(key);
      }
    }
  }

  const Ledger& ledger_;
  const size_t count_max_;
  FoundNotices found_;
};

// Those behind `first`, up to `last`, as Search::Look has it. A VolumeGroup that was renamed, or a
// region that was pulled, is in no report either, and brings the volume back: nobody is told to
// delete anything.
void AddMissing(const Ledger& ledger, const std::string& first, const std::string& last,
                size_t count_max, FoundNotices& found) {
  for (const auto& [node, entries] : ledger.drifts().nodes()) {
    for (const auto& [key, entry] : entries) {
      if (key.first != DriftKind::kVolumeMissing || !entry.has_begun) continue;
      std::string at = absl::StrCat(node, std::string(1, '\0'), entry.drift.subject);
      if (at <= first || (!last.empty() && at > last)) continue;
      if (found.notices.size() >= count_max) return;
      const Claim* const claim = ledger.cache().FindClaim(entry.drift.subject);
      if (claim == nullptr) continue;
      found.notices.push_back({*claim, NoticeReason::kVolumeMissing,
                               absl::StrCat("the claim's volume is not in what node ", node,
                                            " reports; if nothing was renamed, disabled or taken "
                                            "out there, its data is gone")});
      found.last = std::move(at);
    }
  }
}

// What it is to grow by when it is to have so much; 0: it is as large.
int64_t MoreBytes(const NodeBook::Listed& listed, int64_t bytes) {
  const int64_t wanted = VolumeBytes(bytes, listed.pool->alignment_bytes);
  return std::max<int64_t>(0, wanted - listed.volume->bytes);
}

// What is of use to one that has no room for what the ledger counts of it, and for what it asks.
std::string GrowthAdvice(const Ledger& ledger, const Claim& claim, const NodeBook::Listed& listed,
                         int64_t counted_bytes) {
  const int64_t begun_bytes = BegunBytes(ledger.cache(), claim, *listed.pool);
  const int64_t kept_bytes = std::min(counted_bytes, MoreBytes(listed, begun_bytes));
  if (kept_bytes <= listed.pool->available_bytes) return "ask for less, or make room";
  return absl::StrCat("make room; its PersistentVolume keeps the size ", begun_bytes,
                      ", also when less is asked for");
}

// nullopt: it is to have no more than it has, or there is room, or nothing is known of it. What the
// ledger counts is more than the request when that was lowered too late, and less when no such
// volume can be there. Each claim is judged by itself, as the driver grows whichever it is asked
// for first: of several that fit alone and not together nobody knows which will not grow, until
// the others have.
std::optional<Notice> JudgeGrowth(const Ledger& ledger, const Claim& claim) {
  if (!IsBound(claim) || claim.meta.is_deleting) return std::nullopt;
  const ClaimPlace* place = ledger.FindPlace(claim.meta.uid);
  const NodeState* node = place == nullptr ? nullptr : ledger.nodes().Find(place->node);
  if (node == nullptr) return std::nullopt;
  const auto counted = node->expansions.find(claim.meta.uid);
  const int64_t counted_bytes = counted == node->expansions.end() ? 0 : counted->second.bytes;
  const bool is_asking = claim.requested_bytes > claim.capacity_bytes;
  if (counted_bytes == 0 && !is_asking) return std::nullopt;
  const NodeBook::Listed listed = ledger.nodes().FindVolume(*node, KeyOf(*place));
  if (listed.volume == nullptr || listed.pool->kind != PoolKind::kLvm || listed.pool->thin) {
    return std::nullopt;
  }
  // Of any other nothing is available, whatever room it has; its state is told elsewhere.
  if (listed.pool->state != PoolState::kOk) return std::nullopt;
  const int64_t asked_bytes = is_asking ? MoreBytes(listed, claim.requested_bytes) : 0;
  const int64_t more_bytes = std::max(counted_bytes, asked_bytes);
  if (more_bytes <= listed.pool->available_bytes) return std::nullopt;
  return Notice{
      claim, NoticeReason::kNoRoomToGrow,
      absl::StrCat("the volume is to grow by ", more_bytes, " bytes, and ", listed.pool->id,
                   " on node ", node->name, " has ", listed.pool->available_bytes,
                   " left: ", GrowthAdvice(ledger, claim, listed, counted_bytes))};
}

}  // namespace

FoundNotices FindMissingVolumes(const Ledger& ledger, const std::string& after, size_t count_max) {
  FoundNotices found;
  AddMissing(ledger, after, "", count_max, found);
  if (!after.empty()) AddMissing(ledger, "", after, count_max, found);
  return found;
}

FoundNotices FindUnmetGrowth(const Ledger& ledger, const std::string& after, size_t count_max) {
  FoundNotices found;
  const auto& claims = ledger.cache().claims();
  size_t looked = 0;
  for (auto it = claims.upper_bound(after); it != claims.end(); ++it) {
    if (found.notices.size() >= count_max || looked++ >= kGrowthLooksMax) return found;
    found.last = it->first;
    if (auto notice = JudgeGrowth(ledger, it->second)) {
      found.notices.push_back(*std::move(notice));
    }
  }
  found.last.clear();  // From the first one again.
  return found;
}

FoundNotices FindTroubledVolumes(const Ledger& ledger, const std::string& after, size_t count_max) {
  Search search(ledger, count_max);
  search.Look(after, "");
  if (!after.empty()) search.Look("", after);
  return search.Take();
}

}  // namespace pmem::extender
