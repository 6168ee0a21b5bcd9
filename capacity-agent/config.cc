// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/config.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/device_choice.h"
#include "capacity-agent/core/name_pattern.h"
#include "common/io/flags.h"
#include "common/io/log_flag.h"
#include "common/pure/capacity_report.h"

namespace pmem::agent {
namespace {

constexpr std::string_view kRealDevices = "real";

}  // namespace

absl::Status Validate(const AgentConfig& config) {
  if (config.node_name.empty()) return absl::InvalidArgumentError("--node-name is missing");
  if (static_cast<int64_t>(config.node_name.size()) > kReportNameBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("--node-name has ", config.node_name.size(),
                                                   " bytes, at most ", kReportNameBytesMax));
  }
  if (config.resync < kResyncMin) {
    return absl::InvalidArgumentError(absl::StrCat("--resync ", absl::FormatDuration(config.resync),
                                                   " is below ", absl::FormatDuration(kResyncMin)));
  }
  if (config.lvm_timeout > kLvmTimeoutMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("--lvm-timeout ", absl::FormatDuration(config.lvm_timeout), " is above ",
                     absl::FormatDuration(kLvmTimeoutMax)));
  }
  if (NamePatterns(config.volume_group_pattern).patterns().empty() &&
      NamePatterns(config.region_pattern).patterns().empty()) {
    return absl::InvalidArgumentError("--vg-pattern and --region-pattern are both empty");
  }
  return absl::OkStatus();
}

std::optional<int> ParseConfig(int argc, const char* const* argv, AgentConfig* config) {
  Flags flags({.name = "pmem-capacity-agent",
               .description = "Publishes what this node's persistent memory still holds.",
               .version = PMEM_VERSION,
               .env_prefix = "PMEM_AGENT"});
  flags.Text("--node-name", &config->node_name, "Name of this node in Kubernetes.", "NAME");
  flags.HostPort("--listen", &config->listen,
                 "Where to serve HTTP, on IPv4; port 0 takes a free one.");
  flags.Custom(
      "--devices", "real|simulated:FILE", std::string(kRealDevices),
      "The node's own devices, or those that a JSON file plays.",
      [config](const std::string& text) { return ParseDevices(text, &config->simulated_file); });
  flags.Duration("--resync", &config->resync,
                 "How often to read all devices when no change is noticed.");
  flags.Text("--vg-pattern", &config->volume_group_pattern,
             "VolumeGroups that are ours: names with * and ?, separated by commas.", "PATTERNS");
  flags.Text("--region-pattern", &config->region_pattern, "NVDIMM regions that are ours, likewise.",
             "PATTERNS");
  flags.Text("--lvm-command", &config->lvm_command,
             "The lvm program and words before its arguments; none on a node without LVM.",
             "COMMAND");
  flags.Duration("--lvm-timeout", &config->lvm_timeout,
                 "The longest that lvm may take, 45s at most.");
  AddLogLevelFlag(&flags, &config->log_level);
  if (const std::optional<int> code = flags.Parse(argc, argv)) return code;
  if (const absl::Status status = Validate(*config); !status.ok()) return flags.Reject(status);
  return std::nullopt;
}

}  // namespace pmem::agent
