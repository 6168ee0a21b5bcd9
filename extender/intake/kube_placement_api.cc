// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_placement_api.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {
namespace {
constexpr const char* kWakeUpName = "pmem-extender-wake-up";
constexpr const char* kNotOver = "status.phase!=Succeeded,status.phase!=Failed";
constexpr int kOk = 200;
}  // namespace

// With `timeout` the API server gives the request up by itself, also when it still waits for etcd.
absl::Status KubePlacementApi::PatchClaim(const ObjectKey& claim, const std::string& json_patch,
                                          absl::Duration deadline) {
  const std::string path = absl::StrCat(ApiPath(kClaimsResource, claim.kube_namespace, claim.name),
                                        "?timeout=", absl::ToInt64Milliseconds(deadline), "ms");
  const absl::StatusOr<ApiAnswer> answer = client_->Patch(path, json_patch, kJsonPatch, deadline);
  if (answer.ok()) return answer->ToStatus();
  // An answer that could not be read says nothing of the write, whatever was wrong with it.
  return absl::UnavailableError(answer.status().message());
}

absl::StatusOr<std::vector<Pod>> KubePlacementApi::ListPods(const std::string& kube_namespace) {
  // The newest there are: a pod that is in none of our lists is not waited for.
  return ReadPods(absl::StrCat(ApiPath(kPodsResource, kube_namespace),
                               "?fieldSelector=", PercentEncode(kNotOver)),
                  [](const Pod& pod) { return !pod.volumes.empty(); });
}

absl::StatusOr<std::vector<Pod>> KubePlacementApi::ListPodsOn(const std::string& node) {
  const std::string selector = absl::StrCat("spec.nodeName=", node, ",", kNotOver);
  return ReadPods(absl::StrCat(ApiPath(kPodsResource),
                               "?resourceVersion=0&fieldSelector=", PercentEncode(selector)),
                  [](const Pod&) { return true; });
}

// Item by item: a kube namespace may have any number of pods, of which few are wanted. One that
// cannot be read is left out.
absl::StatusOr<std::vector<Pod>> KubePlacementApi::ReadPods(const std::string& path_and_query,
                                                            Takes takes) {
  std::vector<Pod> pods;
  const auto on_item = [&](std::string_view json) -> absl::Status {
    PMEM_ASSIGN_OR_RETURN(DecodedItem<Pod> item, DecodeItem<Pod>(json));
    if (!item.object.ok() || !takes(*item.object)) return absl::OkStatus();
    if (pods.size() >= kListedPodsMax) {
      return absl::ResourceExhaustedError(absl::StrCat("more than ", kListedPodsMax, " pods"));
    }
    pods.push_back(*std::move(item.object));
    return absl::OkStatus();
  };
  ApiAnswer answer;
  std::string frame;
  PMEM_RETURN_IF_ERROR(client_->ReadList(path_and_query, on_item, is_stopped_, &frame,
                                         &answer.failure, kPodsListDeadline));
  answer.code = answer.failure.code == 0 ? kOk : answer.failure.code;
  PMEM_RETURN_IF_ERROR(answer.ToStatus());
  PMEM_ASSIGN_OR_RETURN(const DecodedList<Pod> list, DecodeList<Pod>(frame));
  if (list.continue_token.empty()) return pods;
  return absl::UnavailableError("the API server sent a part of the list only");
}

absl::StatusOr<bool> KubePlacementApi::HasNode(const std::string& node, absl::Duration deadline) {
  PMEM_ASSIGN_OR_RETURN(const ApiAnswer answer,
                        client_->Get(ApiPath(kNodesResource, {}, node), deadline));
  const absl::Status status = answer.ToStatus();
  if (absl::IsNotFound(status)) return false;
  PMEM_RETURN_IF_ERROR(status);
  return true;
}

// A CSIStorageCapacity without a topology: no node can reach it, so nobody counts on its room; but
// kube-scheduler retries pods that an extender refused when it changes (docs/protocol.md).
absl::Status KubePlacementApi::WakeScheduler(int64_t sequence) {
  const std::string capacity = absl::StrCat("\"", sequence, "\"");
  PMEM_ASSIGN_OR_RETURN(
      ApiAnswer answer,
      client_->Patch(ApiPath(kStorageCapacitiesResource, kube_namespace_, kWakeUpName),
                     absl::StrCat(R"({"capacity":)", capacity, "}"), kMergePatch, kWakeUpDeadline));
  if (!absl::IsNotFound(answer.ToStatus())) return answer.ToStatus();
  PMEM_ASSIGN_OR_RETURN(
      answer, client_->Create(
                  ApiPath(kStorageCapacitiesResource, kube_namespace_),
                  absl::StrCat(R"({"apiVersion":"storage.k8s.io/v1","kind":"CSIStorageCapacity",)",
                               R"("metadata":{"name":")", kWakeUpName, R"("},"storageClassName":")",
                               kWakeUpName, R"(","capacity":)", capacity, "}"),
                  kWakeUpDeadline));
  return answer.ToStatus();
}

void KubePlacementApi::Tell(const Notice& notice) {
  events_->Post({.claim = notice.claim.meta.key,
                 .claim_uid = notice.claim.meta.uid,
                 .reason = std::string(NoticeReasonName(notice.reason)),
                 .message = notice.message});
}

}  // namespace pmem::extender
