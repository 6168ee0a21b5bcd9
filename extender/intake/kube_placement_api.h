// SPDX-License-Identifier: Apache-2.0
// The placement controller's calls on the real API server. Used by the controller's thread only,
// but for BeginStop.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/io/stop_flag.h"
#include "extender/core/placement_api.h"
#include "extender/intake/event_writer.h"
#include "extender/intake/kube_client.h"

namespace pmem::extender {

// Pods of one list that are kept: as many as the watch of all pods takes. More is a server that
// never ends its list.
inline constexpr size_t kListedPodsMax = 200'000;

// Of a list of pods, of which as many as above take some ten seconds. Whoever asks has other work,
// which waits for it.
inline constexpr absl::Duration kPodsListDeadline = absl::Seconds(30);
// Of each request of a wake-up, which is soon tried again: pins wait for it.
inline constexpr absl::Duration kWakeUpDeadline = absl::Seconds(5);

class KubePlacementApi final : public PlacementApi {
 public:
  // `kube_namespace`: where our own objects live.
  KubePlacementApi(KubeClient* client, EventWriter* events, std::string kube_namespace)
      : client_(client), events_(events), kube_namespace_(std::move(kube_namespace)) {}

  // Breaks off a list of pods that is under way; none is begun any more. Thread-safe.
  void BeginStop() { is_stopped_.Set(); }

  absl::Status PatchClaim(const ObjectKey& claim, const std::string& json_patch,
                          absl::Duration deadline) override;
  absl::StatusOr<std::vector<Pod>> ListPods(const std::string& kube_namespace) override;
  absl::StatusOr<std::vector<Pod>> ListPodsOn(const std::string& node) override;
  absl::StatusOr<bool> HasNode(const std::string& node, absl::Duration deadline) override;
  absl::Status WakeScheduler(int64_t sequence) override;
  void Tell(const Notice& notice) override;

 private:
  // True: to be kept.
  using Takes = absl::FunctionRef<bool(const Pod& pod)>;
  absl::StatusOr<std::vector<Pod>> ReadPods(const std::string& path_and_query, Takes takes);

  KubeClient* const client_;
  EventWriter* const events_;
  const std::string kube_namespace_;
  StopFlag is_stopped_;
};

}  // namespace pmem::extender
