// SPDX-License-Identifier: Apache-2.0
// What is to be said to the owners of claims whose StorageClass asks for nothing that there is.
// Pure.
#pragma once

#include <cstddef>
#include <string>

#include "extender/core/ledger.h"
#include "extender/core/pinning.h"

namespace pmem::extender {

// One notice for each claim without a volume whose class is ours and says neither lvm nor direct:
// nobody will ever serve it. In order of UID, from the one after `after` (FoundNotices::last)
// around to it; at most `count_max`. Looks at the claims only while there is such a class.
FoundNotices FindUnknownKinds(const Ledger& ledger, const std::string& after, size_t count_max);

}  // namespace pmem::extender
