// SPDX-License-Identifier: Apache-2.0
// What the operators' requests ask for. Strict: an unknown parameter or member is an error, so that
// a slip of the pen is not answered as if it had not been there. Pure.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "extender/core/simulation.h"
#include "extender/core/views.h"

namespace pmem::extender {

using Query = std::map<std::string, std::string>;

// InvalidArgument when the query has a parameter that is not among `allowed`.
absl::Status CheckQuery(const Query& query, std::initializer_list<std::string_view> allowed);

// `limit` (1 to kPageMax) and `continue`.
absl::StatusOr<Page> ParsePage(const Query& query);

// "<kube_namespace>/<name>", both non-empty.
absl::StatusOr<ObjectKey> ParseKey(std::string_view text);

struct SimulationClaim {
  std::string storage_class;  // Empty: `kind` counts.
  PoolKind kind = PoolKind::kLvm;
  int64_t requested_bytes = 0;
};

struct SimulationRequest {
  std::vector<SimulationClaim> claims;
  int replicas = 1;
  std::optional<Strategy> strategy;  // Absent: that of the verbs.
};

// {"claims":[{"kind":"lvm","size":"10Gi"}],"replicas":3,"strategy":"binpack"}; a claim has `kind`
// or `storage_class`, and `size` (a Kubernetes quantity) or `bytes`.
absl::StatusOr<SimulationRequest> ParseSimulation(std::string_view json);

}  // namespace pmem::extender
