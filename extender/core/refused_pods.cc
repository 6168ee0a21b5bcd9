// SPDX-License-Identifier: Apache-2.0
#include "extender/core/refused_pods.h"

namespace pmem::extender {

void RefusedPods::Note(const std::string& uid, int64_t turn, absl::Time now) {
  pods_[uid] = {.turn = turn, .since = now};
}

void RefusedPods::Erase(std::string_view uid) {
  const auto it = pods_.find(uid);
  if (it != pods_.end()) pods_.erase(it);
}

bool RefusedPods::HasLater(std::string_view uid, int64_t turn) const {
  const auto it = pods_.find(uid);
  return it != pods_.end() && it->second.turn > turn;
}

std::string RefusedPods::Next() {
  if (pods_.empty()) return "";
  auto next = pods_.upper_bound(looked_at_);
  if (next == pods_.end()) next = pods_.begin();
  looked_at_ = next->first;
  return looked_at_;
}

void RefusedPods::Expire(absl::Time now, absl::Duration age,
                         absl::FunctionRef<bool(const std::string& uid)> is_known) {
  if (now - expired_at_ < age) return;
  expired_at_ = now;
  std::erase_if(pods_, [&](const auto& entry) {
    return now - entry.second.since > age && !is_known(entry.first);
  });
}

}  // namespace pmem::extender
