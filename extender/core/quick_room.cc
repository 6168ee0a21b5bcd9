// SPDX-License-Identifier: Apache-2.0
#include "extender/core/quick_room.h"

#include <algorithm>
#include <numeric>

#include "common/pure/sizing.h"

namespace pmem::extender {

std::vector<QuickItem> QuickItemsOf(absl::Span<const Item> items) {
  std::vector<QuickItem> quick;
  quick.reserve(items.size());
  for (const Item& item : items) {
    quick.push_back({.kind = item.kind, .requested_bytes = item.requested_bytes});
  }
  std::stable_sort(quick.begin(), quick.end(), [](const QuickItem& a, const QuickItem& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.requested_bytes > b.requested_bytes;
  });
  return quick;
}

int QuickRoom::TakeBest(const QuickItem& item) {
  int best = -1;
  int64_t best_need_bytes = 0;
  for (int b = 0; b < bins_count; ++b) {
    const Bin& bin = bins[b];
    if (bin.kind != item.kind || slots_free[bin.pool] < 1) continue;
    const int64_t need_bytes = VolumeBytes(item.requested_bytes, bin.alignment_bytes);
    if (need_bytes > bin.free_bytes || need_bytes > bin.volume_bytes_max) continue;
    if (best >= 0 && bin.free_bytes >= bins[best].free_bytes) continue;
    best = b;
    best_need_bytes = need_bytes;
  }
  if (best < 0) return -1;
  bins[best].free_bytes -= best_need_bytes;
  int64_t& slots = slots_free[bins[best].pool];
  if (slots != kSlotsUnlimited) --slots;
  return best;
}

bool QuickRoom::TakeAll(absl::Span<const QuickItem> items) {
  return std::all_of(items.begin(), items.end(),
                     [this](const QuickItem& item) { return TakeBest(item) >= 0; });
}

QuickRoom QuickRoomOf(const Room& room) {
  std::vector<int> order(room.bins.size());
  std::iota(order.begin(), order.end(), 0);
  QuickRoom quick;
  if (order.size() > QuickRoom::kBinsMax) {
    quick.is_whole = false;
    std::stable_sort(order.begin(), order.end(), [&room](int a, int b) {
      return room.bins[a].free_bytes > room.bins[b].free_bytes;
    });
    order.resize(QuickRoom::kBinsMax);
  }
  std::array<int32_t, QuickRoom::kBinsMax> pools{};
  int8_t pools_count = 0;
  for (const int b : order) {
    const Bin& bin = room.bins[b];
    const PoolRoom& pool = room.pools[bin.pool];
    const auto end = pools.begin() + pools_count;
    const auto index = static_cast<int8_t>(std::find(pools.begin(), end, bin.pool) - pools.begin());
    if (index == pools_count) {
      pools[pools_count++] = bin.pool;
      quick.slots_free[index] = pool.slots_free;
    }
    quick.bins[quick.bins_count++] = {.free_bytes = bin.free_bytes,
                                      .volume_bytes_max = pool.volume_bytes_max,
                                      .alignment_bytes = pool.alignment_bytes,
                                      .kind = pool.kind,
                                      .pool = index};
  }
  return quick;
}

std::optional<Leftover> QuickLeftoverOf(QuickRoom room, absl::Span<const QuickItem> items,
                                        Strategy strategy) {
  bool has_kind[2] = {false, false};
  unsigned used = 0;
  for (const QuickItem& item : items) {
    const int bin = room.TakeBest(item);
    if (bin < 0) return std::nullopt;
    used |= 1U << bin;
    has_kind[item.kind == PoolKind::kDirect ? 1 : 0] = true;
  }
  int64_t lvm_bytes = 0, direct_bytes = 0;
  for (int b = 0; b < room.bins_count; ++b) {
    const QuickRoom::Bin& bin = room.bins[b];
    if (bin.kind == PoolKind::kLvm) {
      lvm_bytes = AddBytes(lvm_bytes, bin.free_bytes);
    } else if (strategy == Strategy::kSpread || ((used >> b) & 1U) != 0) {
      direct_bytes = AddBytes(direct_bytes, bin.free_bytes);
    }
  }
  Leftover left;
  if (has_kind[0]) left.lvm_bytes = lvm_bytes;
  if (has_kind[1]) left.direct_bytes = direct_bytes;
  return left;
}

}  // namespace pmem::extender
