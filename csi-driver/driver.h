// SPDX-License-Identifier: Apache-2.0
// The whole driver, put together from its configuration.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/io/clock.h"
#include "common/io/periodic_task.h"
#include "csi-driver/config.h"
#include "csi-driver/device/linux_host.h"
#include "csi-driver/devices.h"
#include "csi-driver/grpc/controller_service.h"
#include "csi-driver/grpc/identity_service.h"
#include "csi-driver/grpc/node_service.h"
#include "csi-driver/grpc/server.h"
#include "csi-driver/monitor.h"
#include "csi-driver/staging.h"
#include "csi-driver/volumes.h"

namespace pmem::driver {

// At the end calls under way may take so much longer.
inline constexpr absl::Duration kStopPatience = absl::Seconds(3);
// How often the driver calls its own server, for /livez, and how long it waits for an answer.
inline constexpr absl::Duration kSelfCallPeriod = absl::Seconds(10);
inline constexpr absl::Duration kSelfCallPatience = absl::Seconds(10);
// How often half-made volumes are looked for while some may be left.
inline constexpr absl::Duration kCleanPeriod = absl::Minutes(1);

// Start and Stop on one thread.
class Driver {
 public:
  Driver(const DriverConfig& config, std::string_view version);

  // What was left half-made is removed beside, which may take minutes. Errors: those
  // of GrpcServer::Start and Monitor::Start. Devices that cannot be read are no error here: Probe
  // tells. The address that /metrics is served at; empty: nowhere.
  absl::StatusOr<std::string> Start();
  void Stop();

 private:
  void RemoveUnfinished();
  void CallItself();

  const DriverConfig config_;
  const RealClock clock_;
  Monitor monitor_;
  Devices devices_;
  LinuxHost host_;
  Volumes volumes_;
  Staging staging_;
  IdentityService identity_;
  RegistrationService registration_;
  ControllerService controller_;
  NodeService node_;
  GrpcServer server_;
  PeriodicTask self_call_;
  PeriodicTask cleaner_;
};

// Readers and makers that `config` asks for, into *devices.
void FillDevices(const DriverConfig& config, Devices* devices);

}  // namespace pmem::driver
