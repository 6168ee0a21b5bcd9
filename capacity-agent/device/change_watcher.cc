// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/change_watcher.h"

#include <linux/netlink.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/uevent.h"
#include "capacity-agent/device/errno_status.h"
#include "common/io/clock.h"

namespace pmem::agent {
namespace {

constexpr std::string_view kDeviceNamePrefix = "pmem";
// In a ConfigMap's directory every file is a link through this one, which the kubelet swaps.
constexpr std::string_view kConfigMapLink = "..data";
// Multicast group of the kernel's own events. Group 2 is udev's and stays in its network namespace.
constexpr uint32_t kKernelGroup = 1;
constexpr int64_t kPollMillisecondsMax = 3600000;
// LVM and ndctl make some ten events per operation, of below 1 KiB each.
constexpr int kSocketBufferBytes = 1024 * 1024;

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(duration) + 1, 0, kPollMillisecondsMax));
}

}  // namespace

ChangeWatcher::ChangeWatcher(Options options, std::function<void()> on_change)
    : options_(std::move(options)), on_change_(std::move(on_change)) {}

ChangeWatcher::~ChangeWatcher() { Stop(); }

absl::Status ChangeWatcher::OpenKernelEvents() {
  FileDescriptor socket_fd(
      socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  if (!socket_fd.is_open()) return ErrnoStatus(errno, "device events");
  setsockopt(socket_fd.get(), SOL_SOCKET, SO_RCVBUF, &kSocketBufferBytes,
             sizeof(kSocketBufferBytes));
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kKernelGroup;
  if (bind(socket_fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    return ErrnoStatus(errno, "device events");
  }
  kernel_ = std::move(socket_fd);
  return absl::OkStatus();
}

absl::Status ChangeWatcher::WatchDirectory(const std::string& directory, uint32_t events,
                                           int* watch) {
  if (!inotify_.is_open()) inotify_ = FileDescriptor(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  *watch = inotify_add_watch(inotify_.get(), directory.c_str(), events);
  return *watch < 0 ? ErrnoStatus(errno, directory) : absl::OkStatus();
}

// A watch goes away with its device.
void ChangeWatcher::WatchDevice(const std::string& name) {
  const std::string path = absl::StrCat(options_.device_directory, "/", name);
  inotify_add_watch(inotify_.get(), path.c_str(), IN_CLOSE_WRITE);
}

void ChangeWatcher::WatchDevices() {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(options_.device_directory, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kDeviceNamePrefix)) WatchDevice(name);
  }
}

std::vector<absl::Status> ChangeWatcher::Start() {
  std::vector<absl::Status> problems;
  const auto note = [&problems](absl::Status status) {
    if (!status.ok()) problems.push_back(std::move(status));
  };
  if (options_.watches_kernel) note(OpenKernelEvents());
  if (!options_.device_directory.empty()) {
    note(WatchDirectory(options_.device_directory, IN_CREATE, &device_directory_watch_));
    WatchDevices();
  }
  if (!options_.file.empty()) {
    const std::filesystem::path path(options_.file);
    file_name_ = path.filename().string();
    const std::string directory = path.parent_path().empty() ? "." : path.parent_path().string();
    note(WatchDirectory(directory, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE,
                        &file_directory_watch_));
  }
  stop_ = FileDescriptor(eventfd(0, EFD_CLOEXEC));
  if (!stop_.is_open()) {
    note(ErrnoStatus(errno, "eventfd"));
    return problems;
  }
  thread_ = std::make_unique<Thread>("change-watcher", [this] { Run(); });
  return problems;
}

void ChangeWatcher::Stop() {
  if (thread_ == nullptr) return;
  eventfd_write(stop_.get(), 1);
  thread_.reset();
}

void ChangeWatcher::Run() {
  while (Gather()) on_change_();
}

// Waits for a change and until it is quiet after it. False: to be stopped.
bool ChangeWatcher::Gather() {
  const RealClock clock;
  absl::Time deadline = absl::InfiniteFuture();
  std::array<pollfd, 3> files = {pollfd{stop_.get(), POLLIN, 0}, pollfd{kernel_.get(), POLLIN, 0},
                                 pollfd{inotify_.get(), POLLIN, 0}};
  while (true) {
    const bool has_changed = deadline != absl::InfiniteFuture();
    const absl::Duration left = std::min(options_.quiet, deadline - clock.SteadyNow());
    if (has_changed && left <= absl::ZeroDuration()) return true;
    const int ready = poll(files.data(), files.size(), has_changed ? Milliseconds(left) : -1);
    if (ready == 0) return true;
    if ((files[0].revents & POLLIN) != 0) return false;
    // Both are read: neither may be left full.
    const bool kernel_changed = ReadKernelEvents();
    const bool file_changed = ReadFileEvents();
    if ((kernel_changed || file_changed) && !has_changed) {
      deadline = clock.SteadyNow() + options_.wait_max;
    }
  }
}

bool ChangeWatcher::ReadKernelEvents() {
  if (!kernel_.is_open()) return false;
  bool has_changed = false;
  std::array<char, 8192> buffer = {};
  while (true) {
    const ssize_t size = recv(kernel_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
      has_changed |= IsDeviceChange({buffer.data(), static_cast<size_t>(size)});
    } else if (size < 0 && errno == ENOBUFS) {
      // Events were lost: any of them may have been ours.
      has_changed = true;
    } else if (size == 0 || errno != EINTR) {
      return has_changed;
    }
  }
}

bool ChangeWatcher::IsFileChange(int watch, uint32_t events, std::string_view name) {
  if ((events & IN_Q_OVERFLOW) != 0) return true;
  if (watch == file_directory_watch_) return name == file_name_ || name == kConfigMapLink;
  if (watch != device_directory_watch_) return (events & IN_CLOSE_WRITE) != 0;
  if (name.starts_with(kDeviceNamePrefix)) WatchDevice(std::string(name));
  return name.starts_with(kDeviceNamePrefix);
}

bool ChangeWatcher::ReadFileEvents() {
  if (!inotify_.is_open()) return false;
  bool has_changed = false;
  alignas(inotify_event) std::array<char, 8192> buffer = {};
  while (true) {
    const ssize_t size = read(inotify_.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return has_changed;
    for (ssize_t at = 0; at < size;) {
      inotify_event event = {};
      std::memcpy(&event, buffer.data() + at, sizeof(event));
      const char* const name = buffer.data() + at + sizeof(event);
      has_changed |= IsFileChange(event.wd, event.mask, event.len > 0 ? name : "");
      at += static_cast<ssize_t>(sizeof(event) + event.len);
    }
  }
}

}  // namespace pmem::agent
