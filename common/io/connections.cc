// SPDX-License-Identifier: Apache-2.0
#include "common/io/connections.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/time/clock.h"
#include "common/io/clock.h"

namespace pmem {
namespace {

// There is nothing to be woken by: the kernel does not tell when a descriptor is closed.
constexpr absl::Duration kLookAgainAfter = absl::Milliseconds(1);

bool IsListening(int fd) {
  int value = 0;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

bool IsAcceptedOn(int fd, int port) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         address.sin_family == AF_INET && ntohs(address.sin_port) == port && !IsListening(fd);
}

// How many there are. Another thread may close a descriptor at any moment and get the same number
// for another socket; the time between the look and the call is the shortest there can be.
int ShutDownOnce(int port) {
  int count = 0;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd < 0 || !IsAcceptedOn(fd, port)) continue;
    ::shutdown(fd, SHUT_RDWR);
    ++count;
  }
  return count;
}

}  // namespace

int ShutDownAccepted(int port, absl::Duration patience) {
  const RealClock clock;
  const absl::Time end = clock.SteadyNow() + patience;
  int left = ShutDownOnce(port);
  while (left > 0 && clock.SteadyNow() < end) {
    absl::SleepFor(kLookAgainAfter);
    left = ShutDownOnce(port);
  }
  return left;
}

}  // namespace pmem
