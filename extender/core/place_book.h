// SPDX-License-Identifier: Apache-2.0
// Where claims are accounted: each on one node at most, by claim and by node. Not thread-safe;
// pure, deterministic.
#pragma once

#include <string>
#include <string_view>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "common/pure/placement.h"
#include "extender/core/object_table.h"

namespace pmem::extender {

struct ClaimPlace {
  std::string node;
  Item item;
  // By the ledger. False: the node's report lists the volume, or the claim needs none.
  bool is_counted = false;
  // A report has listed it while it was bound; or it was bound, and no report did, for so long that
  // it is not where there is room.
  bool was_listed = false;
  // Of the volume that it has, when that was not made for it, as reports list it (VolumeKey).
  // Empty: its volume is its own, found by its UID.
  std::string taken_key;
  bool operator==(const ClaimPlace&) const = default;
};
inline const std::string& UidOf(const ClaimPlace& place) { return place.item.claim_uid; }
// What its volume is found by in a report.
inline const std::string& KeyOf(const ClaimPlace& place) {
  return place.taken_key.empty() ? UidOf(place) : place.taken_key;
}

class PlaceBook {
  struct UidLess {
    bool operator()(const ClaimPlace* a, const ClaimPlace* b) const {
      return UidOf(*a) < UidOf(*b);
    }
  };

 public:
  using Table = ObjectTable<ClaimPlace, &UidOf>;
  using OnNode = absl::btree_set<const ClaimPlace*, UidLess>;

  // nullptr: nowhere.
  const ClaimPlace* Find(std::string_view claim_uid) const { return table_.Find(claim_uid); }
  // Those on the node, by claim UID.
  const OnNode& On(std::string_view node) const {
    static const OnNode kNone;
    const auto it = on_.find(node);
    return it == on_.end() ? kNone : it->second;
  }
  // All of them, by claim UID.
  const Table& places() const { return table_; }

  // The claim must have no place.
  void Add(ClaimPlace place) {
    const ClaimPlace& added = table_.Put(std::move(place));
    on_[added.node].insert(&added);
  }
  // `place` is one of the book's.
  void Erase(const ClaimPlace& place) {
    const auto it = on_.find(place.node);
    it->second.erase(&place);
    if (it->second.empty()) on_.erase(it);
    table_.Erase(std::string(UidOf(place)));  // A copy: the text goes with the place.
  }

 private:
  Table table_;
  absl::btree_map<std::string, OnNode, std::less<>> on_;
};

}  // namespace pmem::extender
