// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/lvm_reader.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "capacity-agent/core/lvm_parse.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

// stderr as one line.
std::string OneLine(std::string messages) {
  absl::StripAsciiWhitespace(&messages);
  return absl::StrReplaceAll(messages, {{"\n", "; "}});
}

}  // namespace

LvmReader::LvmReader(const std::string& command, absl::Duration timeout,
                     ListGroupDevices group_devices)
    : command_(command, std::move(group_devices)), timeout_(timeout) {}

absl::StatusOr<DeviceState> LvmReader::Read() {
  PMEM_ASSIGN_OR_RETURN(CommandOptions options, command_.Options(LvmReportArguments(), timeout_));
  options.output_bytes_max = kLvmOutputBytesMax;
  PMEM_ASSIGN_OR_RETURN(const CommandResult result, runner_.Run(options));
  if (result.exit_status != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("exit status ", result.exit_status, ": ", OneLine(result.messages)));
  }
  DeviceState devices;
  PMEM_ASSIGN_OR_RETURN(devices.volume_groups, ParseLvmReport(result.output));
  return devices;
}

}  // namespace pmem::agent
