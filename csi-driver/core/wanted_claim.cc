// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/wanted_claim.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"
#include "csi-driver/core/claim_class.h"

namespace pmem::driver {

absl::Status CheckWanted(std::string_view claim_json, std::string_view volume,
                         std::string_view node) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(claim_json));
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, document.root().Member("metadata"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, document.root().Member("spec"));
  PMEM_ASSIGN_OR_RETURN(const std::string uid, metadata.String("uid"));
  PMEM_ASSIGN_OR_RETURN(const std::string selected,
                        AnnotationOf(metadata, kSelectedNodeAnnotation));
  PMEM_ASSIGN_OR_RETURN(const auto bound, spec.OptionalString("volumeName"));
  if (uid != VolumeKey(volume)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the claim is gone, another one has its name: ", AbslView(volume), " is not made"));
  }
  if (!bound.value_or("").empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the claim has volume ", *bound, ": ", AbslView(volume), " is not made"));
  }
  if (selected == node) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the claim's selected node is ", selected.empty() ? "none" : selected, ", not ",
                   AbslView(node), ": ", AbslView(volume), " is not made here"));
}

}  // namespace pmem::driver
