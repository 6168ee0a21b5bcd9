// SPDX-License-Identifier: Apache-2.0
// CSIStorageCapacity objects on the real API server. Used by the controller's thread only.
#pragma once

#include <string>
#include <utility>

#include "extender/core/capacity_api.h"
#include "extender/intake/kube_client.h"
#include "extender/intake/watch_loop.h"

namespace pmem::extender {

// From the request to the whole answer of one write.
inline constexpr absl::Duration kCapacityWriteMax = absl::Seconds(5);

class KubeCapacityApi final : public CapacityApi {
 public:
  // `kube_namespace`: where our own objects live.
  KubeCapacityApi(KubeClient* client, std::string kube_namespace)
      : client_(client), kube_namespace_(std::move(kube_namespace)) {}

  absl::StatusOr<CapacityObject> Write(const CapacityChange& change) override;
  absl::StatusOr<CapacityObject> Get(const std::string& name) override;

 private:
  absl::StatusOr<ApiAnswer> Send(const CapacityChange& change);

  KubeClient* const client_;
  const std::string kube_namespace_;
};

// The watch of our own objects, whoever changes them.
WatchLoop::Options CapacityWatchOptions(const std::string& kube_namespace);

}  // namespace pmem::extender
