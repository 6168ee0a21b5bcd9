// SPDX-License-Identifier: Apache-2.0
#include "extender/core/drift.h"

#include <utility>

namespace pmem::extender {

std::string_view DriftKindName(DriftKind kind) {
  switch (kind) {
    case DriftKind::kVolumeMissing:
      return "volume_missing";
    case DriftKind::kVolumeUnclaimed:
      return "volume_unclaimed";
    case DriftKind::kVolumeElsewhere:
      return "volume_elsewhere";
    case DriftKind::kSizeDiffers:
      return "size_differs";
    case DriftKind::kSpaceUnexplained:
      return "space_unexplained";
    case DriftKind::kOverbooked:
      return "overbooked";
  }
  return "";
}

void DriftBook::Note(std::string_view node, std::vector<Drift> found, absl::Time contact,
                     absl::Duration grace, absl::Time now, std::vector<DriftChange>& changes) {
  const auto known = nodes_.find(node);
  if (found.empty() && known == nodes_.end()) return;
  Entries before = known == nodes_.end() ? Entries() : std::move(known->second);
  Entries after;
  size_t told_by_report = 0;
  for (Drift& drift : found) {
    if (drift.kind != DriftKind::kVolumeMissing && ++told_by_report > kPerNodeMax) break;
    const Key key{drift.kind, drift.subject};
    const auto old = before.find(key);
    Entry entry{.drift = std::move(drift), .since = now};
    if (old != before.end()) {
      entry.since = old->second.since;
      entry.has_begun = old->second.has_begun;
      before.erase(old);
    }
    const absl::Time begins = entry.since + grace;
    if (!entry.has_begun && now >= begins && contact >= begins) {
      entry.has_begun = true;
      Change(node, entry, true, changes);
    }
    after.emplace(key, std::move(entry));
  }
  for (const auto& [key, entry] : before) {
    if (entry.has_begun) Change(node, entry, false, changes);
  }
  if (after.empty()) {
    nodes_.erase(nodes_.find(node));
  } else {
    nodes_[std::string(node)] = std::move(after);
  }
}

void DriftBook::Forget(std::string_view node, std::vector<DriftChange>& changes) {
  Note(node, {}, absl::InfinitePast(), absl::ZeroDuration(), absl::InfinitePast(), changes);
}

const DriftBook::Entries* DriftBook::Find(std::string_view node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : &it->second;
}

void DriftBook::Change(std::string_view node, const Entry& entry, bool has_begun,
                       std::vector<DriftChange>& changes) {
  counts_[static_cast<size_t>(entry.drift.kind)] += has_begun ? 1 : -1;
  changes.push_back({std::string(node), entry.drift, has_begun});
}

}  // namespace pmem::extender
