// SPDX-License-Identifier: Apache-2.0
// What the kernel says of this process (/proc/self). What cannot be read is 0. Thread-safe.
#pragma once

#include <cstdint>

namespace pmem {

struct ProcessStats {
  double cpu_seconds = 0;
  int64_t resident_bytes = 0;
  int64_t open_fds = 0;
  int64_t threads = 0;
  double start_time_seconds = 0;  // Since the epoch.
};

ProcessStats ReadProcessStats();

}  // namespace pmem
