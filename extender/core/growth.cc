// SPDX-License-Identifier: Apache-2.0
#include "extender/core/growth.h"

#include <algorithm>

#include "common/pure/sizing.h"

namespace pmem::extender {

int64_t MostThatMayBe(const PoolReport& pool, std::initializer_list<int64_t> sizes) {
  int64_t most = 0;
  for (const int64_t bytes : sizes) {
    const bool may_be = VolumeBytes(bytes, pool.alignment_bytes) <= pool.total_bytes;
    if (may_be) most = std::max(most, bytes);
  }
  return most;
}

int64_t BegunBytes(const ObjectCache& cache, const Claim& claim, const PoolReport& pool) {
  const PersistentVolume* volume = cache.FindVolume(claim.volume_name);
  const int64_t object_bytes = volume == nullptr ? 0 : volume->capacity_bytes;
  return MostThatMayBe(pool, {claim.allocated_bytes, object_bytes});
}

}  // namespace pmem::extender
