// SPDX-License-Identifier: Apache-2.0
// A look at all of the ledger that never holds its lock for long.
#pragma once

#include "absl/time/time.h"
#include "extender/core/views.h"
#include "extender/ledger_service.h"

namespace pmem::extender {

// Runs `look(ledger, now, page)` under the lock for page after page of at most `limit` elements; it
// returns the key after which the next page begins, empty after the last one. The lock is let go
// between pages, so they may be of different moments.
template <class Look>
void ReadPages(const LedgerService& service, int limit, Look look) {
  Page page{.after = "", .limit = limit};
  do {
    page.after =
        service.Read([&](const Ledger& ledger, absl::Time now) { return look(ledger, now, page); });
  } while (!page.after.empty());
}

}  // namespace pmem::extender
