// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/leader_label.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/io/log.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_writer.h"
#include "common/pure/status_macros.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "leader";
// As in manifests/base/extender.yaml: the Service selects by it too, and the admission policy lets
// us touch no other pod.
constexpr const char* kPodsOfOurs = "app.kubernetes.io/name=pmem-extender";
constexpr const char* kLabelPointer = "/metadata/labels/pmem.csi.alibabacloud.com~1role";

std::string ShowPatch(bool is_leader) {
  JsonWriter json;
  json.BeginObject().Key("metadata").BeginObject().Key("labels").BeginObject().Key(kLeaderLabel);
  is_leader ? json.String(kLeaderLabelValue) : json.Null();
  json.EndObject().EndObject().EndObject();
  return json.Take();
}

// Only from the pod that was seen, and only this value.
std::string TakeOffPatch(const Pod& pod) {
  JsonWriter json;
  json.BeginArray();
  json.BeginObject().String("op", "test").String("path", "/metadata/uid");
  json.String("value", pod.meta.uid).EndObject();
  json.BeginObject().String("op", "test").String("path", kLabelPointer);
  json.String("value", kLeaderLabelValue).EndObject();
  json.BeginObject().String("op", "remove").String("path", kLabelPointer).EndObject();
  json.EndArray();
  return json.Take();
}

}  // namespace

LeaderLabel::LeaderLabel(Options options, KubeClient* client, const Clock* clock,
                         std::function<bool()> leads)
    : options_(std::move(options)),
      client_(client),
      clock_(clock),
      leads_(std::move(leads)),
      task_("leader-label", [this] { return Tick(); }) {}

void LeaderLabel::Stop() {
  task_.Stop();
  if (shown_ != false && !leads_()) Show(false).IgnoreError();
}

absl::Duration LeaderLabel::Tick() {
  const absl::Time now = clock_->SteadyNow();
  if (now < paused_until_) return paused_until_ - now;
  const bool is_leader = leads_();
  const bool is_due = is_leader && now >= look_at_;
  if (shown_ != is_leader || is_due) PutRight(is_leader, is_due);
  if (shown_ != is_leader) return kPeriod;
  return is_leader ? std::max(look_at_ - clock_->SteadyNow(), kPeriod) : kLookPause;
}

void LeaderLabel::PutRight(bool is_leader, bool is_due) {
  absl::Status status;
  if (shown_ != is_leader) status = Show(is_leader);
  if (status.ok() && is_due) status = PutOthersRight();
  if (status.ok()) return;
  paused_until_ = clock_->SteadyNow() + kFailurePause;
  LogWarning(kComponent, "pods do not show who leads",
             {{"pod", options_.pod_name}, {"leads", is_leader}, {"error", status}});
}

absl::Status LeaderLabel::Show(bool is_leader) {
  shown_.reset();  // Until the answer: it may be done and its answer lost.
  PMEM_ASSIGN_OR_RETURN(
      const ApiAnswer answer,
      client_->Patch(ApiPath(kPodsResource, options_.kube_namespace, options_.pod_name),
                     ShowPatch(is_leader), kMergePatch, kRequestMax));
  PMEM_RETURN_IF_ERROR(answer.ToStatus());
  shown_ = is_leader;
  return absl::OkStatus();
}

absl::Status LeaderLabel::PutOthersRight() {
  const std::string query =
      absl::StrCat("?resourceVersion=0&labelSelector=",
                   PercentEncode(absl::StrCat(kPodsOfOurs, ",", AbslView(kLeaderLabel), "=",
                                              AbslView(kLeaderLabelValue))));
  PMEM_ASSIGN_OR_RETURN(
      const ApiAnswer answer,
      client_->Get(absl::StrCat(ApiPath(kPodsResource, options_.kube_namespace), query),
                   kRequestMax));
  PMEM_RETURN_IF_ERROR(answer.ToStatus());
  PMEM_ASSIGN_OR_RETURN(const DecodedList<Pod> list, DecodeList<Pod>(answer.body));
  bool is_ours_there = false;
  absl::Status taken_off;  // One that keeps it, whatever we do, keeps us from nothing else.
  for (const Pod& pod : list.objects) {
    if (pod.meta.key.name == options_.pod_name) {
      is_ours_there = true;
    } else if (leads_()) {
      taken_off.Update(TakeOff(pod));
    }
  }
  if (taken_off.ok()) look_at_ = clock_->SteadyNow() + kLookPause;
  if (!is_ours_there) shown_.reset();  // Somebody took it off, or the list is a little old.
  return taken_off;
}

absl::Status LeaderLabel::TakeOff(const Pod& pod) {
  PMEM_ASSIGN_OR_RETURN(
      const ApiAnswer answer,
      client_->Patch(ApiPath(kPodsResource, options_.kube_namespace, pod.meta.key.name),
                     TakeOffPatch(pod), kJsonPatch, kRequestMax));
  absl::Status status = answer.ToStatus();
  // It is gone, or shows it no more.
  if (absl::IsNotFound(status) || absl::IsFailedPrecondition(status)) return absl::OkStatus();
  return status;
}

}  // namespace pmem::extender
