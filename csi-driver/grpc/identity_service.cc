// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/grpc/identity_service.h"

#include "common/io/log.h"
#include "common/pure/names.h"
#include "csi-driver/grpc/call.h"

namespace pmem::driver {
namespace {

using ::csi::v1::PluginCapability;

// What the kubelet asks of a CSI driver's versions.
constexpr char kSupportedVersion[] = "1.0.0";

}  // namespace

grpc::Status IdentityService::GetPluginInfo(grpc::ServerContext*,
                                            const ::csi::v1::GetPluginInfoRequest*,
                                            ::csi::v1::GetPluginInfoResponse* response) {
  response->set_name(std::string(kDriverName));
  response->set_vendor_version(version_);
  return grpc::Status::OK;
}

grpc::Status IdentityService::GetPluginCapabilities(
    grpc::ServerContext*, const ::csi::v1::GetPluginCapabilitiesRequest*,
    ::csi::v1::GetPluginCapabilitiesResponse* response) {
  using Kind = PluginCapability::Service;
  for (const auto type : {Kind::CONTROLLER_SERVICE, Kind::VOLUME_ACCESSIBILITY_CONSTRAINTS}) {
    response->add_capabilities()->mutable_service()->set_type(type);
  }
  response->add_capabilities()->mutable_volume_expansion()->set_type(
      PluginCapability::VolumeExpansion::ONLINE);
  return grpc::Status::OK;
}

grpc::Status IdentityService::Probe(grpc::ServerContext*, const ::csi::v1::ProbeRequest*,
                                    ::csi::v1::ProbeResponse* response) {
  const Call call("Probe", "");
  const absl::Status status = volumes_->Probe();
  response->mutable_ready()->set_value(status.ok());
  return call.EndedQuietly(status.ok() ? status : absl::FailedPreconditionError(status.message()));
}

grpc::Status RegistrationService::GetInfo(grpc::ServerContext*,
                                          const pluginregistration::InfoRequest*,
                                          pluginregistration::PluginInfo* response) {
  response->set_type("CSIPlugin");
  response->set_name(std::string(kDriverName));
  response->add_supported_versions(kSupportedVersion);
  return grpc::Status::OK;
}

grpc::Status RegistrationService::NotifyRegistrationStatus(
    grpc::ServerContext*, const pluginregistration::RegistrationStatus* request,
    pluginregistration::RegistrationStatusResponse*) {
  if (request->plugin_registered()) {
    LogInfo("csi", "registered with the kubelet");
  } else {
    // The kubelet tries again by itself.
    LogWarning("csi", "the kubelet refused the registration", {{"error", request->error()}});
  }
  return grpc::Status::OK;
}

}  // namespace pmem::driver
