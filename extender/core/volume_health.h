// SPDX-License-Identifier: Apache-2.0
// What is to be said to the owners of volumes whose pool is in trouble, or too small for what they
// ask for. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "extender/core/ledger.h"
#include "extender/core/pinning.h"

namespace pmem::extender {

// One notice for each claim whose volume lies, by the newest report, in a pool that is inactive,
// read-only or unhealthy. A pool that could not be read says nothing of its volumes. In order of
// node, pool and volume, from the one after `after` (FoundNotices::last) around to it; at most
// `count_max`.
FoundNotices FindTroubledVolumes(const Ledger& ledger, const std::string& after, size_t count_max);

// One notice for each claim that is bound and whose volume is missing on its node (drift.h). In
// order of node and UID, as above.
FoundNotices FindMissingVolumes(const Ledger& ledger, const std::string& after, size_t count_max);

// Claims that are looked at for it at a time.
inline constexpr size_t kGrowthLooksMax = 2000;
// One notice for each claim whose volume is to have more than it and the VolumeGroup it lies in
// have together, by the newest report: as the claim asks, or as the ledger counts (growth.h). In
// order of UID, from the one after `after`; at most `count_max`, and after kGrowthLooksMax claims
// it goes on the next time.
FoundNotices FindUnmetGrowth(const Ledger& ledger, const std::string& after, size_t count_max);

}  // namespace pmem::extender
