// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/claim_class.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {
namespace {

// RFC 1123 subdomains, as all names of claims and kube namespaces are.
constexpr size_t kKubeNameBytesMax = 253;

bool IsKubeName(std::string_view text) {
  const auto is_allowed = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= kKubeNameBytesMax && absl::ascii_isalnum(text.front()) &&
         std::all_of(text.begin(), text.end(), is_allowed);
}

}  // namespace

absl::StatusOr<std::string> AnnotationOf(const JsonValue& metadata, std::string_view name) {
  PMEM_ASSIGN_OR_RETURN(const auto annotations, metadata.OptionalMember("annotations"));
  if (!annotations) return std::string();
  PMEM_ASSIGN_OR_RETURN(const auto value, annotations->OptionalString(name));
  return value.value_or("");
}

absl::StatusOr<std::string> ClaimPath(std::string_view kube_namespace, std::string_view name) {
  if (!IsKubeName(kube_namespace) || !IsKubeName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameters ", AbslView(kClaimNamespaceParameter), " and ",
                     AbslView(kClaimNameParameter), " name no claim"));
  }
  return absl::StrCat("/api/v1/namespaces/", AbslView(kube_namespace), "/persistentvolumeclaims/",
                      AbslView(name));
}

absl::StatusOr<std::string> ClassOfClaim(std::string_view claim_json, std::string_view volume) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(claim_json));
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, document.root().Member("metadata"));
  PMEM_ASSIGN_OR_RETURN(const std::string uid, metadata.String("uid"));
  if (uid != VolumeKey(volume)) return std::string();
  PMEM_ASSIGN_OR_RETURN(std::string old, AnnotationOf(metadata, kClassAnnotationBeta));
  if (!old.empty()) return old;
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, document.root().Member("spec"));
  PMEM_ASSIGN_OR_RETURN(const auto name, spec.OptionalString("storageClassName"));
  return name.value_or("");
}

}  // namespace pmem::driver
