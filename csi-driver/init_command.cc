// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/init_command.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "capacity-agent/core/name_pattern.h"
#include "capacity-agent/device/lvm_maker.h"
#include "common/io/files.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"
#include "csi-driver/core/node_kind.h"
#include "csi-driver/device/linux_host.h"
#include "csi-driver/driver.h"
#include "csi-driver/initializer.h"
#include "csi-driver/kube_object.h"

namespace pmem::driver {
namespace {

// Nobody starts it anew once its failures are accepted: what is only slow to come gets this.
constexpr int kTriesMax = 3;
constexpr absl::Duration kBetweenTries = absl::Seconds(3);

void Say(std::string_view line) {
  std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

// What the node's label and the configuration make of `config`.
absl::StatusOr<InitConfig> ByLabel(InitConfig config) {
  PMEM_ASSIGN_OR_RETURN(const std::string node,
                        ReadKubeObject(config.kube, "/api/v1/nodes/" + config.node_name));
  PMEM_ASSIGN_OR_RETURN(config.kind, KindOfNode(node));
  Say(absl::StrCat("node ", config.node_name, " is labelled for kind ",
                   AbslView(InitKindName(config.kind))));
  if (config.settings_file.empty()) return config;
  PMEM_ASSIGN_OR_RETURN(const std::string text,
                        ReadFile(config.settings_file, kInitConfigBytesMax));
  const auto settings = SettingsOfNode(text, config.node_name);
  if (!settings.ok()) return Annotate(settings.status(), config.settings_file);
  config.initializes_labels = config.initializes_labels || settings->initializes_labels;
  config.lvm_percent = settings->lvm_percent;
  // A node that nobody labelled is not touched, whatever is said of it elsewhere.
  if (config.lvm_percent == 0 || config.kind == InitKind::kNone) return config;
  config.kind = InitKind::kBoth;
  Say(absl::StrCat("both kinds: ", config.lvm_percent, " % of each region for lvm"));
  return config;
}

int ExitStatus(const InitConfig& config, int refused) {
  return refused == 0 || config.accepts_refusals ? EXIT_SUCCESS : kRefusedExit;
}

// One region, or LVM alone, must not take the driver away from volumes on what is healthy.
int RunToTheEnd(const InitConfig& config, const InitOptions& options, Initializer* initializer) {
  for (int tries = 1;; ++tries) {
    const absl::StatusOr<int> refused = initializer->Run(options, config.is_dry);
    if (refused.ok()) return ExitStatus(config, *refused);
    Say(absl::StrCat("warning: ", refused.status().message()));
    if (tries == kTriesMax) break;
    absl::SleepFor(kBetweenTries);
  }
  Say("warning: given up; what failed is not ready");
  return EXIT_SUCCESS;
}

}  // namespace

absl::StatusOr<int> RunInit(const InitConfig& given) {
  InitConfig config = given;
  if (config.is_by_label) {
    PMEM_ASSIGN_OR_RETURN(config, ByLabel(config));
  }
  if (config.kind == InitKind::kNone) {
    Say("kind none: nothing to do");
    return EXIT_SUCCESS;
  }
  Devices devices;
  FillDevices({.lvm_command = config.lvm_command, .command_timeout = config.command_timeout},
              &devices);
  LinuxHost host(config.command_timeout);
  agent::LvmMaker lvm(config.lvm_command, config.command_timeout);
  Initializer initializer(&devices, &lvm, &host, Say);
  InitOptions options = {.lvm_percent = config.lvm_percent,
                         .initializes_labels = config.initializes_labels,
                         .regions = agent::NamePatterns(config.region_pattern)};
  if (config.kind == InitKind::kLvm) options.lvm_percent = 100;
  if (config.accepts_failures) return RunToTheEnd(config, options, &initializer);
  PMEM_ASSIGN_OR_RETURN(const int refused, initializer.Run(options, config.is_dry));
  return ExitStatus(config, refused);
}

}  // namespace pmem::driver
