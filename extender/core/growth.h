// SPDX-License-Identifier: Apache-2.0
// To what sizes the volume of a claim may grow: the ledger counts them, and the claim's owner is
// told when there is no room. Pure.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "common/pure/capacity_report.h"
#include "extender/core/object_cache.h"

namespace pmem::extender {

// The largest of the sizes that a volume in the pool may ever have: it grows to one of them, or not
// at all.
int64_t MostThatMayBe(const PoolReport& pool, std::initializer_list<int64_t> sizes);

// Of the sizes that were written down for the claim's volume, the largest that it may have there. A
// request may be lowered again once the resizer has begun: kubelet has the volume grow to what was
// written down by then, however much later.
int64_t BegunBytes(const ObjectCache& cache, const Claim& claim, const PoolReport& pool);

}  // namespace pmem::extender
