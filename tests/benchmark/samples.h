// SPDX-License-Identifier: Apache-2.0
// Durations that were measured, and what they come to.
#pragma once

#include <algorithm>
#include <vector>

#include "absl/time/time.h"

namespace pmem {

class Samples {
 public:
  void Add(absl::Duration duration) { values_.push_back(absl::ToDoubleMicroseconds(duration)); }
  bool empty() const { return values_.empty(); }
  // In microseconds. `share` 0.5: the median.
  double Quantile(double share) {
    if (values_.empty()) return 0;
    const auto at =
        values_.begin() + static_cast<long>(share * static_cast<double>(values_.size() - 1));
    std::nth_element(values_.begin(), at, values_.end());
    return *at;
  }

 private:
  std::vector<double> values_;
};

}  // namespace pmem
