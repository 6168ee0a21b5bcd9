// SPDX-License-Identifier: Apache-2.0
#include "common/io/receive_limits.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>
#include <vector>

#include "common/io/clock.h"
#include "common/io/connections.h"
#include "common/io/log.h"

namespace pmem {
namespace {

constexpr std::string_view kComponent = "http_client";

std::optional<uint64_t> ReceivedBytes(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return info.tcpi_bytes_received;
}

}  // namespace

std::shared_ptr<ReceiveLimits> ReceiveLimits::Shared() {
  static Mutex mu;
  static std::weak_ptr<ReceiveLimits> shared;
  MutexLock lock(&mu);
  std::shared_ptr<ReceiveLimits> limits = shared.lock();
  if (limits != nullptr) return limits;
  limits = std::make_shared<ReceiveLimits>();
  const WorkPacedTask::Pace pace{.busy = kReceivePeriod, .idle = kReceiveIdlePeriod};
  limits->task_.emplace("http-answers", pace, [raw = limits.get()] {
    raw->Tick();
    return false;
  });
  limits->task_->Start();
  shared = limits;
  return limits;
}

void ReceiveLimits::Expect(int fd, int64_t body_bytes_max) {
  const uint64_t cookie = SocketCookie(fd);
  const std::optional<uint64_t> received = ReceivedBytes(fd);
  const bool is_limited = body_bytes_max < kNone / 2 && cookie != 0 && received.has_value();
  MutexLock lock(&mu_);
  if (!is_limited) {
    limits_.erase(fd);
    return;
  }
  const auto allowed = static_cast<uint64_t>(MessageBytesMax(body_bytes_max));
  limits_[fd] = {.cookie = cookie, .received_max = *received + allowed};
}

int ReceiveLimits::Look() {
  std::vector<std::pair<int, Limit>> limits;
  {
    MutexLock lock(&mu_);
    limits.assign(limits_.begin(), limits_.end());
  }
  std::vector<std::pair<int, Limit>> over;
  for (const auto& [fd, limit] : limits) {
    const std::optional<uint64_t> received = ReceivedBytes(fd);
    if (!received.has_value() || *received > limit.received_max) over.emplace_back(fd, limit);
  }
  int count = 0;
  for (const auto& [fd, limit] : over) {
    MutexLock lock(&mu_);
    const auto found = limits_.find(fd);
    if (found == limits_.end() || found->second.received_max != limit.received_max) continue;
    limits_.erase(found);
    if (SocketCookie(fd) == limit.cookie && ::shutdown(fd, SHUT_RDWR) == 0) ++count;
  }
  return count;
}

void ReceiveLimits::Tick() {
  if (!growth_.IsLookDue(RealClock().SteadyNow())) return;
  const int count = Look();
  if (count == 0) return;
  LogWarning(kComponent, "answers beyond their limits were cut off", {{"count", count}});
}

}  // namespace pmem
