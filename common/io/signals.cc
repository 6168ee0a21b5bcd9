// SPDX-License-Identifier: Apache-2.0
#include "common/io/signals.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "common/pure/check.h"

namespace pmem {
namespace {

sigset_t EndSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = EndSignals();
  PMEM_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  PMEM_CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

int WaitForSignal() {
  const sigset_t set = EndSignals();
  int signal = 0;
  PMEM_CHECK(sigwait(&set, &signal) == 0);
  return signal;
}

void EndWithin(int seconds) { ::alarm(static_cast<unsigned>(std::max(1, seconds))); }

}  // namespace pmem
