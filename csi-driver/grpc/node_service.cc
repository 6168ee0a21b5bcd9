// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/grpc/node_service.h"

#include "common/pure/names.h"
#include "common/pure/status_macros.h"
#include "csi-driver/grpc/call.h"

namespace pmem::driver {
namespace {

absl::Status CheckVolumeAndPath(const std::string& id, std::string_view name,
                                const std::string& path) {
  PMEM_RETURN_IF_ERROR(CheckField("volume_id", id));
  return CheckPath(name, path);
}

template <typename Request>
absl::StatusOr<VolumeUse> UseOf(const Request& request, const std::string& file_system) {
  if (!request.has_volume_capability()) {
    return absl::InvalidArgumentError("volume_capability is missing");
  }
  return DecodeUse(request.volume_capability(), file_system);
}

void AddUsage(::csi::v1::VolumeUsage::Unit unit, int64_t total, int64_t used, int64_t available,
              ::csi::v1::NodeGetVolumeStatsResponse* response) {
  ::csi::v1::VolumeUsage* const usage = response->add_usage();
  usage->set_unit(unit);
  usage->set_total(total);
  usage->set_used(used);
  usage->set_available(available);
}

// A state of the pool as the health of a volume that lies on it; nothing for a good one. The
// reason is a word for machines.
const char* HealthReason(PoolState state) {
  switch (state) {
    case PoolState::kOk:
    case PoolState::kLabelLess:
      return nullptr;
    case PoolState::kInactive:
      return "PoolInactive";
    case PoolState::kReadOnly:
      return "PoolReadOnly";
    case PoolState::kUnhealthy:
      return "PoolUnhealthy";
    case PoolState::kUnknown:
      return "PoolUnknown";
  }
  return "PoolUnknown";
}

}  // namespace

absl::Status NodeService::Stage(const ::csi::v1::NodeStageVolumeRequest& request) {
  PMEM_RETURN_IF_ERROR(CheckVolumeAndPath(request.volume_id(), "staging_target_path",
                                          request.staging_target_path()));
  PMEM_ASSIGN_OR_RETURN(const VolumeUse use, UseOf(request, file_system_));
  return staging_->Stage(request.volume_id(), request.staging_target_path(), use);
}

grpc::Status NodeService::NodeStageVolume(grpc::ServerContext*,
                                          const ::csi::v1::NodeStageVolumeRequest* request,
                                          ::csi::v1::NodeStageVolumeResponse*) {
  const Call call("NodeStageVolume", request->volume_id());
  return call.Ended(Stage(*request));
}

absl::Status NodeService::Unstage(const ::csi::v1::NodeUnstageVolumeRequest& request) {
  PMEM_RETURN_IF_ERROR(CheckVolumeAndPath(request.volume_id(), "staging_target_path",
                                          request.staging_target_path()));
  return staging_->Unstage(request.volume_id(), request.staging_target_path());
}

grpc::Status NodeService::NodeUnstageVolume(grpc::ServerContext*,
                                            const ::csi::v1::NodeUnstageVolumeRequest* request,
                                            ::csi::v1::NodeUnstageVolumeResponse*) {
  const Call call("NodeUnstageVolume", request->volume_id());
  return call.Ended(Unstage(*request));
}

absl::Status NodeService::Publish(const ::csi::v1::NodePublishVolumeRequest& request) {
  PMEM_RETURN_IF_ERROR(
      CheckVolumeAndPath(request.volume_id(), "target_path", request.target_path()));
  PMEM_RETURN_IF_ERROR(CheckPath("staging_target_path", request.staging_target_path()));
  PMEM_ASSIGN_OR_RETURN(VolumeUse use, UseOf(request, file_system_));
  use.is_read_only = use.is_read_only || request.readonly();
  return staging_->Publish(request.volume_id(), request.staging_target_path(),
                           request.target_path(), use);
}

grpc::Status NodeService::NodePublishVolume(grpc::ServerContext*,
                                            const ::csi::v1::NodePublishVolumeRequest* request,
                                            ::csi::v1::NodePublishVolumeResponse*) {
  const Call call("NodePublishVolume", request->volume_id());
  return call.Ended(Publish(*request));
}

absl::Status NodeService::Unpublish(const ::csi::v1::NodeUnpublishVolumeRequest& request) {
  PMEM_RETURN_IF_ERROR(
      CheckVolumeAndPath(request.volume_id(), "target_path", request.target_path()));
  return staging_->Unpublish(request.volume_id(), request.target_path());
}

grpc::Status NodeService::NodeUnpublishVolume(grpc::ServerContext*,
                                              const ::csi::v1::NodeUnpublishVolumeRequest* request,
                                              ::csi::v1::NodeUnpublishVolumeResponse*) {
  const Call call("NodeUnpublishVolume", request->volume_id());
  return call.Ended(Unpublish(*request));
}

absl::Status NodeService::Stats(const ::csi::v1::NodeGetVolumeStatsRequest& request,
                                ::csi::v1::NodeGetVolumeStatsResponse* response) {
  PMEM_RETURN_IF_ERROR(CheckField("volume_id", request.volume_id()));
  PMEM_RETURN_IF_ERROR(CheckField("volume_path", request.volume_path(), kPathBytesMax));
  PMEM_ASSIGN_OR_RETURN(const Usage usage, staging_->UsageAt(request.volume_path()));
  AddUsage(::csi::v1::VolumeUsage::BYTES, usage.total_bytes, usage.used_bytes,
           usage.available_bytes, response);
  if (!usage.is_block) {
    AddUsage(::csi::v1::VolumeUsage::INODES, usage.total_inodes, usage.used_inodes,
             usage.available_inodes, response);
  }
  return absl::OkStatus();
}

grpc::Status NodeService::NodeGetVolumeStats(grpc::ServerContext*,
                                             const ::csi::v1::NodeGetVolumeStatsRequest* request,
                                             ::csi::v1::NodeGetVolumeStatsResponse* response) {
  const Call call("NodeGetVolumeStats", request->volume_id());
  return call.EndedQuietly(Stats(*request, response));
}

absl::Status NodeService::Health(const ::csi::v1::NodeGetVolumeHealthRequest& request,
                                 ::csi::v1::VolumeHealth* health) {
  PMEM_RETURN_IF_ERROR(CheckField("volume_id", request.volume_id()));
  const absl::StatusOr<Volume> volume = volumes_->Find(request.volume_id());
  absl::Status gone;
  if (absl::IsNotFound(volume.status())) {
    PMEM_ASSIGN_OR_RETURN(const NodeReading found, volumes_->ReadAll());
    gone = CheckGone(found.report, found.disabled, request.volume_id());
  }
  const bool is_hidden = absl::IsNotFound(volume.status()) && !gone.ok();
  if (!is_hidden && !volume.ok()) return volume.status();
  health->set_volume_id(request.volume_id());
  const PoolState state = is_hidden ? PoolState::kInactive : volume->state;
  const char* const reason = HealthReason(state);
  if (reason == nullptr) return absl::OkStatus();
  auto* const entry = health->add_health_statuses();
  entry->set_status(state == PoolState::kInactive ? ::csi::v1::INACCESSIBLE : ::csi::v1::DEGRADED);
  entry->set_reason(reason);
  entry->set_message(is_hidden ? std::string(gone.message())
                               : volume->pool + ": " + volume->trouble);
  return absl::OkStatus();
}

grpc::Status NodeService::NodeGetVolumeHealth(grpc::ServerContext*,
                                              const ::csi::v1::NodeGetVolumeHealthRequest* request,
                                              ::csi::v1::NodeGetVolumeHealthResponse* response) {
  const Call call("NodeGetVolumeHealth", request->volume_id());
  return call.EndedQuietly(Health(*request, response->mutable_volume_health()));
}

absl::Status NodeService::Expand(const ::csi::v1::NodeExpandVolumeRequest& request,
                                 ::csi::v1::NodeExpandVolumeResponse* response) {
  PMEM_RETURN_IF_ERROR(CheckField("volume_id", request.volume_id()));
  PMEM_RETURN_IF_ERROR(CheckField("volume_path", request.volume_path(), kPathBytesMax));
  PMEM_ASSIGN_OR_RETURN(
      const int64_t bytes,
      staging_->Expand(request.volume_id(), request.volume_path(),
                       {.required_bytes = request.capacity_range().required_bytes(),
                        .limit_bytes = request.capacity_range().limit_bytes()}));
  response->set_capacity_bytes(bytes);
  return absl::OkStatus();
}

grpc::Status NodeService::NodeExpandVolume(grpc::ServerContext*,
                                           const ::csi::v1::NodeExpandVolumeRequest* request,
                                           ::csi::v1::NodeExpandVolumeResponse* response) {
  const Call call("NodeExpandVolume", request->volume_id());
  return call.Ended(Expand(*request, response));
}

grpc::Status NodeService::NodeGetCapabilities(grpc::ServerContext*,
                                              const ::csi::v1::NodeGetCapabilitiesRequest*,
                                              ::csi::v1::NodeGetCapabilitiesResponse* response) {
  using Rpc = ::csi::v1::NodeServiceCapability::RPC;
  for (const auto type : {Rpc::STAGE_UNSTAGE_VOLUME, Rpc::GET_VOLUME_STATS, Rpc::EXPAND_VOLUME,
                          Rpc::GET_VOLUME_HEALTH}) {
    response->add_capabilities()->mutable_rpc()->set_type(type);
  }
  return grpc::Status::OK;
}

grpc::Status NodeService::NodeGetInfo(grpc::ServerContext*, const ::csi::v1::NodeGetInfoRequest*,
                                      ::csi::v1::NodeGetInfoResponse* response) {
  response->set_node_id(node_);
  (*response->mutable_accessible_topology()->mutable_segments())[std::string(kTopologyNodeKey)] =
      node_;
  return grpc::Status::OK;
}

}  // namespace pmem::driver
