// SPDX-License-Identifier: Apache-2.0
// Drift: what the objects and the ledger say of a node's volumes, and what its agent reports, do
// not agree, and nothing that is under way explains it. Only told: what may be given away is
// always decided by the report.
//
// What differs for a moment is no drift: volumes are made and deleted all the time, and objects and
// reports come late. It has to be found at every look for `drift_grace`, and the agent to have
// answered since. Not thread-safe; pure, deterministic.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"

namespace pmem::extender {

// The subject of each is in brackets.
enum class DriftKind {
  kVolumeMissing,     // A claim is bound there, and its volume is not. [claim UID]
  kVolumeUnclaimed,   // Has a name of ours, and neither claim nor volume object. [volume name]
  kVolumeElsewhere,   // A volume of a claim that has another node, or none. [volume name]
  kSizeDiffers,       // Smaller than the claim was told, or larger than anybody asked for. [name]
  kSpaceUnexplained,  // What is free and what the volumes take do not add up to the pool. [pool]
  kOverbooked,        // More is promised than there is room for. []
};
inline constexpr std::array kDriftKinds = {
    DriftKind::kVolumeMissing, DriftKind::kVolumeUnclaimed,  DriftKind::kVolumeElsewhere,
    DriftKind::kSizeDiffers,   DriftKind::kSpaceUnexplained, DriftKind::kOverbooked};
std::string_view DriftKindName(DriftKind kind);  // "volume_missing", ...

struct Drift {
  DriftKind kind = DriftKind::kVolumeMissing;
  std::string subject;
  int64_t expected_bytes = 0;
  int64_t found_bytes = 0;
  bool operator==(const Drift&) const = default;
};

// A drift that began, or is over.
struct DriftChange {
  std::string node;
  Drift drift;
  bool has_begun = false;
  bool operator==(const DriftChange&) const = default;
};

class DriftBook {
 public:
  // Of one node; what is beyond is not kept, in order of kind and subject. Missing volumes are not
  // counted: there are no more than claims, and of each that is given up the room comes free.
  static constexpr size_t kPerNodeMax = 64;

  struct Entry {
    Drift drift;
    absl::Time since;        // Found at every look since then.
    bool has_begun = false;  // False: may be something that is under way.
    bool operator==(const Entry&) const = default;
  };
  using Key = std::pair<DriftKind, std::string>;  // Kind and subject.
  using Entries = std::map<Key, Entry>;

  // What a look at the node has found. `contact`: when its agent last answered.
  void Note(std::string_view node, std::vector<Drift> found, absl::Time contact,
            absl::Duration grace, absl::Time now, std::vector<DriftChange>& changes);
  // Nothing can be said of the node any more.
  void Forget(std::string_view node, std::vector<DriftChange>& changes);

  // Null: nothing differs.
  const Entries* Find(std::string_view node) const;
  // Drifts that have begun and are not over.
  int64_t Count(DriftKind kind) const { return counts_[static_cast<size_t>(kind)]; }
  const absl::btree_map<std::string, Entries, std::less<>>& nodes() const { return nodes_; }

 private:
  void Change(std::string_view node, const Entry& entry, bool has_begun,
              std::vector<DriftChange>& changes);

  absl::btree_map<std::string, Entries, std::less<>> nodes_;
  std::array<int64_t, kDriftKinds.size()> counts_ = {};
};

}  // namespace pmem::extender
