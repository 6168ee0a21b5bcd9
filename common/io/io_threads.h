// SPDX-License-Identifier: Apache-2.0
// The threads of cpprestsdk's pool; http_server.h has how their number is set.
#pragma once

#include "absl/time/time.h"

namespace pmem {

// Returns once every thread of the pool was seen between two tasks: what any of them was in the
// middle of before is done. At most `patience`; false: one of them was not. Thread-safe; not from
// a thread of the pool.
bool MeetIoThreads(absl::Duration patience);

}  // namespace pmem
