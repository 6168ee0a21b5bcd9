// SPDX-License-Identifier: Apache-2.0
#include "common/io/receive_limits.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/io/connections.h"
#include "common/io/files.h"
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

// The second number of /proc/self/statm, in pages. What cannot be read counts as endless growth.
int64_t ResidentBytes() {
  constexpr int64_t kStatmBytesMax = 4096;
  const absl::StatusOr<std::string> text = ReadFile("/proc/self/statm", kStatmBytesMax);
  if (!text.ok()) return INT64_MAX;
  const std::vector<std::string> fields = absl::StrSplit(*text, ' ');
  int64_t pages = 0;
  if (fields.size() < 2 || !absl::SimpleAtoi(fields[1], &pages)) return INT64_MAX;
  return pages * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

std::shared_ptr<ReceiveLimits> ReceiveLimits::Shared() {
  static Mutex mu;
  static std::weak_ptr<ReceiveLimits> shared;
  MutexLock lock(&mu);
  std::shared_ptr<ReceiveLimits> limits = shared.lock();
  if (limits != nullptr) return limits;
  limits = std::make_shared<ReceiveLimits>();
  limits->task_.emplace("http-answers", kReceivePeriod, [raw = limits.get()] { raw->Tick(); });
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
  const int64_t allowed =
      body_bytes_max + body_bytes_max / kAnswerFramingShare + kAnswerHeaderBytesMax;
  limits_[fd] = {.cookie = cookie, .received_max = *received + static_cast<uint64_t>(allowed)};
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
  const int64_t resident = ResidentBytes();
  least_bytes_ = std::min(least_bytes_, resident);
  if (++periods_ < kReceivePeriodsMax && resident - least_bytes_ < kReceiveStepBytes) return;
  periods_ = 0;
  least_bytes_ = resident;
  const int count = Look();
  if (count == 0) return;
  LogWarning(kComponent, "answers beyond their limits were cut off", {{"count", count}});
}

}  // namespace pmem
