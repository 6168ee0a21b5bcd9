// SPDX-License-Identifier: Apache-2.0
// What pinning.h keeps of lists of pods.
#include <set>
#include <string_view>

#include "common/pure/units.h"
#include "extender/core/pinning.h"

namespace pmem::extender {
namespace {

bool IsOver(const Pod& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

}  // namespace

KnownPods KnownPodsOf(const std::vector<Pod>& pods, absl::Time read_at) {
  KnownPods known{.read_at = read_at};
  for (const Pod& pod : pods) {
    if (IsOver(pod)) continue;
    std::set<std::string_view> claims;
    for (const PodVolume& volume : pod.volumes) claims.insert(volume.claim_name);
    claims.erase("");
    for (const std::string_view claim : claims) known.users[std::string(claim)].push_back(pod);
  }
  return known;
}

NodeUse UseOf(const std::vector<Pod>& pods) {
  NodeUse use;
  for (const Pod& pod : pods) {
    if (IsOver(pod)) continue;
    use.cpu_milli = AddBytes(use.cpu_milli, pod.requested_cpu_milli);
    use.memory_bytes = AddBytes(use.memory_bytes, pod.requested_memory_bytes);
  }
  return use;
}

}  // namespace pmem::extender
