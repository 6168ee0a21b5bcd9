// SPDX-License-Identifier: Apache-2.0
// Tells at once when devices may have changed, so that nobody has to poll for it:
//   - the kernel's device events (netlink), for regions, namespaces and LogicalVolumes;
//   - inotify on the pmem devices in /dev: LVM closes them after it wrote metadata, also when no
//     udev runs that would make an event of it;
//   - inotify on the file of simulated devices, also when another file is renamed over it, and when
//     it comes from a ConfigMap (devices.json -> ..data/devices.json) and the kubelet swaps ..data.
// A hint only: events may be lost or missing (a container's own /dev), and a re-read from time to
// time is the backstop. One operation makes several events: they are gathered until it is quiet.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "capacity-agent/device/file_descriptor.h"
#include "common/io/periodic_task.h"

namespace pmem::agent {

class ChangeWatcher {
 public:
  struct Options {
    bool watches_kernel = false;
    std::string device_directory;                   // "/dev"; empty: none.
    std::string file;                               // Of simulated devices; empty: none.
    absl::Duration quiet = absl::Milliseconds(50);  // After the last event.
    absl::Duration wait_max = absl::Seconds(1);     // After the first one.
  };

  // `on_change` runs on the watcher's thread, never twice at once.
  ChangeWatcher(Options options, std::function<void()> on_change);
  ~ChangeWatcher();  // Stops.

  // Once. What cannot be watched is told (ErrnoStatus), and the rest is watched all the same.
  std::vector<absl::Status> Start();
  void Stop();

 private:
  absl::Status OpenKernelEvents();
  absl::Status WatchDirectory(const std::string& directory, uint32_t events, int* watch);
  void WatchDevice(const std::string& name);
  void WatchDevices();
  void Run();
  bool Gather();
  bool ReadKernelEvents();
  bool ReadFileEvents();
  bool IsFileChange(int watch, uint32_t events, std::string_view name);

  const Options options_;
  const std::function<void()> on_change_;
  FileDescriptor kernel_;
  FileDescriptor inotify_;
  FileDescriptor stop_;
  int device_directory_watch_ = -1;
  int file_directory_watch_ = -1;
  std::string file_name_;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pmem::agent
