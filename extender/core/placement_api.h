// SPDX-License-Identifier: Apache-2.0
// The seam between the placement controller and the API server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "extender/core/kube_objects.h"
#include "extender/core/pinning.h"

namespace pmem::extender {

// The API calls of the controller. Blocks. Not thread-safe: its thread alone makes them. A
// fake stands in for unit tests.
class PlacementApi {
 public:
  virtual ~PlacementApi() = default;
  // Patches a claim. FailedPrecondition: a test failed (the race is lost); NotFound: it is gone.
  // After Unavailable, DeadlineExceeded and Unknown it is not known whether it was written; past
  // the deadline nobody works on it any more. After any other error it certainly was not.
  virtual absl::Status PatchClaim(const ObjectKey& claim, const std::string& json_patch,
                                  absl::Duration deadline) = 0;
  // The pods of a kube_namespace that use claims and are not over.
  virtual absl::StatusOr<std::vector<Pod>> ListPods(const std::string& kube_namespace) = 0;
  // The pods of a node that are not over.
  virtual absl::StatusOr<std::vector<Pod>> ListPodsOn(const std::string& node) = 0;
  // Whether there is such a Node, as the API server says itself.
  virtual absl::StatusOr<bool> HasNode(const std::string& node, absl::Duration deadline) = 0;
  // Changes an object that kube-scheduler listens to, so that it tries refused pods again.
  virtual absl::Status WakeScheduler(int64_t sequence) = 0;
  // Tells the claim's users; repeated notices are the implementation's business.
  virtual void Tell(const Notice& notice) = 0;
};

}  // namespace pmem::extender
