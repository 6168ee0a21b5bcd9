// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/driver.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "capacity-agent/core/device_choice.h"
#include "capacity-agent/device/lvm_maker.h"
#include "capacity-agent/device/lvm_reader.h"
#include "capacity-agent/device/ndctl_maker.h"
#include "capacity-agent/device/ndctl_reader.h"
#include "capacity-agent/device/simulated_maker.h"
#include "capacity-agent/device/simulated_reader.h"
#include "common/io/log.h"
#include "common/pure/status_macros.h"
#include "csi-driver/core/volume_facts.h"
#include "csi-driver/core/volume_id.h"
#include "csi-driver/grpc/self_call.h"

namespace pmem::driver {
namespace {

void FillSimulated(const std::string& file, Devices* devices) {
  devices->readers.push_back(std::make_unique<agent::SimulatedReader>(file));
  for (const PoolKind kind : {PoolKind::kLvm, PoolKind::kDirect}) {
    devices->makers[kind] = std::make_unique<agent::SimulatedMaker>(file);
  }
}

// Of a volume on another node, as its PersistentVolume has them. external-provisioner gives that
// the volume's name; one of another name tells nothing.
absl::StatusOr<VolumeFacts> FactsElsewhere(const KubeAccess& access, const std::string& id) {
  if (!IsVolumeId(id)) return VolumeFacts{};
  const auto object = ReadKubeObject(access, "/api/v1/persistentvolumes/" + id);
  if (absl::IsNotFound(object.status())) return VolumeFacts{};
  if (!object.ok()) return object.status();
  return FactsOf(*object, id);
}

}  // namespace

void FillDevices(const DriverConfig& config, Devices* devices) {
  devices->node = config.node_name;
  devices->volume_groups = agent::NamePatterns(config.volume_group_pattern);
  devices->regions = agent::NamePatterns(config.region_pattern);
  if (!config.simulated_file.empty()) {
    FillSimulated(config.simulated_file, devices);
    return;
  }
  devices->readers.push_back(std::make_unique<agent::NdctlReader>());
  devices->makers[PoolKind::kDirect] = std::make_unique<agent::NdctlMaker>();
  devices->makers[PoolKind::kLvm] =
      std::make_unique<agent::LvmMaker>(config.lvm_command, config.command_timeout);
  if (agent::HasLvm(config.lvm_command)) {
    devices->readers.push_back(
        std::make_unique<agent::LvmReader>(config.lvm_command, config.command_timeout));
    devices->glance = std::make_unique<agent::LvmReader>(
        config.lvm_command, std::min(config.command_timeout, kGlanceMax));
  }
}

Driver::Driver(const DriverConfig& config, std::string_view version)
    : config_(config),
      monitor_(version, &clock_),
      host_(config.command_timeout),
      volumes_(&devices_, &host_, config.erasure),
      staging_(&volumes_, &host_),
      identity_(&volumes_, version),
      controller_(
          &volumes_,
          {.node = config.node_name,
           .file_system = config.file_system,
           .facts_elsewhere =
               [access = config.kube](const std::string& id) { return FactsElsewhere(access, id); },
           .kube_object = [access = config.kube](
                              const std::string& path) { return ReadKubeObject(access, path); }}),
      node_(&volumes_, &staging_, config.node_name, config.file_system),
      server_({&identity_, &registration_, &controller_, &node_},
              [this](const EndedCall& call) { monitor_.Observe(call); }),
      self_call_("self-call", kSelfCallPeriod, [this] { CallItself(); }),
      cleaner_("leftovers", kCleanPeriod, [this] { RemoveUnfinished(); }) {
  FillDevices(config, &devices_);
}

void Driver::RemoveUnfinished() {
  if (!volumes_.MayHaveUnfinished()) return;
  for (const std::string& name : volumes_.RemoveUnfinished()) {
    LogInfo("driver", "a half-made volume is gone", {{"name", name}});
  }
  LogInfo("driver", "looked for half-made volumes");
}

void Driver::CallItself() {
  if (IsAnswering(config_.socket_path, kSelfCallPatience)) return monitor_.NoteAnswer();
  LogWarning("driver", "no answer on the socket of CSI", {{"socket", config_.socket_path}});
}

absl::StatusOr<std::string> Driver::Start() {
  std::string address;
  if (!config_.listen.empty()) {
    PMEM_ASSIGN_OR_RETURN(address, monitor_.Start(config_.listen));
  }
  PMEM_RETURN_IF_ERROR(server_.Start(config_.socket_path, config_.socket_mode));
  monitor_.SetReady();
  cleaner_.Start();
  if (!config_.listen.empty()) self_call_.Start();
  return address;
}

void Driver::Stop() {
  volumes_.LeaveUnfinished();
  self_call_.Stop();
  server_.Stop(kStopPatience);
  monitor_.Stop();
}

}  // namespace pmem::driver
