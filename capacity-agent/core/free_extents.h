// SPDX-License-Identifier: Apache-2.0
// The gaps between the NVDIMM namespaces of a region. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "capacity-agent/core/device_state.h"
#include "common/pure/capacity_report.h"

namespace pmem::agent {

// Free ranges of a region of `total_bytes`, ascending, begin and end moved inwards to the
// alignment. Nothing when an offset is not known, or when namespaces overlap or reach beyond the
// region: then the gaps cannot be told.
std::optional<std::vector<FreeExtent>> FreeExtents(int64_t total_bytes, int64_t alignment_bytes,
                                                   absl::Span<const NvdimmNamespace> taken);

int64_t SumBytes(absl::Span<const FreeExtent> extents);
int64_t LargestBytes(absl::Span<const FreeExtent> extents);

}  // namespace pmem::agent
