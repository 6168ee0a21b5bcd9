// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "common/io/periodic_task.h"

namespace pmem {

// Blocks SIGTERM and SIGINT in this thread and all it starts from now on, and ignores SIGPIPE.
// First thing in main, before any thread exists.
void BlockSignals();

// Waits on the calling thread for SIGTERM or SIGINT and returns which one came.
int WaitForSignal();

// From now on the process has so long to end in good order; then SIGALRM ends it, also the first
// process of a container, as exit code 142 (128 + SIGALRM). Whole seconds, at least one. A later
// call does not give it longer.
void EndWithin(int seconds);

// For a start that may hang: while it lives, a signal that WaitForSignal waits for sets EndWithin
// when it comes. The signal stays, for the WaitForSignal that follows. After BlockSignals.
class EndWithinOnSignal {
 public:
  explicit EndWithinOnSignal(int seconds);
  ~EndWithinOnSignal();
  EndWithinOnSignal(const EndWithinOnSignal&) = delete;
  EndWithinOnSignal& operator=(const EndWithinOnSignal&) = delete;

 private:
  void Watch(int seconds) const;

  const int signals_;  // Descriptors; readable when a signal came, and when this ends.
  const int end_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pmem
