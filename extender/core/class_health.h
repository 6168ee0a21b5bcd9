// SPDX-License-Identifier: Apache-2.0
// What is to be said to the owners of claims whose StorageClass asks for nothing that there is.
// Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "extender/core/ledger.h"
#include "extender/core/pinning.h"

namespace pmem::extender {

// One notice for each claim without a volume whose class is ours and says neither lvm nor direct:
// nobody will ever serve it. In order of UID; at most `count_max`. Looks at the claims only while
// there is such a class.
std::vector<Notice> FindUnknownKinds(const Ledger& ledger, size_t count_max);

}  // namespace pmem::extender
