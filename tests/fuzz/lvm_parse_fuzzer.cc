// SPDX-License-Identifier: Apache-2.0
// Whatever LVM prints: an error, or VolumeGroups sorted by name with amounts in range.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "capacity-agent/core/lvm_parse.h"
#include "common/pure/check.h"
#include "common/pure/units.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto groups = pmem::agent::ParseLvmReport(json);
  if (!groups.ok()) return 0;
  for (const pmem::agent::VolumeGroup& group : *groups) {
    PMEM_CHECK(group.total_bytes >= 0 && group.total_bytes <= pmem::kBytesMax);
    PMEM_CHECK(group.available_bytes >= 0 && group.available_bytes <= pmem::kBytesMax);
    PMEM_CHECK(group.extent_bytes >= 1);
  }
  PMEM_CHECK(std::is_sorted(groups->begin(), groups->end(),
                            [](const auto& a, const auto& b) { return a.name < b.name; }));
  return 0;
}
