// SPDX-License-Identifier: Apache-2.0
// Which StorageClass a volume is made for. A request does not say: external-provisioner passes the
// class's parameters only, and with --extra-create-metadata the name of the claim. A class that is
// called pmem-lvm or pmem-direct says its kind by that name alone. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/pure/json_reader.h"

namespace pmem::driver {

// Parameters of CreateVolume that external-provisioner adds.
inline constexpr std::string_view kClaimNameParameter = "csi.storage.k8s.io/pvc/name";
inline constexpr std::string_view kClaimNamespaceParameter = "csi.storage.k8s.io/pvc/namespace";

// Where the API server has that claim. InvalidArgument for what cannot be names in Kubernetes.
absl::StatusOr<std::string> ClaimPath(std::string_view kube_namespace, std::string_view name);

// Of an object in JSON. Empty: it has none of that name.
absl::StatusOr<std::string> AnnotationOf(const JsonValue& metadata, std::string_view name);

// The class of a PersistentVolumeClaim in JSON: its older annotation wins, as everywhere in
// Kubernetes. Empty: it has none, or is not the claim whose UID the name of `volume` ends in, but a
// later one of that name. InvalidArgument for what is no claim.
absl::StatusOr<std::string> ClassOfClaim(std::string_view claim_json, std::string_view volume);

}  // namespace pmem::driver
