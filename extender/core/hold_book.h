// SPDX-License-Identifier: Apache-2.0
// Undecided holds: room kept for a pod on every node that a filter answer named, until something
// says which one was taken. Not thread-safe; pure, deterministic.
//
// clang-format off
//          filter answered             nominatedNodeName, selected-node
//   (none) ---------------> undecided ---------------------------------> decided (one node)
//     ^                         |                                            |
//     |                         | filtered again, pod gone + hold_grace,     | the same, or all its
//     |                         | hold_ttl                                   | claims are assigned (*)
//     +-------------------------+--------------------------------------------+
// clang-format on
//
// (*) + hold_grace where it has PersistentVolumes: that they are taken may be heard of later.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/pure/placement.h"
#include "extender/core/kube_objects.h"
#include "extender/core/quick_room.h"

namespace pmem::extender {

// Who holds, as text: a pod's UID, or one of the two below. No UID has a '/' in it.
enum class OwnerKind {
  kPod,
  kClaim,     // A claim that the placement controller is about to pin, or only a live read told of.
  kTakeover,  // A claim that a leader before us may have decided on.
};
std::string ClaimOwner(std::string_view claim_uid);     // "claim/<uid>"
std::string TakeoverOwner(std::string_view claim_uid);  // "takeover/<uid>"
OwnerKind KindOfOwner(std::string_view owner);

struct Hold {
  std::string owner;
  ObjectKey pod;  // For people.
  std::vector<Item> items;
  std::vector<std::string> volumes;  // PersistentVolumes that it counts on instead of new room.
  std::string nominated_before;      // nominatedNodeName when the filter was asked: no evidence.
  std::string pod_version;  // The pod's resourceVersion then: older events are no evidence.
  int64_t turn = 0;         // Of the call that was answered: rises with every call.
  absl::Time since;
  absl::Time until;               // Nothing was heard: the hold ends.
  bool is_shortened = false;      // Something was: `until` is sooner than it was.
  std::vector<int32_t> node_ids;  // Sorted. One: decided.
};

class HoldBook {
 public:
  // Replaces the owner's hold. A hold without items and volumes, or without nodes, only ends the
  // old one.
  void Put(Hold hold);
  void Erase(std::string_view owner);
  const Hold* Find(std::string_view owner) const;

  // Evidence: the owner's pod goes to that node. Of its volumes it keeps those that `is_there`
  // says the node reaches.
  void Narrow(std::string_view owner, int32_t node_id,
              absl::FunctionRef<bool(const std::string& volume)> is_there);
  // The claim has its place (or is gone): it is no longer held, by anyone. Where it was the last
  // item, the volumes are held until `volumes_until` at the latest. Owners whose holds had it.
  std::vector<std::string> DropItem(std::string_view claim_uid, absl::Time volumes_until);
  // It may count on that PersistentVolume, too; once, however often it is told.
  void AddVolume(std::string_view owner, const std::string& volume);
  // The hold ends at `until` at the latest.
  void Shorten(std::string_view owner, absl::Time until);
  // Ends all that are over. Returns how many.
  struct Expired {
    int all = 0;
    int unheard = 0;  // Of pods, that stood as long as they could: their holds were not shortened.
    bool operator==(const Expired&) const = default;
  };
  Expired Expire(absl::Time now);
  // When the first of them is over. InfiniteFuture: there is none.
  absl::Time NextEnd() const;
  // Whether anybody holds anything on the node.
  bool IsHeld(int32_t node_id) const;

  // What others than `owner` hold on the node.
  std::vector<const Hold*> HoldsOn(int32_t node_id, std::string_view owner) const;
  // The items of these, each claim once, without those in `except`.
  std::vector<Item> ItemsOn(int32_t node_id, std::string_view owner,
                            absl::Span<const Item> except) const;
  // Takes what others than `owner` hold of these kinds on the node out of the room, a claim that is
  // held twice twice. False: not all of it found a bin.
  bool TakeAllOn(int32_t node_id, std::string_view owner, KindSet kinds, QuickRoom& room) const;
  // Whether anybody but `owner` holds anything.
  bool HasOthers(std::string_view owner) const {
    return holds_.size() > 1 || (holds_.size() == 1 && holds_.begin()->first != owner);
  }
  // True when someone else than `owner` counts on that PersistentVolume.
  bool IsVolumeHeld(std::string_view volume, std::string_view owner) const;
  bool IsEmpty() const { return holds_.empty(); }

  const std::map<std::string, Hold, std::less<>>& holds() const { return holds_; }

 private:
  // Holds on several nodes, one bit a node. Few at any time: each lasts until its evidence comes.
  struct Wide {
    const Hold* hold = nullptr;
    std::vector<uint64_t> bits;
  };

  absl::Span<const Hold* const> NarrowOn(int32_t node_id) const;
  void Index(const Hold& hold);
  void Unindex(const Hold& hold);
  void IndexVolumes(const Hold& hold);
  void UnindexVolumes(const Hold& hold);
  void Forget(const Hold& hold);

  std::map<std::string, Hold, std::less<>> holds_;        // Keeps its values in place.
  absl::btree_map<std::string, Wide, std::less<>> wide_;  // By owner.
  std::vector<std::vector<const Hold*>> narrow_;          // By node id: the decided ones.
  // By claim UID: the owners whose holds have it. A list of thousands of claims asks for each.
  absl::flat_hash_map<std::string, std::vector<std::string>> owners_;
  // By PersistentVolume: the holds that count on it. Filter asks for each volume on each node.
  absl::flat_hash_map<std::string, std::vector<const Hold*>> by_volume_;
};

// What others than `owner` hold, node by node. Nodes on which the same holds stand share an answer:
// hundreds of holds may stand on thousands of nodes. Valid until the next change of the book.
class HeldByOthers {
 public:
  // All must outlive the object.
  HeldByOthers(const HoldBook& book, std::string_view owner, absl::Span<const Item> except)
      : book_(&book), owner_(owner), except_(except) {}

  struct Held {
    std::vector<Item> items;  // Each claim once, without those in `except`.
    int64_t lvm_bytes = 0;    // RequestedBytes of these.
    int64_t direct_bytes = 0;
  };
  // Valid until the next call.
  const Held& On(int32_t node_id);

 private:
  const HoldBook* book_;
  std::string_view owner_;
  absl::Span<const Item> except_;
  std::vector<const Hold*> holds_;  // That `held_` is of.
  Held held_;
};

}  // namespace pmem::extender
