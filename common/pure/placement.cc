// SPDX-License-Identifier: Apache-2.0
#include "common/pure/placement.h"

#include <algorithm>
#include <numeric>

#include "common/pure/sizing.h"

namespace pmem {
namespace {

Bin TrimmedExtent(int32_t pool, const FreeExtent& extent, int64_t alignment_bytes) {
  const int64_t begin = AlignUp(extent.offset_bytes, alignment_bytes);
  const int64_t end = AlignDown(AddBytes(extent.offset_bytes, extent.bytes), alignment_bytes);
  return {.pool = pool, .free_bytes = std::max<int64_t>(0, end - begin)};
}

int64_t NeedBytes(const Room& room, const Bin& bin, const Item& item) {
  return VolumeBytes(item.requested_bytes, room.pools[bin.pool].alignment_bytes);
}

bool Fits(const Room& room, const Bin& bin, const Item& item) {
  const PoolRoom& pool = room.pools[bin.pool];
  if (pool.kind != item.kind || pool.slots_free < 1) return false;
  const int64_t need_bytes = NeedBytes(room, bin, item);
  return need_bytes <= bin.free_bytes && need_bytes <= pool.volume_bytes_max;
}

void TakeOne(Room& room, const Item& item, int bin) {
  room.bins[bin].free_bytes -= NeedBytes(room, room.bins[bin], item);
  PoolRoom& pool = room.pools[room.bins[bin].pool];
  if (pool.slots_free != kSlotsUnlimited) --pool.slots_free;
}

void GiveBack(Room& room, const Item& item, int bin) {
  room.bins[bin].free_bytes += NeedBytes(room, room.bins[bin], item);
  PoolRoom& pool = room.pools[room.bins[bin].pool];
  if (pool.slots_free != kSlotsUnlimited) ++pool.slots_free;
}

// Indices of the items of one kind, largest first.
std::vector<int> LargestFirst(absl::Span<const Item> items, PoolKind kind) {
  std::vector<int> order;
  for (int i = 0; i < static_cast<int>(items.size()); ++i) {
    if (items[i].kind == kind) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [items](int a, int b) {
    return items[a].requested_bytes > items[b].requested_bytes;
  });
  return order;
}

int BestBin(const Room& room, const Item& item) {
  int best = -1;
  for (int b = 0; b < static_cast<int>(room.bins.size()); ++b) {
    if (!Fits(room, room.bins[b], item)) continue;
    if (best < 0 || room.bins[b].free_bytes < room.bins[best].free_bytes) best = b;
  }
  return best;
}

bool PackGreedily(Room& room, absl::Span<const Item> items, absl::Span<const int> order,
                  std::vector<int>& bins) {
  for (const int i : order) {
    bins[i] = BestBin(room, items[i]);
    if (bins[i] < 0) return false;
    TakeOne(room, items[i], bins[i]);
  }
  return true;
}

// Depth-first over (item, bin), largest items first; equally full bins of one pool are alike.
struct ExactSearch {
  Room& room;
  absl::Span<const Item> items;
  absl::Span<const int> order;
  std::vector<int>& bins;
  int64_t looks = 0;

  bool IsTriedAlready(int bin) {
    const Bin& candidate = room.bins[bin];
    for (int b = 0; b < bin; ++b) {
      ++looks;
      if (room.bins[b] == candidate) return true;
    }
    return false;
  }

  bool Place(size_t depth) {
    if (depth == order.size()) return true;
    const int i = order[depth];
    for (int b = 0; b < static_cast<int>(room.bins.size()); ++b) {
      if (++looks > kExactLooksMax) return false;
      if (!Fits(room, room.bins[b], items[i]) || IsTriedAlready(b)) continue;
      TakeOne(room, items[i], b);
      bins[i] = b;
      if (Place(depth + 1)) return true;
      GiveBack(room, items[i], b);
    }
    return false;
  }
};

bool PackKind(const Room& room, absl::Span<const Item> items, PoolKind kind,
              std::vector<int>& bins) {
  const std::vector<int> order = LargestFirst(items, kind);
  if (order.empty()) return true;
  if (SlotsFree(room, kind) < static_cast<int64_t>(order.size())) return false;
  Room greedy = room;
  if (PackGreedily(greedy, items, order, bins)) return true;
  if (static_cast<int>(order.size()) > kExactItemsMax) return false;
  Room scratch = room;
  return ExactSearch{scratch, items, order, bins}.Place(0);
}

Reason WhyNotKind(const CapacityReport& report, const Room& room, absl::Span<const Item> items,
                  PoolKind kind) {
  const auto is_kind = [kind](const PoolReport& pool) { return pool.kind == kind; };
  if (std::none_of(report.pools.begin(), report.pools.end(), is_kind)) return Reason::kNoPool;
  const auto is_usable = [kind](const PoolRoom& pool) { return pool.kind == kind; };
  if (std::none_of(room.pools.begin(), room.pools.end(), is_usable)) return Reason::kUnusablePool;
  if (kind == PoolKind::kLvm) return Reason::kNoRoom;
  Room slots_aside = room;
  for (PoolRoom& pool : slots_aside.pools) pool.slots_free = kSlotsUnlimited;
  std::vector<int> bins(items.size(), -1);
  if (PackKind(slots_aside, items, kind, bins)) return Reason::kNoLabelSlot;
  const bool is_full = RequestedBytes(items, kind) > FreeBytes(room, kind);
  return is_full ? Reason::kNoRoom : Reason::kNoExtent;
}

}  // namespace

int64_t SlotsFree(const Room& room, PoolKind kind) {
  int64_t slots = 0;
  for (const PoolRoom& pool : room.pools) {
    if (pool.kind != kind) continue;
    if (pool.slots_free == kSlotsUnlimited) return kSlotsUnlimited;
    slots += pool.slots_free;
  }
  return slots;
}

KindSet KindsOf(absl::Span<const Item> items) {
  KindSet kinds;
  for (const Item& item : items) kinds.Add(item.kind);
  return kinds;
}

int64_t RequestedBytes(absl::Span<const Item> items, PoolKind kind) {
  int64_t bytes = 0;
  for (const Item& item : items) {
    if (item.kind == kind) bytes = AddBytes(bytes, item.requested_bytes);
  }
  return bytes;
}

void KeepKinds(KindSet kinds, std::vector<Item>& items) {
  std::erase_if(items, [kinds](const Item& item) { return !kinds.Has(item.kind); });
}

Room RoomOf(const CapacityReport& report) {
  Room room;
  for (const PoolReport& pool : report.pools) {
    if (pool.state != PoolState::kOk || pool.thin) continue;
    const auto index = static_cast<int32_t>(room.pools.size());
    room.pools.push_back({.id = pool.id,
                          .kind = pool.kind,
                          .alignment_bytes = pool.alignment_bytes,
                          .volume_bytes_max = pool.volume_bytes_max,
                          .slots_free = pool.label_slots_free.value_or(kSlotsUnlimited)});
    if (pool.kind == PoolKind::kLvm) {
      const int64_t free_bytes = AlignDown(pool.available_bytes, pool.alignment_bytes);
      room.bins.push_back({.pool = index, .free_bytes = free_bytes});
    }
    for (const FreeExtent& extent : KnownFreeExtents(pool)) {
      room.bins.push_back(TrimmedExtent(index, extent, pool.alignment_bytes));
    }
  }
  return room;
}

std::optional<std::vector<int>> Pack(const Room& room, absl::Span<const Item> items) {
  std::vector<int> bins(items.size(), -1);
  if (!PackKind(room, items, PoolKind::kLvm, bins)) return std::nullopt;
  if (!PackKind(room, items, PoolKind::kDirect, bins)) return std::nullopt;
  return bins;
}

void Take(Room& room, absl::Span<const Item> items, absl::Span<const int> bins) {
  for (size_t i = 0; i < items.size(); ++i) TakeOne(room, items[i], bins[i]);
}

KindSet TakeByKind(Room& room, absl::Span<const Item> items) {
  KindSet unfit;
  std::vector<int> bins(items.size(), -1);
  for (const PoolKind kind : kPoolKinds) {
    if (!PackKind(room, items, kind, bins)) unfit.Add(kind);
  }
  for (size_t i = 0; i < items.size(); ++i) {
    if (!unfit.Has(items[i].kind)) TakeOne(room, items[i], bins[i]);
  }
  std::erase_if(room.bins, [&](const Bin& bin) { return unfit.Has(room.pools[bin.pool].kind); });
  return unfit;
}

Reason WhyNot(const CapacityReport& report, const Room& room, absl::Span<const Item> items) {
  for (const PoolKind kind : kPoolKinds) {
    std::vector<int> bins(items.size(), -1);
    if (!PackKind(room, items, kind, bins)) return WhyNotKind(report, room, items, kind);
  }
  return Reason::kFits;
}

int64_t FreeBytes(const Room& room, PoolKind kind) {
  int64_t sum = 0;
  for (const Bin& bin : room.bins) {
    if (room.pools[bin.pool].kind == kind) sum = AddBytes(sum, bin.free_bytes);
  }
  return sum;
}

int64_t LargestVolumeBytes(const Room& room, PoolKind kind) {
  int64_t largest = 0;
  for (const Bin& bin : room.bins) {
    const PoolRoom& pool = room.pools[bin.pool];
    if (pool.kind != kind || pool.slots_free < 1) continue;
    const int64_t bytes = std::min(bin.free_bytes, pool.volume_bytes_max);
    largest = std::max(largest, AlignDown(bytes, pool.alignment_bytes));
  }
  return largest;
}

}  // namespace pmem
