// SPDX-License-Identifier: Apache-2.0
#include "common/io/open_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace pmem {

int64_t RaiseOpenFilesLimit(int64_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const auto target = std::min(static_cast<rlim_t>(wanted), limit.rlim_max);
  if (limit.rlim_cur < target) {
    limit.rlim_cur = target;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<int64_t>(limit.rlim_cur);
}

int64_t OpenFilesLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  constexpr auto kMax = static_cast<rlim_t>(std::numeric_limits<int>::max());
  return static_cast<int64_t>(std::min(limit.rlim_cur, kMax));
}

}  // namespace pmem
