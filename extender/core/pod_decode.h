// SPDX-License-Identifier: Apache-2.0
// The pod's part of kube_decode; use DecodeObject<Pod>. Pure, thread-safe.
#pragma once

#include "absl/status/statusor.h"
#include "common/pure/json_reader.h"
#include "extender/core/kube_decode.h"
#include "extender/core/kube_objects.h"

namespace pmem::extender {

absl::StatusOr<Pod> DecodePod(const JsonValue& object);
absl::StatusOr<AgentPod> DecodeAgentPod(const JsonValue& object);

}  // namespace pmem::extender
