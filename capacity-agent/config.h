// SPDX-License-Identifier: Apache-2.0
// What the agent is told at its start: flags or environment variables, checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/io/log.h"

namespace pmem::agent {

struct AgentConfig {
  std::string node_name;
  std::string listen = "0.0.0.0:9110";
  // Empty: the real devices. Else the file that plays them.
  std::string simulated_file;
  absl::Duration resync = absl::Seconds(60);
  std::string volume_group_pattern = "pmemvgregion*";
  std::string region_pattern = "*";
  std::string lvm_command = "lvm";  // kNoLvm or empty: the node has no LVM.
  absl::Duration lvm_timeout = absl::Seconds(10);
  LogLevel log_level = LogLevel::kInfo;
};

inline constexpr absl::Duration kResyncMin = absl::Seconds(1);
// A reading that waits so long for LVM must not look like one that hangs (kTickAgeMax in
// http_api.h).
inline constexpr absl::Duration kLvmTimeoutMax = absl::Seconds(45);

// InvalidArgument for values that cannot work, naming the flag. Pure.
absl::Status Validate(const AgentConfig& config);

// Nothing: run with *config. A number: end with it; what there was to say is said.
std::optional<int> ParseConfig(int argc, const char* const* argv, AgentConfig* config);

}  // namespace pmem::agent
