// SPDX-License-Identifier: Apache-2.0
// What the driver is told at its start: flags or environment variables, checked.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "capacity-agent/device/erase.h"
#include "common/io/log.h"
#include "csi-driver/core/node_kind.h"
#include "csi-driver/kube_object.h"

namespace pmem::driver {

struct DriverConfig {
  std::string node_name;
  std::string socket_path = "/csi/csi.sock";
  std::string listen;  // Of /metrics, /livez and /readyz. Empty: they are not served.
  // Empty: the real devices. Else the file that plays them.
  std::string simulated_file;
  std::string volume_group_pattern = "pmemvgregion*";
  std::string region_pattern = "*";
  std::string lvm_command = "lvm";  // agent::kNoLvm or empty: the node has no LVM.
  absl::Duration command_timeout = absl::Seconds(60);
  agent::Erasure erasure = agent::Erasure::kAll;
  mode_t socket_mode = 0600;
  std::string file_system = "ext4";  // Of a claim that names none.
  KubeAccess kube;                   // For what is asked of volumes on other nodes.
  LogLevel log_level = LogLevel::kInfo;
};

// `pmem-csi-driver init`: makes the regions ready, once.
struct InitConfig {
  InitKind kind = InitKind::kNone;
  bool is_by_label = false;  // The kind is read from the node's label; `settings_file` adds to it.
  std::string node_name;
  std::string settings_file;  // As SettingsOfNode reads it. Empty: none.
  KubeAccess kube;
  bool accepts_refusals = false;
  bool accepts_failures = false;  // Of devices, not of what says the kind.
  int64_t lvm_percent = 0;        // Of kind both.
  bool initializes_labels = false;
  bool is_dry = false;
  std::string region_pattern = "*";
  std::string lvm_command = "lvm";
  absl::Duration command_timeout = absl::Seconds(60);
};

// The kubelet labels the node with it, and does not register a driver whose label is refused.
inline constexpr int kNodeNameBytesMax = 63;

// InvalidArgument for values that cannot work, naming the flag. Pure.
absl::Status Validate(const DriverConfig& config);
absl::Status Validate(const InitConfig& config);

// "unix:/path" or "unix:///path" into *socket_path.
absl::Status ParseEndpoint(const std::string& text, std::string* socket_path);

// Nothing: run with *config. A number: end with it; what there was to say is said.
std::optional<int> ParseConfig(int argc, const char* const* argv, DriverConfig* config);
std::optional<int> ParseInitConfig(int argc, const char* const* argv, InitConfig* config);

}  // namespace pmem::driver
