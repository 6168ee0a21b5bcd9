// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/grpc/controller_service.h"

#include <grpcpp/server_context.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"
#include "csi-driver/core/claim_class.h"
#include "csi-driver/core/volume_id.h"
#include "csi-driver/core/wanted_claim.h"
#include "csi-driver/grpc/call.h"

namespace pmem::driver {
namespace {

using Capabilities = google::protobuf::RepeatedPtrField<::csi::v1::VolumeCapability>;
using Parameters = google::protobuf::Map<std::string, std::string>;

absl::StatusOr<std::vector<VolumeUse>> DecodeUses(const Capabilities& capabilities,
                                                  const std::string& file_system) {
  if (capabilities.empty()) {
    return absl::InvalidArgumentError("volume_capabilities are missing");
  }
  std::vector<VolumeUse> uses;
  for (const auto& capability : capabilities) {
    PMEM_ASSIGN_OR_RETURN(VolumeUse use, DecodeUse(capability, file_system));
    uses.push_back(std::move(use));
  }
  return uses;
}

// Only what external-provisioner adds by itself, or we know: a slip of the pen in a StorageClass
// must not go unnoticed.
absl::StatusOr<std::string> DecodeKind(const Parameters& parameters) {
  std::string kind;
  for (const auto& [key, value] : parameters) {
    if (key == kPmemTypeParameter) {
      kind = value;
    } else if (!key.starts_with("csi.storage.k8s.io/")) {
      return absl::InvalidArgumentError(absl::StrCat("parameter ", key, " is not known"));
    }
  }
  return kind;
}

// Where the API server has the claim that the volume is for. Empty: external-provisioner was not
// told to say (--extra-create-metadata).
absl::StatusOr<std::string> PathOfClaim(const Parameters& parameters) {
  const auto name = parameters.find(std::string(kClaimNameParameter));
  const auto kube_namespace = parameters.find(std::string(kClaimNamespaceParameter));
  if (name == parameters.end() || kube_namespace == parameters.end()) return std::string();
  return ClaimPath(kube_namespace->second, name->second);
}

SizeRange DecodeRange(const ::csi::v1::CapacityRange& range) {
  return {.required_bytes = range.required_bytes(), .limit_bytes = range.limit_bytes()};
}

// Where there is no claim to ask about. Where there is, its volume is made though the caller gave
// up: on a slow node no call is waited for to its end, and the next one finds what this one made.
absl::Status CheckCaller(const grpc::ServerContext* context) {
  if (context == nullptr || !context->IsCancelled()) return absl::OkStatus();
  return absl::CancelledError("the caller has given up");
}

absl::Status CheckSource(const ::csi::v1::CreateVolumeRequest& request) {
  if (!request.has_volume_content_source()) return absl::OkStatus();
  return absl::InvalidArgumentError("volume_content_source: volumes are made empty only");
}

}  // namespace

bool ControllerService::IsHere(const ::csi::v1::Topology& topology) const {
  const auto found = topology.segments().find(std::string(kTopologyNodeKey));
  return found == topology.segments().end() || found->second == node_;
}

void ControllerService::Encode(const Volume& volume, ::csi::v1::Volume* out) const {
  out->set_volume_id(volume.id);
  out->set_capacity_bytes(volume.bytes);
  (*out->mutable_volume_context())[std::string(kPmemTypeParameter)] =
      std::string(PoolKindName(volume.kind));
  (*out->add_accessible_topology()->mutable_segments())[std::string(kTopologyNodeKey)] = node_;
}

absl::StatusOr<std::string> ControllerService::KindAsked(
    const ::csi::v1::CreateVolumeRequest& request) {
  PMEM_ASSIGN_OR_RETURN(std::string kind, DecodeKind(request.parameters()));
  if (!kind.empty()) return kind;
  PMEM_ASSIGN_OR_RETURN(const std::string path, PathOfClaim(request.parameters()));
  if (path.empty()) return kind;
  const absl::StatusOr<std::string> claim = kube_object_(path);
  // Deleted meanwhile, or this node is all there is: what the node has must do.
  if (absl::IsNotFound(claim.status()) || absl::IsFailedPrecondition(claim.status())) return kind;
  if (!claim.ok()) return claim.status();
  PMEM_ASSIGN_OR_RETURN(const std::string class_name, ClassOfClaim(*claim, request.name()));
  if (const auto named = PoolKindFromClassName(class_name)) kind = PoolKindName(*named);
  return kind;
}

// Codes as external-provisioner takes them. FAILED_PRECONDITION is final: it looks at the claim
// anew, and is done with one that is gone or elsewhere. (RESOURCE_EXHAUSTED would be final too, but
// takes the selected node away from whichever claim has the name now.) UNAVAILABLE is tried again.
absl::Status ControllerService::CheckClaim(const ::csi::v1::CreateVolumeRequest& request,
                                           const grpc::ServerContext* context) {
  PMEM_ASSIGN_OR_RETURN(const std::string path, PathOfClaim(request.parameters()));
  if (path.empty()) return CheckCaller(context);
  const absl::StatusOr<std::string> claim = kube_object_(path);
  if (absl::IsFailedPrecondition(claim.status())) return CheckCaller(context);
  if (absl::IsNotFound(claim.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("the claim is gone: ", request.name(), " is not made"));
  }
  if (!claim.ok()) return claim.status();
  const absl::Status wanted = CheckWanted(*claim, request.name(), node_);
  // It is not the caller who sent that.
  return absl::IsInvalidArgument(wanted) ? absl::UnavailableError(wanted.message()) : wanted;
}

absl::Status ControllerService::Create(const ::csi::v1::CreateVolumeRequest& request,
                                       const grpc::ServerContext* context,
                                       ::csi::v1::Volume* volume) {
  PMEM_RETURN_IF_ERROR(CheckField("name", request.name(), kVolumeNameBytesMax));
  PMEM_ASSIGN_OR_RETURN(const auto uses, DecodeUses(request.volume_capabilities(), file_system_));
  PMEM_RETURN_IF_ERROR(CheckSource(request));
  PMEM_ASSIGN_OR_RETURN(const std::string kind, KindAsked(request));
  const auto& requisite = request.accessibility_requirements().requisite();
  if (!requisite.empty() && std::none_of(requisite.begin(), requisite.end(),
                                         [this](const auto& each) { return IsHere(each); })) {
    return absl::ResourceExhaustedError(absl::StrCat("node ", node_, " is not among those asked"));
  }
  PMEM_ASSIGN_OR_RETURN(
      const Volume made,
      volumes_->Create({.name = request.name(),
                        .kind = kind,
                        .range = DecodeRange(request.capacity_range()),
                        .bytes_min = VolumeBytesMin(uses),
                        .check_wanted = [&] { return CheckClaim(request, context); }}));
  Encode(made, volume);
  return absl::OkStatus();
}

grpc::Status ControllerService::CreateVolume(grpc::ServerContext* context,
                                             const ::csi::v1::CreateVolumeRequest* request,
                                             ::csi::v1::CreateVolumeResponse* response) {
  const Call call("CreateVolume", request->name());
  return call.Ended(Create(*request, context, response->mutable_volume()));
}

grpc::Status ControllerService::DeleteVolume(grpc::ServerContext*,
                                             const ::csi::v1::DeleteVolumeRequest* request,
                                             ::csi::v1::DeleteVolumeResponse*) {
  const Call call("DeleteVolume", request->volume_id());
  const absl::Status status = CheckField("volume_id", request->volume_id());
  return call.Ended(status.ok() ? volumes_->Delete(request->volume_id()) : status);
}

absl::Status ControllerService::Validate(
    const ::csi::v1::ValidateVolumeCapabilitiesRequest& request,
    ::csi::v1::ValidateVolumeCapabilitiesResponse* response) {
  PMEM_RETURN_IF_ERROR(CheckField("volume_id", request.volume_id()));
  if (request.volume_capabilities().empty()) {
    return absl::InvalidArgumentError("volume_capabilities are missing");
  }
  PMEM_RETURN_IF_ERROR(volumes_->Find(request.volume_id()).status());
  const auto uses = DecodeUses(request.volume_capabilities(), file_system_);
  if (!uses.ok()) {
    response->set_message(std::string(uses.status().message()));
    return absl::OkStatus();
  }
  auto* const confirmed = response->mutable_confirmed();
  *confirmed->mutable_volume_context() = request.volume_context();
  *confirmed->mutable_volume_capabilities() = request.volume_capabilities();
  *confirmed->mutable_parameters() = request.parameters();
  return absl::OkStatus();
}

grpc::Status ControllerService::ValidateVolumeCapabilities(
    grpc::ServerContext*, const ::csi::v1::ValidateVolumeCapabilitiesRequest* request,
    ::csi::v1::ValidateVolumeCapabilitiesResponse* response) {
  const Call call("ValidateVolumeCapabilities", request->volume_id());
  return call.EndedQuietly(Validate(*request, response));
}

absl::Status ControllerService::List(const ::csi::v1::ListVolumesRequest& request,
                                     ::csi::v1::ListVolumesResponse* response) {
  if (request.max_entries() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_entries ", request.max_entries(), " is below 0"));
  }
  if (!request.starting_token().empty() && !IsVolumeId(request.starting_token())) {
    return absl::AbortedError("starting_token is not one of ours");
  }
  PMEM_ASSIGN_OR_RETURN(const CapacityReport report, volumes_->Read());
  for (const Volume& volume : VolumesOf(report)) {
    if (volume.id <= request.starting_token()) continue;
    if (request.max_entries() != 0 && response->entries_size() == request.max_entries()) {
      response->set_next_token(
          response->entries(response->entries_size() - 1).volume().volume_id());
      break;
    }
    Encode(volume, response->add_entries()->mutable_volume());
  }
  return absl::OkStatus();
}

grpc::Status ControllerService::ListVolumes(grpc::ServerContext*,
                                            const ::csi::v1::ListVolumesRequest* request,
                                            ::csi::v1::ListVolumesResponse* response) {
  const Call call("ListVolumes", request->starting_token());
  return call.EndedQuietly(List(*request, response));
}

absl::Status ControllerService::GetCapacityNow(const ::csi::v1::GetCapacityRequest& request,
                                               ::csi::v1::GetCapacityResponse* response) {
  PMEM_ASSIGN_OR_RETURN(const std::string parameter, DecodeKind(request.parameters()));
  const std::optional<PoolKind> kind = PoolKindFromName(parameter);
  if (!parameter.empty() && !kind) {
    return absl::InvalidArgumentError(absl::StrCat("parameter ", AbslView(kPmemTypeParameter), ": ",
                                                   parameter, " is neither lvm nor direct"));
  }
  // A use that nothing here serves has no room.
  const auto uses = DecodeUses(request.volume_capabilities(), file_system_);
  if (!IsHere(request.accessible_topology()) ||
      (!request.volume_capabilities().empty() && !uses.ok())) {
    return absl::OkStatus();
  }
  PMEM_ASSIGN_OR_RETURN(const CapacityReport report, volumes_->Read());
  const Capacity capacity = CapacityOf(report, kind);
  response->set_available_capacity(capacity.available_bytes);
  response->mutable_maximum_volume_size()->set_value(capacity.volume_bytes_max);
  response->mutable_minimum_volume_size()->set_value(capacity.volume_bytes_min);
  return absl::OkStatus();
}

grpc::Status ControllerService::GetCapacity(grpc::ServerContext*,
                                            const ::csi::v1::GetCapacityRequest* request,
                                            ::csi::v1::GetCapacityResponse* response) {
  const Call call("GetCapacity", "");
  return call.EndedQuietly(GetCapacityNow(*request, response));
}

absl::Status ControllerService::GetVolume(const std::string& id, ::csi::v1::Volume* volume) {
  PMEM_RETURN_IF_ERROR(CheckField("volume_id", id));
  PMEM_ASSIGN_OR_RETURN(const Volume found, volumes_->Find(id));
  Encode(found, volume);
  return absl::OkStatus();
}

grpc::Status ControllerService::ControllerGetVolume(
    grpc::ServerContext*, const ::csi::v1::ControllerGetVolumeRequest* request,
    ::csi::v1::ControllerGetVolumeResponse* response) {
  const Call call("ControllerGetVolume", request->volume_id());
  response->mutable_status();
  return call.EndedQuietly(GetVolume(request->volume_id(), response->mutable_volume()));
}

absl::StatusOr<VolumeFacts> ControllerService::FactsOfVolume(const std::string& id) {
  const auto here = volumes_->Find(id);
  if (here.ok()) return VolumeFacts{.kind = here->kind, .bytes = here->bytes};
  const auto elsewhere = facts_elsewhere_(id);
  // There is no API server to ask: this node is all there is.
  return absl::IsFailedPrecondition(elsewhere.status()) ? here.status() : elsewhere;
}

absl::Status ControllerService::Expand(const ::csi::v1::ControllerExpandVolumeRequest& request,
                                       ::csi::v1::ControllerExpandVolumeResponse* response) {
  PMEM_RETURN_IF_ERROR(CheckField("volume_id", request.volume_id()));
  if (!request.has_capacity_range()) {
    return absl::InvalidArgumentError("capacity_range is missing");
  }
  PMEM_ASSIGN_OR_RETURN(const VolumeFacts facts, FactsOfVolume(request.volume_id()));
  PMEM_ASSIGN_OR_RETURN(const int64_t bytes, PromisedBytes(facts, request.volume_id(),
                                                           DecodeRange(request.capacity_range())));
  response->set_capacity_bytes(bytes);
  // Also when the size is there already: its node may have failed to grow the file system.
  response->set_node_expansion_required(facts.kind != PoolKind::kDirect);
  return absl::OkStatus();
}

grpc::Status ControllerService::ControllerExpandVolume(
    grpc::ServerContext*, const ::csi::v1::ControllerExpandVolumeRequest* request,
    ::csi::v1::ControllerExpandVolumeResponse* response) {
  const Call call("ControllerExpandVolume", request->volume_id());
  return call.Ended(Expand(*request, response));
}

grpc::Status ControllerService::ControllerGetCapabilities(
    grpc::ServerContext*, const ::csi::v1::ControllerGetCapabilitiesRequest*,
    ::csi::v1::ControllerGetCapabilitiesResponse* response) {
  using Rpc = ::csi::v1::ControllerServiceCapability::RPC;
  for (const auto type : {Rpc::CREATE_DELETE_VOLUME, Rpc::LIST_VOLUMES, Rpc::GET_CAPACITY,
                          Rpc::EXPAND_VOLUME, Rpc::GET_VOLUME}) {
    response->add_capabilities()->mutable_rpc()->set_type(type);
  }
  return grpc::Status::OK;
}

}  // namespace pmem::driver
