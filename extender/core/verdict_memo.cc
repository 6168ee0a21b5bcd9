// SPDX-License-Identifier: Apache-2.0
#include "extender/core/verdict_memo.h"

#include <algorithm>

namespace pmem::extender {

ShapeMemo& VerdictMemo::Of(const std::vector<QuickItem>& items, int32_t id_end) {
  auto it = std::find_if(shapes_.begin(), shapes_.end(), [&items](const ShapeMemo& shape) {
    return shape.last_use > 0 && shape.items == items;
  });
  if (it == shapes_.end()) {
    it = std::min_element(shapes_.begin(), shapes_.end(),
                          [](const auto& a, const auto& b) { return a.last_use < b.last_use; });
    *it = ShapeMemo{.items = items};
  }
  it->last_use = ++uses_;
  it->verdicts.resize(static_cast<size_t>(id_end));
  it->leftovers.resize(static_cast<size_t>(id_end));
  return *it;
}

}  // namespace pmem::extender
