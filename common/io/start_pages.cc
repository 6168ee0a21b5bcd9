// SPDX-License-Identifier: Apache-2.0
#include "common/io/start_pages.h"

#include <sys/mman.h>

#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/io/files.h"
#include "common/pure/absl_view.h"

namespace pmem {
namespace {

constexpr int64_t kMapsBytesMax = int64_t{4} << 20;

}  // namespace

std::vector<Mapping> ReadOnlyFileMappings(std::string_view maps) {
  std::vector<Mapping> mappings;
  for (const absl::string_view line : absl::StrSplit(AbslView(maps), '\n')) {
    // 7f00-7f10 r-xp 00001000 08:01 1234   /lib/x.so
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() < 6 || words[1].size() != 4 || words[1][1] == 'w' || words[4] == "0") continue;
    const std::pair<absl::string_view, absl::string_view> ends = absl::StrSplit(words[0], '-');
    uint64_t start = 0;
    uint64_t end = 0;
    if (!absl::SimpleHexAtoi(ends.first, &start) || !absl::SimpleHexAtoi(ends.second, &end)) {
      continue;
    }
    if (end > start) mappings.push_back({start, end - start});
  }
  return mappings;
}

void GiveBackStartPages() {
  const absl::StatusOr<std::string> maps = ReadFile("/proc/self/maps", kMapsBytesMax);
  if (!maps.ok()) return;
  for (const Mapping& mapping : ReadOnlyFileMappings(*maps)) {
    // An older kernel does not know the advice; then nothing is given back.
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel tells addresses as numbers.
    madvise(reinterpret_cast<void*>(mapping.start), mapping.size_bytes, MADV_PAGEOUT);
  }
}

}  // namespace pmem
