// SPDX-License-Identifier: Apache-2.0
// Private to extender/wire: the part of a Pod that the verbs need. Pure.
#pragma once

#include "absl/status/statusor.h"
#include "extender/core/kube_objects.h"
#include "extender/wire/json_walk.h"

namespace pmem::extender {

// False for null. `out` gets meta, scheduler_name, node_name, nominated_node_name, phase, volumes
// that refer to claims, and owners. Errors: InvalidArgument; ResourceExhausted for kPodDepthMax and
// kPodVolumesMax.
absl::StatusOr<bool> DecodePod(json_walk::ondemand::value value, Pod& out);

// metadata.uid of a whole pod; empty when it has none.
absl::StatusOr<std::string_view> DecodePodUid(json_walk::ondemand::value value,
                                              std::string_view where,
                                              std::deque<std::string>& unescaped);

}  // namespace pmem::extender
