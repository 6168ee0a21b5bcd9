// SPDX-License-Identifier: Apache-2.0
// What is to be said to the owners of volumes whose pool is in trouble. Pure.
#pragma once

#include <vector>

#include "extender/core/ledger.h"
#include "extender/core/pinning.h"

namespace pmem::extender {

// One notice for each claim whose volume lies, by the newest report, in a pool that is inactive,
// read-only or unhealthy. A pool that could not be read says nothing of its volumes. In order of
// node, pool and volume; at most `count_max`.
std::vector<Notice> FindTroubledVolumes(const Ledger& ledger, size_t count_max);

}  // namespace pmem::extender
