// SPDX-License-Identifier: Apache-2.0
#include "extender/core/score.h"

#include <algorithm>
#include <set>

#include "common/pure/units.h"

namespace pmem::extender {
namespace {

struct Range {
  int64_t least = INT64_MAX;
  int64_t most = INT64_MIN;
  void Take(int64_t bytes) {
    if (bytes == Leftover::kNotAsked) return;
    least = std::min(least, bytes);
    most = std::max(most, bytes);
  }
};

// Positions in the range as thousandths; the better end is 1000.
class Scale {
 public:
  Scale(const Range& range, Strategy strategy)
      : least_(static_cast<double>(range.least)), is_spread_(strategy == Strategy::kSpread) {
    const double width = static_cast<double>(range.most) - least_;
    factor_ = width > 0 ? 1000 / width : 0;
  }
  int64_t ThousandthsOf(int64_t bytes) const {
    if (factor_ == 0) return 0;
    const double from_least = (static_cast<double>(bytes) - least_) * factor_;
    return static_cast<int64_t>(is_spread_ ? from_least : 1000 - from_least);
  }

 private:
  const double least_;
  const bool is_spread_;
  double factor_;
};

bool HasKind(absl::Span<const Item> items, PoolKind kind) {
  return std::any_of(items.begin(), items.end(),
                     [kind](const Item& item) { return item.kind == kind; });
}

int64_t LeftInUsedBins(const Room& after, absl::Span<const Item> items,
                       const std::vector<int>& bins, PoolKind kind) {
  std::set<int> used;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].kind == kind) used.insert(bins[i]);
  }
  int64_t sum = 0;
  for (const int bin : used) sum = AddBytes(sum, after.bins[bin].free_bytes);
  return sum;
}

}  // namespace

std::optional<Strategy> StrategyFromName(std::string_view name) {
  if (name == "binpack") return Strategy::kBinpack;
  if (name == "spread") return Strategy::kSpread;
  return std::nullopt;
}

std::optional<Leftover> LeftoverOf(const Room& room, absl::Span<const Item> items,
                                   Strategy strategy) {
  const auto bins = Pack(room, items);
  if (!bins) return std::nullopt;
  Room after = room;
  Take(after, items, *bins);
  Leftover left;
  if (HasKind(items, PoolKind::kLvm)) left.lvm_bytes = FreeBytes(after, PoolKind::kLvm);
  if (HasKind(items, PoolKind::kDirect)) {
    left.direct_bytes = strategy == Strategy::kSpread
                            ? FreeBytes(after, PoolKind::kDirect)
                            : LeftInUsedBins(after, items, *bins, PoolKind::kDirect);
  }
  return left;
}

std::vector<int> Scores(absl::Span<const Leftover> nodes, Strategy strategy) {
  Range lvm, direct;
  for (const Leftover& node : nodes) {
    lvm.Take(node.lvm_bytes);
    direct.Take(node.direct_bytes);
  }
  const Scale lvm_scale(lvm, strategy), direct_scale(direct, strategy);
  std::vector<int> scores(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const bool has_lvm = nodes[i].lvm_bytes != Leftover::kNotAsked;
    const bool has_direct = nodes[i].direct_bytes != Leftover::kNotAsked;
    int64_t thousandths = 0;
    if (has_lvm) thousandths += lvm_scale.ThousandthsOf(nodes[i].lvm_bytes);
    if (has_direct) thousandths += direct_scale.ThousandthsOf(nodes[i].direct_bytes);
    if (has_lvm && has_direct) thousandths /= 2;
    const bool is_asked = has_lvm || has_direct;
    scores[i] = is_asked ? static_cast<int>((thousandths * kScoreMax + 500) / 1000) : 0;
  }
  return scores;
}

}  // namespace pmem::extender
