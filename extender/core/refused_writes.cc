// SPDX-License-Identifier: Apache-2.0
#include "extender/core/refused_writes.h"

#include <algorithm>
#include <string_view>

#include "absl/container/flat_hash_set.h"

namespace pmem::extender {

bool RefusedWrites::MayTry(const CapacityChange& change, absl::Time now) const {
  if (refusals_.empty()) return true;
  const auto found = refusals_.find(Key{change.name, change.kind});
  return found == refusals_.end() || found->second.again_at <= now;
}

std::optional<absl::Duration> RefusedWrites::Note(const CapacityChange& change, absl::Time now) {
  const Key key{change.name, change.kind};
  const auto found = refusals_.find(key);
  if (found == refusals_.end() && refusals_.size() >= kRefusedWritesMax) return std::nullopt;
  const absl::Duration last = found == refusals_.end() ? absl::ZeroDuration() : found->second.pause;
  const absl::Duration pause = std::clamp(last * 2, kRefusedPauseMin, kRefusedPauseMax);
  refusals_[key] = {.again_at = now + pause, .pause = pause};
  return pause;
}

void RefusedWrites::KeepOnly(const std::vector<CapacityChange>& plan) {
  if (refusals_.empty()) return;
  absl::flat_hash_set<std::string_view> names;
  for (const CapacityChange& change : plan) names.insert(change.name);
  absl::erase_if(refusals_, [&names](const auto& entry) {
    return !names.contains(std::string_view(entry.first.first));
  });
}

}  // namespace pmem::extender
