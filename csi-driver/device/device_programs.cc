// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/device/device_programs.h"

#include <sys/wait.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {

absl::Status DevicePrograms::CheckNoneHangs(const std::string& device) {
  MutexLock lock(&mu_);
  std::erase_if(hung_,
                [](const auto& entry) { return waitpid(entry.second, nullptr, WNOHANG) != 0; });
  const auto found = hung_.find(device);
  if (found == hung_.end()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(device, ": process ", found->second, " of an earlier call still hangs"));
}

void DevicePrograms::LeaveBehind(const std::string& device, pid_t pid) {
  MutexLock lock(&mu_);
  hung_.emplace(device, pid);
}

absl::StatusOr<agent::CommandResult> DevicePrograms::Run(const std::string& device,
                                                         const agent::CommandOptions& options,
                                                         const std::vector<int>& good) {
  PMEM_RETURN_IF_ERROR(CheckNoneHangs(device));
  agent::CommandRunner runner;
  auto result = agent::RunToSuccess(&runner, options, good);
  if (runner.stuck_pid() != 0) LeaveBehind(device, runner.stuck_pid());
  return result;
}

}  // namespace pmem::driver
