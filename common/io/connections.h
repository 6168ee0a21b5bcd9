// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "absl/time/time.h"

namespace pmem {

// Shuts down the TCP connections (IPv4) that this process accepted on `port`, and waits at most
// `patience` until their owner has closed them all; connections accepted meanwhile are shut down
// too. Returns how many are left: those whose owner waits for something else than the peer. The
// owner must be alive. Thread-safe.
int ShutDownAccepted(int port, absl::Duration patience);

}  // namespace pmem
