// SPDX-License-Identifier: Apache-2.0
// CSI Controller of this one node: what external-provisioner on the node calls. external-resizer
// runs on one node for all, so only the question whether a volume may grow is answered for others.
#pragma once

#include <csi.grpc.pb.h>

#include <functional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "csi-driver/core/volume_facts.h"
#include "csi-driver/volumes.h"

namespace pmem::driver {

// Thread-safe. Calls that are not overridden answer UNIMPLEMENTED.
class ControllerService final : public ::csi::v1::Controller::Service {
 public:
  struct Options {
    std::string node;
    std::string file_system;  // Of a claim that names none.
    // What is known of a volume that is not on this node. Called from several threads.
    std::function<absl::StatusOr<VolumeFacts>(const std::string& id)> facts_elsewhere;
    // The object at a path of the API server, as JSON, as it is when it is asked for, or later.
    // Called from several threads. FailedPrecondition: there is no API server to ask.
    std::function<absl::StatusOr<std::string>(const std::string& path)> kube_object;
  };
  ControllerService(Volumes* volumes, Options options)
      : volumes_(volumes),
        node_(std::move(options.node)),
        file_system_(std::move(options.file_system)),
        facts_elsewhere_(std::move(options.facts_elsewhere)),
        kube_object_(std::move(options.kube_object)) {}

  // Nothing is made for a claim that is gone or has its selected node elsewhere
  // (FAILED_PRECONDITION), nor while that cannot be asked (UNAVAILABLE). `context`: none in tests.
  grpc::Status CreateVolume(grpc::ServerContext* context,
                            const ::csi::v1::CreateVolumeRequest* request,
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
  // Grows nothing: the volume's own node does, when the kubelet asks there. Refuses what no node
  // can do, before anything is promised.
  grpc::Status ControllerExpandVolume(grpc::ServerContext*,
                                      const ::csi::v1::ControllerExpandVolumeRequest* request,
                                      ::csi::v1::ControllerExpandVolumeResponse* response) override;
  grpc::Status ControllerGetCapabilities(
      grpc::ServerContext*, const ::csi::v1::ControllerGetCapabilitiesRequest*,
      ::csi::v1::ControllerGetCapabilitiesResponse* response) override;

 private:
  absl::Status Create(const ::csi::v1::CreateVolumeRequest& request,
                      const grpc::ServerContext* context, ::csi::v1::Volume* volume);
  // Whether somebody still waits for the volume, and its claim still asks for it here.
  absl::Status CheckClaim(const ::csi::v1::CreateVolumeRequest& request,
                          const grpc::ServerContext* context);
  // The value of parameter pmemType, or the kind that the class of the claim is named after, or "".
  absl::StatusOr<std::string> KindAsked(const ::csi::v1::CreateVolumeRequest& request);
  absl::Status Validate(const ::csi::v1::ValidateVolumeCapabilitiesRequest& request,
                        ::csi::v1::ValidateVolumeCapabilitiesResponse* response);
  absl::Status List(const ::csi::v1::ListVolumesRequest& request,
                    ::csi::v1::ListVolumesResponse* response);
  absl::Status GetCapacityNow(const ::csi::v1::GetCapacityRequest& request,
                              ::csi::v1::GetCapacityResponse* response);
  absl::Status GetVolume(const std::string& id, ::csi::v1::Volume* volume);
  absl::StatusOr<VolumeFacts> FactsOfVolume(const std::string& id);
  absl::Status Expand(const ::csi::v1::ControllerExpandVolumeRequest& request,
                      ::csi::v1::ControllerExpandVolumeResponse* response);
  void Encode(const Volume& volume, ::csi::v1::Volume* out) const;
  bool IsHere(const ::csi::v1::Topology& topology) const;

  Volumes* const volumes_;
  const std::string node_;
  const std::string file_system_;
  const std::function<absl::StatusOr<VolumeFacts>(const std::string& id)> facts_elsewhere_;
  const std::function<absl::StatusOr<std::string>(const std::string& path)> kube_object_;
};

}  // namespace pmem::driver
