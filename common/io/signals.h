// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pmem {

// Blocks SIGTERM and SIGINT in this thread and all it starts from now on, and ignores SIGPIPE.
// First thing in main, before any thread exists.
void BlockSignals();

// Waits on the calling thread for SIGTERM or SIGINT and returns which one came.
int WaitForSignal();

}  // namespace pmem
