// SPDX-License-Identifier: Apache-2.0
#include "common/io/memory_growth.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/io/files.h"

namespace pmem {
namespace {

// The second number of /proc/self/statm, in pages. What cannot be read counts as endless growth.
int64_t ResidentBytes() {
  constexpr int64_t kStatmBytesMax = 4096;
  const absl::StatusOr<std::string> text = ReadFile("/proc/self/statm", kStatmBytesMax);
  if (!text.ok()) return INT64_MAX;
  const std::vector<std::string> fields = absl::StrSplit(*text, ' ');
  int64_t pages = 0;
  if (fields.size() < 2 || !absl::SimpleAtoi(fields[1], &pages)) return INT64_MAX;
  return pages * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

bool MemoryGrowth::IsLookDue(absl::Time now) {
  const int64_t resident = ResidentBytes();
  least_bytes_ = std::min(least_bytes_, resident);
  if (now < next_look_ && resident - least_bytes_ < kReceiveStepBytes) return false;
  next_look_ = now + kReceiveLookPeriod;
  least_bytes_ = resident;
  return true;
}

}  // namespace pmem
