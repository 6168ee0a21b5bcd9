// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_capacity_api.h"

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {
namespace {

// Where there is no answer, whatever was in the way (a token that cannot be read, too) says nothing
// of the object.
absl::StatusOr<ApiAnswer> Accepted(absl::StatusOr<ApiAnswer> got) {
  if (!got.ok()) return absl::UnavailableError(got.status().ToString());
  PMEM_RETURN_IF_ERROR(got->ToStatus());
  return got;
}

}  // namespace

absl::StatusOr<ApiAnswer> KubeCapacityApi::Send(const CapacityChange& change) {
  const std::string path = ApiPath(kStorageCapacitiesResource, kube_namespace_, change.name);
  switch (change.kind) {
    case CapacityChange::Kind::kCreate:
      return client_->Create(ApiPath(kStorageCapacitiesResource, kube_namespace_),
                             CapacityObjectJson(change), kCapacityWriteMax);
    case CapacityChange::Kind::kReplace:
      return client_->Put(path, CapacityObjectJson(change), kCapacityWriteMax);
    case CapacityChange::Kind::kDelete:
      return client_->Delete(path, CapacityDeleteJson(change), kCapacityWriteMax);
  }
  return absl::InternalError("no such change");
}

absl::StatusOr<CapacityObject> KubeCapacityApi::Write(const CapacityChange& change) {
  PMEM_ASSIGN_OR_RETURN(const ApiAnswer answer, Accepted(Send(change)));
  if (change.kind == CapacityChange::Kind::kDelete) return CapacityObject{};
  return DecodeObject<CapacityObject>(answer.body);
}

absl::StatusOr<CapacityObject> KubeCapacityApi::Get(const std::string& name) {
  const std::string path = ApiPath(kStorageCapacitiesResource, kube_namespace_, name);
  PMEM_ASSIGN_OR_RETURN(const ApiAnswer answer, Accepted(client_->Get(path, kCapacityWriteMax)));
  return DecodeObject<CapacityObject>(answer.body);
}

WatchLoop::Options CapacityWatchOptions(const std::string& kube_namespace) {
  return {.kind = "capacities",
          .resource = kStorageCapacitiesResource,
          .kube_namespace = kube_namespace,
          .label_selector =
              absl::StrCat(AbslView(kCapacityManagerLabel), "=", AbslView(kCapacityManager))};
}

}  // namespace pmem::extender
