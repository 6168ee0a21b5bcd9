// SPDX-License-Identifier: Apache-2.0
// CSI Node: what the kubelet calls.
#pragma once

#include <csi.grpc.pb.h>

#include <string>
#include <utility>

#include "csi-driver/staging.h"
#include "csi-driver/volumes.h"

namespace pmem::driver {

// Thread-safe. Calls that are not overridden answer UNIMPLEMENTED.
class NodeService final : public ::csi::v1::Node::Service {
 public:
  // `file_system`: of a claim that names none.
  NodeService(Volumes* volumes, Staging* staging, std::string node, std::string file_system)
      : volumes_(volumes),
        staging_(staging),
        node_(std::move(node)),
        file_system_(std::move(file_system)) {}

  grpc::Status NodeStageVolume(grpc::ServerContext*,
                               const ::csi::v1::NodeStageVolumeRequest* request,
                               ::csi::v1::NodeStageVolumeResponse*) override;
  grpc::Status NodeUnstageVolume(grpc::ServerContext*,
                                 const ::csi::v1::NodeUnstageVolumeRequest* request,
                                 ::csi::v1::NodeUnstageVolumeResponse*) override;
  grpc::Status NodePublishVolume(grpc::ServerContext*,
                                 const ::csi::v1::NodePublishVolumeRequest* request,
                                 ::csi::v1::NodePublishVolumeResponse*) override;
  grpc::Status NodeUnpublishVolume(grpc::ServerContext*,
                                   const ::csi::v1::NodeUnpublishVolumeRequest* request,
                                   ::csi::v1::NodeUnpublishVolumeResponse*) override;
  grpc::Status NodeGetVolumeStats(grpc::ServerContext*,
                                  const ::csi::v1::NodeGetVolumeStatsRequest* request,
                                  ::csi::v1::NodeGetVolumeStatsResponse* response) override;
  // INACCESSIBLE or DEGRADED by the state of the volume's pool.
  grpc::Status NodeGetVolumeHealth(grpc::ServerContext*,
                                   const ::csi::v1::NodeGetVolumeHealthRequest* request,
                                   ::csi::v1::NodeGetVolumeHealthResponse* response) override;
  // Grows the volume too: this driver has no controller elsewhere that could.
  grpc::Status NodeExpandVolume(grpc::ServerContext*,
                                const ::csi::v1::NodeExpandVolumeRequest* request,
                                ::csi::v1::NodeExpandVolumeResponse* response) override;
  grpc::Status NodeGetCapabilities(grpc::ServerContext*,
                                   const ::csi::v1::NodeGetCapabilitiesRequest*,
                                   ::csi::v1::NodeGetCapabilitiesResponse* response) override;
  grpc::Status NodeGetInfo(grpc::ServerContext*, const ::csi::v1::NodeGetInfoRequest*,
                           ::csi::v1::NodeGetInfoResponse* response) override;

 private:
  absl::Status Stage(const ::csi::v1::NodeStageVolumeRequest& request);
  absl::Status Unstage(const ::csi::v1::NodeUnstageVolumeRequest& request);
  absl::Status Publish(const ::csi::v1::NodePublishVolumeRequest& request);
  absl::Status Unpublish(const ::csi::v1::NodeUnpublishVolumeRequest& request);
  absl::Status Stats(const ::csi::v1::NodeGetVolumeStatsRequest& request,
                     ::csi::v1::NodeGetVolumeStatsResponse* response);
  absl::Status Health(const ::csi::v1::NodeGetVolumeHealthRequest& request,
                      ::csi::v1::VolumeHealth* health);
  absl::Status Expand(const ::csi::v1::NodeExpandVolumeRequest& request,
                      ::csi::v1::NodeExpandVolumeResponse* response);

  Volumes* const volumes_;
  Staging* const staging_;
  const std::string node_;
  const std::string file_system_;
};

}  // namespace pmem::driver
