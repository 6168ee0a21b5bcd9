// SPDX-License-Identifier: Apache-2.0
// Whatever an agent answers: an error, or a report that our own writer and reader keep as it is.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/pure/capacity_report.h"
#include "common/pure/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto report = pmem::ParseCapacityReport(json);
  if (!report.ok()) return 0;
  for (const pmem::PoolReport& pool : report->pools) {
    PMEM_CHECK(0 <= pool.available_bytes && pool.available_bytes <= pool.allocatable_bytes);
    PMEM_CHECK(pool.allocatable_bytes <= pool.total_bytes && pool.alignment_bytes >= 1);
  }
  const std::string text = pmem::SerialiseCapacityReport(*report);
  const auto again = pmem::ParseCapacityReport(text);
  PMEM_CHECK(again.ok() && pmem::SameContent(*report, *again));
  PMEM_CHECK(pmem::SerialiseCapacityReport(*again) == text);
  return 0;
}
