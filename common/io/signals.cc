// SPDX-License-Identifier: Apache-2.0
#include "common/io/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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

// As the signal does by itself, but for the first process of a container, to which the kernel does
// not deliver what it has no handler for. Not _exit(), for which TSan looks at all threads.
void EndNow(int signal) { ::syscall(SYS_exit_group, 128 + signal); }

void EndWithin(int seconds) {
  PMEM_CHECK(std::signal(SIGALRM, &EndNow) != SIG_ERR);
  const auto wanted = static_cast<unsigned>(std::max(1, seconds));
  const unsigned before = ::alarm(wanted);
  if (before != 0 && before < wanted) ::alarm(before);
}

EndWithinOnSignal::EndWithinOnSignal(int seconds)
    : signals_([] {
        const sigset_t set = EndSignals();
        return ::signalfd(-1, &set, SFD_CLOEXEC);
      }()),
      end_(::eventfd(0, EFD_CLOEXEC)) {
  PMEM_CHECK(signals_ >= 0 && end_ >= 0);
  thread_ = std::make_unique<Thread>("start-watch", [this, seconds] { Watch(seconds); });
}

EndWithinOnSignal::~EndWithinOnSignal() {
  PMEM_CHECK(::eventfd_write(end_, 1) == 0);
  thread_.reset();
  ::close(end_);
  ::close(signals_);
}

void EndWithinOnSignal::Watch(int seconds) const {
  std::array<pollfd, 2> files = {pollfd{signals_, POLLIN, 0}, pollfd{end_, POLLIN, 0}};
  while (::poll(files.data(), files.size(), -1) < 0) PMEM_CHECK(errno == EINTR);
  // Not read: who reads a signal takes it away.
  if ((files[0].revents & POLLIN) != 0) EndWithin(seconds);
}

}  // namespace pmem
