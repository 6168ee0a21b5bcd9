// SPDX-License-Identifier: Apache-2.0
// CSI Identity, and the kubelet's plugin registration: who we are and whether we work.
#pragma once

#include <csi.grpc.pb.h>
#include <pluginregistration.grpc.pb.h>

#include <string>

#include "csi-driver/volumes.h"

namespace pmem::driver {

// Thread-safe.
class IdentityService final : public ::csi::v1::Identity::Service {
 public:
  IdentityService(Volumes* volumes, std::string_view version)
      : volumes_(volumes), version_(version) {}

  grpc::Status GetPluginInfo(grpc::ServerContext*, const ::csi::v1::GetPluginInfoRequest*,
                             ::csi::v1::GetPluginInfoResponse* response) override;
  grpc::Status GetPluginCapabilities(grpc::ServerContext*,
                                     const ::csi::v1::GetPluginCapabilitiesRequest*,
                                     ::csi::v1::GetPluginCapabilitiesResponse* response) override;
  // Ready when the devices can be read.
  grpc::Status Probe(grpc::ServerContext*, const ::csi::v1::ProbeRequest*,
                     ::csi::v1::ProbeResponse* response) override;

 private:
  Volumes* const volumes_;
  const std::string version_;
};

// A socket in the kubelet's plugins_registry that serves this needs no registrar beside it: an
// empty endpoint says that CSI is served on the same socket. Thread-safe.
class RegistrationService final : public pluginregistration::Registration::Service {
 public:
  grpc::Status GetInfo(grpc::ServerContext*, const pluginregistration::InfoRequest*,
                       pluginregistration::PluginInfo* response) override;
  grpc::Status NotifyRegistrationStatus(grpc::ServerContext*,
                                        const pluginregistration::RegistrationStatus* request,
                                        pluginregistration::RegistrationStatusResponse*) override;
};

}  // namespace pmem::driver
