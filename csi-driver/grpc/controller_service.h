// SPDX-License-Identifier: Apache-2.0
// CSI Controller of this one node: what external-provisioner on the node calls.
#pragma once

#include <csi.grpc.pb.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "csi-driver/volumes.h"

namespace pmem::driver {

// Thread-safe. Calls that are not overridden answer UNIMPLEMENTED.
class ControllerService final : public ::csi::v1::Controller::Service {
 public:
  // `file_system`: of a claim that names none.
  ControllerService(Volumes* volumes, std::string node, std::string file_system)
      : volumes_(volumes), node_(std::move(node)), file_system_(std::move(file_system)) {}

  grpc::Status CreateVolume(grpc::ServerContext*, const ::csi::v1::CreateVolumeRequest* request,
                            ::csi::v1::CreateVolumeResponse* response) override;
  grpc::Status DeleteVolume(grpc::ServerContext*, const ::csi::v1::DeleteVolumeRequest* request,
                            ::csi::v1::DeleteVolumeResponse*) override;
  grpc::Status ValidateVolumeCapabilities(
      grpc::ServerContext*, const ::csi::v1::ValidateVolumeCapabilitiesRequest* request,
      ::csi::v1::ValidateVolumeCapabilitiesResponse* response) override;
  // Sorted by id. A token is the last id of the page before, so that volumes may come and go
  // between pages.
  grpc::Status ListVolumes(grpc::ServerContext*, const ::csi::v1::ListVolumesRequest* request,
                           ::csi::v1::ListVolumesResponse* response) override;
  grpc::Status GetCapacity(grpc::ServerContext*, const ::csi::v1::GetCapacityRequest* request,
                           ::csi::v1::GetCapacityResponse* response) override;
  grpc::Status ControllerGetVolume(grpc::ServerContext*,
                                   const ::csi::v1::ControllerGetVolumeRequest* request,
                                   ::csi::v1::ControllerGetVolumeResponse* response) override;
  grpc::Status ControllerGetCapabilities(
      grpc::ServerContext*, const ::csi::v1::ControllerGetCapabilitiesRequest*,
      ::csi::v1::ControllerGetCapabilitiesResponse* response) override;

 private:
  absl::Status Create(const ::csi::v1::CreateVolumeRequest& request, ::csi::v1::Volume* volume);
  absl::Status Validate(const ::csi::v1::ValidateVolumeCapabilitiesRequest& request,
                        ::csi::v1::ValidateVolumeCapabilitiesResponse* response);
  absl::Status List(const ::csi::v1::ListVolumesRequest& request,
                    ::csi::v1::ListVolumesResponse* response);
  absl::Status GetCapacityNow(const ::csi::v1::GetCapacityRequest& request,
                              ::csi::v1::GetCapacityResponse* response);
  absl::Status GetVolume(const std::string& id, ::csi::v1::Volume* volume);
  void Encode(const Volume& volume, ::csi::v1::Volume* out) const;
  bool IsHere(const ::csi::v1::Topology& topology) const;

  Volumes* const volumes_;
  const std::string node_;
  const std::string file_system_;
};

}  // namespace pmem::driver
