// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_placement_api.h"

#include <utility>

#include "common/pure/status_macros.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {

absl::Status KubePlacementApi::PatchClaim(const ObjectKey& claim, const std::string& json_patch) {
  PMEM_ASSIGN_OR_RETURN(const ApiAnswer answer,
                        client_->Patch(ApiPath(kClaimsResource, claim.kube_namespace, claim.name),
                                       json_patch, kJsonPatch));
  return answer.ToStatus();
}

absl::StatusOr<std::vector<Pod>> KubePlacementApi::ListPods(const std::string& kube_namespace) {
  PMEM_ASSIGN_OR_RETURN(
      const ApiAnswer answer,
      client_->List(ApiPath(kPodsResource, kube_namespace) + "?resourceVersion=0"));
  PMEM_RETURN_IF_ERROR(answer.ToStatus());
  PMEM_ASSIGN_OR_RETURN(DecodedList<Pod> list, DecodeList<Pod>(answer.body));
  return std::move(list.objects);
}

void KubePlacementApi::Tell(const Notice& notice) {
  events_->Post({.claim = notice.claim.meta.key,
                 .claim_uid = notice.claim.meta.uid,
                 .reason = std::string(NoticeReasonName(notice.reason)),
                 .message = notice.message});
}

}  // namespace pmem::extender
