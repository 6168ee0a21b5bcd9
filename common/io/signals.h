// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pmem {

// Blocks SIGTERM and SIGINT in this thread and all it starts from now on, and ignores SIGPIPE.
// First thing in main, before any thread exists.
void BlockSignals();

// Waits on the calling thread for SIGTERM or SIGINT and returns which one came.
int WaitForSignal();

// From now on the process has so long to end in good order; then the kernel ends it (SIGALRM).
// Whole seconds, at least one.
void EndWithin(int seconds);

}  // namespace pmem
