// SPDX-License-Identifier: Apache-2.0
#include "common/io/connections.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/io/clock.h"
#include "common/io/files.h"
#include "common/io/open_files.h"

namespace pmem {
namespace {

// Of descriptor numbers that are asked for; a limit may be a thousand million.
constexpr int64_t kNumbersMax = int64_t{1} << 20;
constexpr int64_t kStatusBytesMax = int64_t{16} * 1024;

// There is nothing to be woken by: the kernel does not tell when a descriptor is closed.
constexpr absl::Duration kLookAgainAfter = absl::Milliseconds(1);

bool IsListening(int fd) {
  int value = 0;
  socklen_t size = sizeof(value);
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

// The port that a socket is on (IPv4); 0: none. Empty when the descriptor is not open.
std::optional<int> PortOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    if (errno == EBADF) return std::nullopt;
    return 0;
  }
  return address.sin_family == AF_INET ? ntohs(address.sin_port) : 0;
}

bool IsOn(int fd, int port) { return PortOf(fd) == port; }

bool IsAcceptedOn(int fd, int port) { return IsOn(fd, port) && !IsListening(fd); }

struct Descriptors {
  std::vector<int> accepted;
  std::vector<int> listening;
  int64_t others = 0;

  void Add(int fd, int port) {
    const std::optional<int> found = PortOf(fd);
    if (!found) return;
    const bool is_on = *found == port;
    if (is_on && !IsListening(fd)) return accepted.push_back(fd);
    ++others;
    if (is_on) listening.push_back(fd);
  }
};

// No descriptor of this process has that number, or a higher one: so many has the kernel room for,
// at most twice as many as there were at a time. Where there is no descriptor to ask it with, every
// number below the limit is in use.
int64_t NumbersEnd() {
  const absl::StatusOr<std::string> status = ReadFile("/proc/self/status", kStatusBytesMax);
  constexpr std::string_view kRoom = "\nFDSize:\t";
  const size_t found = status.ok() ? status->find(kRoom) : std::string::npos;
  int64_t end = OpenFilesLimit();
  if (found != std::string::npos) {
    const char* const digits = status->data() + found + kRoom.size();
    std::from_chars(digits, status->data() + status->size(), end);
  }
  return std::min(end, kNumbersMax);
}

// Asks for each number: one short call each. To list /proc/self/fd takes several times as long, for
// thousands of connections of our own to agents milliseconds.
Descriptors Look(int port) {
  Descriptors found;
  const int64_t end = NumbersEnd();
  for (int64_t fd = 0; fd < end; ++fd) found.Add(static_cast<int>(fd), port);
  return found;
}

// Its owner may have closed a descriptor since it was found, and its number may be another
// socket's.
bool ShutDown(int fd, int port) { return IsAcceptedOn(fd, port) && ::shutdown(fd, SHUT_RDWR) == 0; }

int ShutDownOnce(int port) {
  int count = 0;
  for (const int fd : Look(port).accepted) count += ShutDown(fd, port) ? 1 : 0;
  return count;
}

struct Connection {
  bool is_over_idle = false;
  bool has_received = false;
  absl::Duration idle;
  int fd = -1;

  // The first of several is the first to go.
  friend bool operator<(const Connection& a, const Connection& b) {
    return std::tie(b.is_over_idle, a.has_received, b.idle) <
           std::tie(a.is_over_idle, b.has_received, a.idle);
  }
};

// Empty when the descriptor is no connection any more.
std::optional<tcp_info> TcpInfo(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return info;
}

std::optional<Connection> LookAt(int fd, absl::Duration idle_max) {
  const std::optional<tcp_info> info = TcpInfo(fd);
  if (!info.has_value()) return std::nullopt;
  // A connection's times run from its beginning when nothing was sent or received yet.
  const absl::Duration idle =
      absl::Milliseconds(std::min(info->tcpi_last_data_recv, info->tcpi_last_data_sent));
  return Connection{.is_over_idle = idle > idle_max,
                    .has_received = info->tcpi_bytes_received > 0,
                    .idle = idle,
                    .fd = fd};
}

// How far one connection has come, in bytes since it began.
std::optional<SentStream> StreamOf(int fd) {
  const std::optional<tcp_info> info = TcpInfo(fd);
  // After tcp_info, which counts what is on its way in segments: what was taken in between is then
  // in neither, so that nobody has to catch up with more than there was.
  int left = 0;
  if (!info || ::ioctl(fd, SIOCOUTQ, &left) != 0) return std::nullopt;
  const uint64_t taken = info->tcpi_bytes_acked;
  return SentStream{.taken = taken, .written = taken + static_cast<uint64_t>(left)};
}

// What the owner has taken of what has come, since it began. Never more than that.
std::optional<int64_t> ReadBytes(int fd) {
  const std::optional<tcp_info> info = TcpInfo(fd);
  int left = 0;
  if (!info || ::ioctl(fd, SIOCINQ, &left) != 0) return std::nullopt;
  return static_cast<int64_t>(info->tcpi_bytes_received) - left;
}

// Of these, the longest first, those that may be the bodies that are held go to the end.
void PutLast(const RequestLimits& limits, std::vector<std::pair<int64_t, int>>* open) {
  std::vector<std::pair<int64_t, int>> last;
  int64_t left = limits.held_bytes;
  std::erase_if(*open, [&](const std::pair<int64_t, int>& each) {
    if (each.first > std::min(left, limits.one_bytes_max)) return false;
    left -= each.first;
    last.push_back(each);
    return true;
  });
  open->insert(open->end(), last.begin(), last.end());
}

bool HasCaughtUp(const SentStream& then, const SentStream& stream) {
  return stream.taken >= then.written &&
         stream.written - stream.taken <= static_cast<uint64_t>(SlowReaders::kOnItsWayMax);
}

bool IsSlow(const SentStream& then, const SentStream& stream, absl::Duration age) {
  return static_cast<double>(stream.taken - then.taken) <
         SlowReaders::kTakenPerSecondMin * absl::ToDoubleSeconds(age);
}

}  // namespace

bool StopAccepting(int port, absl::Duration patience) {
  sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);  // Of each packet nothing is let through.
  const sock_fprog program{.len = 1, .filter = &none};
  const std::vector<int> listening = Look(port).listening;
  for (const int fd : listening) {
    ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
  }
  // Of a listening socket tcpi_unacked are those that are to be accepted (tcp_get_info).
  const auto is_empty = [port](int fd) {
    const std::optional<tcp_info> info = TcpInfo(fd);
    return !info || !IsOn(fd, port) || info->tcpi_unacked == 0;
  };
  const RealClock clock;
  const absl::Time end = clock.SteadyNow() + patience;
  while (!std::all_of(listening.begin(), listening.end(), is_empty)) {
    if (clock.SteadyNow() >= end) return false;
    absl::SleepFor(kLookAgainAfter);
  }
  return true;
}

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

int ShutDownExcess(int port, const ConnectionLimits& limits) {
  std::vector<Connection> connections;
  const Descriptors open = Look(port);
  for (const int fd : open.accepted) {
    if (const std::optional<Connection> found = LookAt(fd, limits.idle_max)) {
      connections.push_back(*found);
    }
  }
  std::sort(connections.begin(), connections.end());
  const int64_t room =
      std::max(OpenFilesLimit() - open.others - kSpareDescriptors, kConnectionsAlways);
  int64_t too_many = std::ssize(connections) - std::min<int64_t>(limits.count_max, room);
  int count = 0;
  for (const Connection& connection : connections) {
    if (too_many-- <= 0 && !connection.is_over_idle) break;
    count += ShutDown(connection.fd, port) ? 1 : 0;
  }
  return count;
}

int SlowReaders::ShutDown(int port, absl::Time now, absl::Duration patience) {
  std::map<uint64_t, Sending> sending;
  int count = 0;
  for (const int fd : Look(port).accepted) {
    const std::optional<SentStream> stream = StreamOf(fd);
    const uint64_t cookie = SocketCookie(fd);
    if (!stream || cookie == 0 || stream->taken == stream->written) continue;
    Sending& seen = sending[cookie] = {.since = now, .then = *stream};
    const auto before = sending_.find(cookie);
    if (before == sending_.end() || HasCaughtUp(before->second.then, *stream)) continue;
    const absl::Duration age = now - before->second.since;
    if (age < patience) {
      seen = before->second;
    } else if (IsSlow(before->second.then, *stream, age)) {
      count += pmem::ShutDown(fd, port) ? 1 : 0;
    }
  }
  sending_ = std::move(sending);
  return count;
}

int LongRequests::ShutDown(int port, const RequestLimits& limits) {
  std::map<uint64_t, Answered> answered;
  std::vector<std::pair<int64_t, int>> open;  // Bytes, and whose.
  int64_t all_bytes = 0;
  for (const int fd : Look(port).accepted) {
    const std::optional<SentStream> stream = StreamOf(fd);
    const std::optional<int64_t> read = ReadBytes(fd);  // After it: nothing answered counts.
    const uint64_t cookie = SocketCookie(fd);
    if (!read || !stream || cookie == 0) continue;
    const auto before = answered_.find(cookie);
    Answered& now = answered[cookie] = before == answered_.end() ? Answered() : before->second;
    // It may be told to be less than it is (StreamOf): that is no answer.
    if (stream->written > now.written) {
      now = {.written = stream->written, .read = *read};
    }
    open.emplace_back(*read - now.read, fd);
    all_bytes += open.back().first;
  }
  answered_ = std::move(answered);
  std::sort(open.rbegin(), open.rend());
  PutLast(limits, &open);
  int count = 0;
  for (const auto& [bytes, fd] : open) {
    if (bytes <= limits.one_bytes_max && all_bytes <= limits.all_bytes_max) break;
    all_bytes -= bytes;
    count += pmem::ShutDown(fd, port) ? 1 : 0;
  }
  return count;
}

uint64_t SocketCookie(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

DescriptorsLeft GetDescriptorsLeft() {
  // New ones get the lowest number that is free.
  const int fd = ::eventfd(0, EFD_CLOEXEC);
  if (fd < 0) return DescriptorsLeft::kShort;
  ::close(fd);
  const int64_t left = OpenFilesLimit() - fd;
  if (left <= kSpareDescriptors / 2) return DescriptorsLeft::kShort;
  return left <= kFewDescriptors ? DescriptorsLeft::kFew : DescriptorsLeft::kEnough;
}

}  // namespace pmem
