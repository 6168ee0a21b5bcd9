// SPDX-License-Identifier: Apache-2.0
// How many files, sockets among them, this process may have open.
#pragma once

#include <cstdint>

namespace pmem {

// Raises the soft limit to `wanted`, or to the hard limit when that is lower; never lowers it. A
// container's soft limit is often 1,024, which is less than one connection to each agent of a large
// cluster. Returns the soft limit as it is then. Once, before threads exist; children inherit it.
int64_t RaiseOpenFilesLimit(int64_t wanted);

// The soft limit as it is now. Thread-safe.
int64_t OpenFilesLimit();

}  // namespace pmem
