// SPDX-License-Identifier: Apache-2.0
// How many bytes a claim takes from a pool. THE one sizing function: filter, API and volume
// creation all ask here, so that what is promised is what is taken. Pure, thread-safe.
#pragma once

#include <cstdint>

#include "common/pure/units.h"

namespace pmem {

// Bytes that a volume of `requested_bytes` takes from a pool with `alignment_bytes`: rounded up to
// the VG's extent (LVM) or the region's alignment (direct), at least one step. A direct claim asks
// for the raw size: page metadata and file system come out of the volume, not on top (product page:
// a 9Gi direct claim shows 9076344 1K-blocks).
constexpr int64_t VolumeBytes(int64_t requested_bytes, int64_t alignment_bytes) {
  return requested_bytes <= 0 ? alignment_bytes : AlignUp(requested_bytes, alignment_bytes);
}

// Bytes that a direct volume of `volume_bytes` has for a file system. At its start the kernel keeps
// 8 KiB, and 64 bytes for each page of 4 KiB behind them, in whole large pages (nd_pfn_init in
// drivers/nvdimm/pfn_devs.c).
constexpr int64_t DirectUsableBytes(int64_t volume_bytes) {
  constexpr int64_t kInfoBytes = 8 * kKiB;
  if (volume_bytes <= kInfoBytes) return 0;
  const int64_t metadata_bytes = (volume_bytes - kInfoBytes) / (4 * kKiB) * 64;
  const int64_t kept_bytes = AlignUp(kInfoBytes + metadata_bytes, 2 * kMiB);
  return kept_bytes < volume_bytes ? volume_bytes - kept_bytes : 0;
}

}  // namespace pmem
