// SPDX-License-Identifier: Apache-2.0
// Which pool and extent could take which claim: the packing that filter, score, the placement
// controller and volume creation share. Pure, deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "common/pure/capacity_report.h"
#include "common/pure/reasons.h"

namespace pmem {

// One volume that has to go somewhere.
struct Item {
  std::string claim_uid;
  PoolKind kind = PoolKind::kLvm;
  int64_t requested_bytes = 0;  // As the claim says; rounded per pool by VolumeBytes().
  bool operator==(const Item&) const = default;
};

// Kinds, as a set. What is promised in pools of one kind takes nothing from those of the other.
class KindSet {
 public:
  constexpr bool Has(PoolKind kind) const { return (bits_ & BitOf(kind)) != 0; }
  constexpr bool HasAny(KindSet others) const { return (others.bits_ & bits_) != 0; }
  constexpr void Add(PoolKind kind) { bits_ = static_cast<uint8_t>(bits_ | BitOf(kind)); }
  bool operator==(const KindSet&) const = default;

 private:
  static constexpr unsigned BitOf(PoolKind kind) { return 1U << static_cast<unsigned>(kind); }
  uint8_t bits_ = 0;
};
KindSet KindsOf(absl::Span<const Item> items);
// Sum of what the items of the kind ask for, before rounding.
int64_t RequestedBytes(absl::Span<const Item> items, PoolKind kind);
// Leaves the items of these kinds.
void KeepKinds(KindSet kinds, std::vector<Item>& items);

// A pool that takes new volumes.
struct PoolRoom {
  std::string id;
  PoolKind kind = PoolKind::kLvm;
  int64_t alignment_bytes = 1;
  int64_t volume_bytes_max = 0;  // No single volume may be larger.
  int64_t slots_free = 0;        // Volumes it can still name; unlimited: kSlotsUnlimited.
  bool operator==(const PoolRoom&) const = default;
};

inline constexpr int64_t kSlotsUnlimited = INT64_MAX;

// A piece of room that one volume must fit into: a VG's free space, or one free extent of a region.
// Only whole steps of the pool's alignment are counted.
struct Bin {
  int32_t pool = 0;  // Index into Room::pools.
  int64_t free_bytes = 0;
  bool operator==(const Bin&) const = default;
};

struct Room {
  std::vector<PoolRoom> pools;
  std::vector<Bin> bins;
  bool operator==(const Room&) const = default;
};

// The usable room of a report: pools in state ok, extents trimmed to the alignment.
Room RoomOf(const CapacityReport& report);

// Largest number of items of one kind that are packed exactly; more go first-fit decreasing (which
// may miss a packing, and never invents one).
inline constexpr int kExactItemsMax = 8;
// Bound on the exact search, in bins looked at: some 2 ms. Past it the answer is "does not fit".
// Reached only by hundreds of differently sized extents that all nearly fit.
inline constexpr int64_t kExactLooksMax = 1'000'000;

// Bin of each item, in the items' order, so that all fit together; nullopt: no packing was found.
// Greedy answers prefer the fullest bin that fits (best fit).
std::optional<std::vector<int>> Pack(const Room& room, absl::Span<const Item> items);

// Takes the items out of the room. `bins` is an answer of Pack for the same room and items.
void Take(Room& room, absl::Span<const Item> items, absl::Span<const int> bins);

// The same kind by kind, where not all may fit. A kind whose items do not fit together loses all
// its bins; those kinds.
KindSet TakeByKind(Room& room, absl::Span<const Item> items);

// Why `items` do not fit into `room`, given the pools that the node reports at all. Call it only
// when Pack said no. Looks at the kinds in the order lvm, direct.
Reason WhyNot(const CapacityReport& report, const Room& room, absl::Span<const Item> items);

// Free bytes in all bins of a kind, and the largest volume that would fit.
int64_t FreeBytes(const Room& room, PoolKind kind);
int64_t LargestVolumeBytes(const Room& room, PoolKind kind);
// Volumes that the pools of a kind can still name together, or kSlotsUnlimited.
int64_t SlotsFree(const Room& room, PoolKind kind);

}  // namespace pmem
