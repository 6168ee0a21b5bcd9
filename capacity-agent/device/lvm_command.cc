// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/lvm_command.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "capacity-agent/core/own_groups.h"
#include "common/io/clock.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {

LvmCommand::LvmCommand(const std::string& command, ListGroupDevices group_devices)
    : command_(absl::StrSplit(command, ' ', absl::SkipEmpty())),
      group_devices_(std::move(group_devices)) {}

absl::StatusOr<CommandOptions> LvmCommand::Options(const std::vector<std::string>& arguments,
                                                   absl::Duration timeout) const {
  const absl::Time deadline = RealClock().SteadyNow() + timeout;
  PMEM_ASSIGN_OR_RETURN(const std::vector<std::string> devices, group_devices_());
  CommandOptions options = {.arguments = command_, .timeout = deadline - RealClock().SteadyNow()};
  if (options.timeout <= absl::ZeroDuration()) {
    return absl::DeadlineExceededError(absl::StrCat(
        "the kernel did not name its NVDIMM namespaces within ", absl::FormatDuration(timeout)));
  }
  const auto add = [&options](const std::vector<std::string>& more) {
    options.arguments.insert(options.arguments.end(), more.begin(), more.end());
  };
  add(arguments);
  options.name = absl::StrJoin(options.arguments, " ");  // What follows is the same in all.
  add(LvmConfigArguments(devices));
  return options;
}

}  // namespace pmem::agent
