// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/free_extents.h"

#include <algorithm>

#include "common/pure/units.h"

namespace pmem::agent {

std::optional<std::vector<FreeExtent>> FreeExtents(int64_t total_bytes, int64_t alignment_bytes,
                                                   absl::Span<const NvdimmNamespace> taken) {
  std::vector<FreeExtent> ranges;
  for (const NvdimmNamespace& nvdimm_namespace : taken) {
    if (!nvdimm_namespace.offset_bytes) return std::nullopt;
    ranges.push_back({*nvdimm_namespace.offset_bytes, nvdimm_namespace.bytes});
  }
  // The end of the region, as one more thing that is taken.
  ranges.push_back({total_bytes, 0});
  std::sort(ranges.begin(), ranges.end(), [](const FreeExtent& a, const FreeExtent& b) {
    return a.offset_bytes < b.offset_bytes;
  });
  std::vector<FreeExtent> gaps;
  int64_t end_bytes = 0;
  for (const FreeExtent& range : ranges) {
    if (range.offset_bytes < end_bytes) return std::nullopt;
    const int64_t begin = AlignUp(end_bytes, alignment_bytes);
    const int64_t end = AlignDown(range.offset_bytes, alignment_bytes);
    if (begin < end) gaps.push_back({begin, end - begin});
    end_bytes = AddBytes(range.offset_bytes, range.bytes);
  }
  if (end_bytes > total_bytes) return std::nullopt;
  return gaps;
}

int64_t SumBytes(absl::Span<const FreeExtent> extents) {
  int64_t sum_bytes = 0;
  for (const FreeExtent& extent : extents) sum_bytes = AddBytes(sum_bytes, extent.bytes);
  return sum_bytes;
}

int64_t LargestBytes(absl::Span<const FreeExtent> extents) {
  int64_t largest_bytes = 0;
  for (const FreeExtent& extent : extents) largest_bytes = std::max(largest_bytes, extent.bytes);
  return largest_bytes;
}

}  // namespace pmem::agent
