// SPDX-License-Identifier: Apache-2.0
// Programs that work on a device: at once on different ones. One that hangs in the kernel and does
// not even die is left behind; until it is gone no other is started on its device, so that they do
// not pile up with the kubelet's retries.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "capacity-agent/device/command.h"
#include "common/io/mutex.h"

namespace pmem::driver {

// Thread-safe.
class DevicePrograms {
 public:
  // As agent::RunToSuccess. Unavailable while an earlier one hangs.
  absl::StatusOr<agent::CommandResult> Run(const std::string& device,
                                           const agent::CommandOptions& options,
                                           const std::vector<int>& good = {0})
      ABSL_LOCKS_EXCLUDED(mu_);
  // A child of this process that works on the device, to be reaped when it is gone.
  void LeaveBehind(const std::string& device, pid_t pid) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::Status CheckNoneHangs(const std::string& device) ABSL_LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  std::multimap<std::string, pid_t> hung_ ABSL_GUARDED_BY(mu_);  // By device.
};

}  // namespace pmem::driver
