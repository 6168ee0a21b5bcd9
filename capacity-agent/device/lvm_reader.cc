// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/lvm_reader.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
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

LvmReader::LvmReader(const std::string& command, absl::Duration timeout) {
  options_.arguments = absl::StrSplit(command, ' ', absl::SkipEmpty());
  for (std::string& argument : LvmReportArguments()) {
    options_.arguments.push_back(std::move(argument));
  }
  options_.timeout = timeout;
  options_.output_bytes_max = kLvmOutputBytesMax;
}

absl::StatusOr<DeviceState> LvmReader::Read() {
  PMEM_ASSIGN_OR_RETURN(const CommandResult result, runner_.Run(options_));
  if (result.exit_status != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("exit status ", result.exit_status, ": ", OneLine(result.messages)));
  }
  DeviceState devices;
  PMEM_ASSIGN_OR_RETURN(devices.volume_groups, ParseLvmReport(result.output));
  return devices;
}

}  // namespace pmem::agent
