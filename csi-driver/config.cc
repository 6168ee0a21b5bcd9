// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/config.h"

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/device_choice.h"
#include "common/io/flags.h"
#include "common/io/log_flag.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "csi-driver/grpc/call.h"
#include "csi-driver/grpc/server.h"

namespace pmem::driver {
namespace {

constexpr std::string_view kSchemes[] = {"unix://", "unix:"};

void AddKubeFlags(Flags* flags, KubeAccess* access) {
  flags->Text("--api-server", &access->server,
              "URL of the API server; none: as a pod's environment says.", "URL");
  flags->Text("--credentials", &access->credentials_directory,
              "Directory with the files token and ca.crt for it.", "DIRECTORY");
}

}  // namespace

absl::Status ParseEndpoint(const std::string& text, std::string* socket_path) {
  for (const std::string_view scheme : kSchemes) {
    if (!text.starts_with(scheme)) continue;
    *socket_path = text.substr(scheme.size());
    if (!socket_path->starts_with('/')) break;
    if (static_cast<int>(socket_path->size()) <= kSocketPathBytesMax) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("has a path of ", socket_path->size(),
                                                   " bytes, at most ", kSocketPathBytesMax));
  }
  return absl::InvalidArgumentError("is not unix:/absolute/path");
}

absl::Status Validate(const DriverConfig& config) {
  if (config.node_name.empty()) return absl::InvalidArgumentError("--node-name is missing");
  if (static_cast<int>(config.node_name.size()) > kNodeNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("--node-name has ", config.node_name.size(), " bytes; as the value of label ",
                     AbslView(kTopologyNodeKey), " it may have ", kNodeNameBytesMax));
  }
  if (config.command_timeout < absl::Seconds(1)) {
    return absl::InvalidArgumentError("--command-timeout is below 1s");
  }
  return absl::OkStatus();
}

std::optional<int> ParseConfig(int argc, const char* const* argv, DriverConfig* config) {
  Flags flags({.name = "pmem-csi-driver",
               .description =
                   "Makes, mounts and removes volumes of this node's persistent memory.\n"
                   "`pmem-csi-driver init` makes its NVDIMM regions ready, once; see "
                   "`pmem-csi-driver init --help`.",
               .version = PMEM_VERSION,
               .env_prefix = "PMEM_CSI"});
  flags.Text("--node-name", &config->node_name, "Name of this node in Kubernetes.", "NAME");
  flags.Custom(
      "--endpoint", "unix:/PATH", absl::StrCat("unix:", config->socket_path),
      "The socket to serve CSI and the kubelet's plugin registration on.",
      [config](const std::string& text) { return ParseEndpoint(text, &config->socket_path); });
  flags.HostPort("--listen", &config->listen,
                 "Where to serve /metrics, /livez and /readyz, on IPv4; port 0 takes a free one.");
  flags.Enum<mode_t>("--socket-mode", &config->socket_mode, {{"0600", 0600}, {"0660", 0660}},
                     "Permissions of the socket.");
  flags.Custom("--devices", "real|simulated:FILE", "real",
               "The node's own devices, or those that a JSON file plays.",
               [config](const std::string& text) {
                 return agent::ParseDevices(text, &config->simulated_file);
               });
  flags.Text("--vg-pattern", &config->volume_group_pattern,
             "VolumeGroups that are ours: names with * and ?, separated by commas.", "PATTERNS");
  flags.Text("--region-pattern", &config->region_pattern, "NVDIMM regions that are ours, likewise.",
             "PATTERNS");
  flags.Enum<agent::Erasure>("--erase", &config->erasure,
                             {{"all", agent::Erasure::kAll},
                              {"signatures", agent::Erasure::kSignatures},
                              {"none", agent::Erasure::kNone}},
                             "What of a deleted volume is overwritten before its room is free.");
  flags.Enum<std::string>("--file-system", &config->file_system, {{"ext4", "ext4"}, {"xfs", "xfs"}},
                          "The file system of a claim that names none.");
  flags.Text("--lvm-command", &config->lvm_command,
             "The lvm program and words before its arguments; none on a node without LVM.",
             "COMMAND");
  flags.Duration(
      "--command-timeout", &config->command_timeout,
      "The longest that one command (lvm, blkid) may take to read; to write (lvm, mkfs) it "
      "gets five times as long.");
  AddKubeFlags(&flags, &config->kube);
  AddLogLevelFlag(&flags, &config->log_level);
  if (const std::optional<int> code = flags.Parse(argc, argv)) return code;
  if (const absl::Status status = Validate(*config); !status.ok()) return flags.Reject(status);
  return std::nullopt;
}

absl::Status Validate(const InitConfig& config) {
  if (config.is_by_label) {
    if (config.node_name.empty()) return absl::InvalidArgumentError("--node-name is missing");
    if (config.kind == InitKind::kNone && config.lvm_percent == 0) return absl::OkStatus();
    return absl::InvalidArgumentError("--kind and --lvm-percent contradict --from-node-label");
  }
  if (!config.settings_file.empty()) {
    return absl::InvalidArgumentError("--config is for --from-node-label");
  }
  const bool is_split = config.kind == InitKind::kBoth;
  if (is_split == (config.lvm_percent >= 1 && config.lvm_percent <= 99)) return absl::OkStatus();
  return absl::InvalidArgumentError(is_split ? "--kind both needs --lvm-percent from 1 to 99"
                                             : "--lvm-percent is for --kind both");
}

namespace {

void AddLabelFlags(Flags* flags, InitConfig* config) {
  flags->Bool("--from-node-label", &config->is_by_label,
              "Read the kind from the label of this node's object in Kubernetes.");
  flags->Text("--node-name", &config->node_name, "With --from-node-label: this node.", "NAME");
  flags->Text("--config", &config->settings_file,
              "With --from-node-label: JSON with what is special about nodes, as "
              R"({"initialize_labels":false,"nodes":{"NAME":{"lvm_percent":50}}}.)",
              "FILE");
  AddKubeFlags(flags, &config->kube);
  flags->Bool("--accept-refusals", &config->accepts_refusals,
              "End with exit status 0 also when regions were left alone.");
  flags->Bool("--accept-failures", &config->accepts_failures,
              "End with exit status 0 also when devices failed three times: what is ready can be "
              "served.");
}

}  // namespace

std::optional<int> ParseInitConfig(int argc, const char* const* argv, InitConfig* config) {
  Flags flags({.name = "pmem-csi-driver init",
               .description =
                   "Makes this node's NVDIMM regions ready for volumes. What is ready, and "
                   "what is not ours, is left alone.",
               .version = PMEM_VERSION,
               .env_prefix = "PMEM_CSI_INIT"});
  flags.Enum<InitKind>(
      "--kind", &config->kind,
      {{"none", InitKind::kNone},
       {"lvm", InitKind::kLvm},
       {"direct", InitKind::kDirect},
       {"both", InitKind::kBoth}},
      "What the regions are for, as the node's label has it: a VolumeGroup over each, volumes "
      "directly in it, or both.");
  AddLabelFlags(&flags, config);
  flags.Integer("--lvm-percent", &config->lvm_percent, 0, 99,
                "With --kind both: how much of each region becomes a VolumeGroup.");
  flags.Bool("--init-labels", &config->initializes_labels,
             "Also initialize label areas that are empty; what a region holds without labels is "
             "lost.");
  flags.Bool("--dry-run", &config->is_dry, "Say what would be done, and do nothing.");
  flags.Text("--region-pattern", &config->region_pattern,
             "NVDIMM regions that are ours: names with * and ?, separated by commas.", "PATTERNS");
  flags.Text("--lvm-command", &config->lvm_command,
             "The lvm program and words before its arguments.", "COMMAND");
  flags.Duration(
      "--command-timeout", &config->command_timeout,
      "The longest that one command may take to read; to write it gets five times as long.");
  if (const std::optional<int> code = flags.Parse(argc, argv)) return code;
  if (const absl::Status status = Validate(*config); !status.ok()) return flags.Reject(status);
  return std::nullopt;
}

}  // namespace pmem::driver
