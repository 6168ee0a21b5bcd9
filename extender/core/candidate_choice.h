// SPDX-License-Identifier: Apache-2.0
// Which of many nodes that fit an answer names when it may not name all. Pure, deterministic.
//
// Half of them are the best by our score, for the volumes' sake. The others come from all over the
// rest, one of each stretch of it: what the pod's author prefers (a zone, an image, an emptier
// node) is the scheduler's to weigh, and it can only weigh what it is given. Another pod gets
// others.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace pmem::extender {

// Indices into `scores`, rising; `count` of them, or all when there are no more. `pod_uid`: whose
// choice it is. One is the best.
std::vector<size_t> ChooseCandidates(absl::Span<const int> scores, size_t count,
                                     std::string_view pod_uid);

}  // namespace pmem::extender
