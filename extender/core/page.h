// SPDX-License-Identifier: Apache-2.0
// Lists are looked at page by page, so that each look takes the ledger's lock for a short while.
#pragma once

#include <string>

namespace pmem::extender {

inline constexpr int kPageDefault = 100;
inline constexpr int kPageMax = 500;
// Elements that are looked at for one page: those that a filter leaves out take time, too.
inline constexpr int kPageLooksMax = 2000;

// Elements whose key is above `after`, at most `limit`; fewer, or none, when kPageLooksMax were
// looked at.
struct Page {
  std::string after;
  int limit = kPageDefault;
};

}  // namespace pmem::extender
