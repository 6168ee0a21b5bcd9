// SPDX-License-Identifier: Apache-2.0
// The server as its callers find it: over its socket, with a connection made for one call.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace pmem::driver {

// Whether whoever serves that socket answers a call of CSI that looks at no device. That it has no
// thread to spare, for all are busy, is an answer too. Thread-safe.
bool IsAnswering(const std::string& socket_path, absl::Duration patience);

}  // namespace pmem::driver
