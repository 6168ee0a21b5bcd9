// SPDX-License-Identifier: Apache-2.0
#include "extender/core/pin_memory.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pmem::extender {

absl::Time PinMemory::Since(const std::string& key, absl::Time now) {
  const auto [it, is_new] = ages_.try_emplace(key);
  if (is_new) it->second.since = now;
  it->second.is_used = true;
  return it->second.since;
}

void PinMemory::NoteWrite(const Claim& claim, const std::string& node, Written written,
                          absl::Time now) {
  Attempt& attempt = attempts_[claim.meta.uid];
  attempt.resource_version = claim.meta.resource_version;
  const bool is_pin = !node.empty() && written != Written::kNo;
  attempt.until = now + (is_pin ? kPinPatience : kLossPatience);
  // Nobody refuses what was not written: where that is not known, the watch tells.
  attempt.node = written == Written::kYes ? node : "";
}

bool PinMemory::IsAwaited(const Claim& claim, absl::Time now) const {
  const auto it = attempts_.find(claim.meta.uid);
  return it != attempts_.end() && now < it->second.until &&
         it->second.resource_version == claim.meta.resource_version;
}

void PinMemory::NotePinned(const Claim& claim) {
  if (claim.is_pinned_by_us) attempts_[claim.meta.uid].node = claim.selected_node;
}

void PinMemory::NoteUnplaced(const Claim& claim, absl::Time now) {
  const auto it = attempts_.find(claim.meta.uid);
  if (it == attempts_.end() || it->second.node.empty()) return;
  it->second.refused[std::exchange(it->second.node, "")] = now + kRefusalPause;
}

bool PinMemory::IsRefused(const std::string& claim_uid, std::string_view node,
                          absl::Time now) const {
  const auto it = attempts_.find(claim_uid);
  if (it == attempts_.end()) return false;
  const auto refused = it->second.refused.find(node);
  return refused != it->second.refused.end() && now < refused->second;
}

void PinMemory::NoteComing(ComingPods coming, absl::Time now) {
  for (auto it = arrivals_.begin(); it != arrivals_.end();) {
    it = now - it->second < kArrivalsKept ? std::next(it) : arrivals_.erase(it);
  }
  for (const auto& [node, before] : coming_) {
    const auto still = coming.find(node);
    const bool are_all_coming = std::all_of(before.begin(), before.end(), [&](const auto& pod) {
      return still != coming.end() && still->second.contains(pod.first);
    });
    if (!are_all_coming) arrivals_[node] = now;
  }
  coming_ = std::move(coming);
}

absl::Time PinMemory::LastArrival(const std::string& node) const {
  const auto it = arrivals_.find(node);
  return it == arrivals_.end() ? absl::InfinitePast() : it->second;
}

void PinMemory::NoteRead(const std::string& key) {
  const auto asked = askers_.extract(key);
  if (asked.empty()) return;
  std::vector<std::pair<int64_t, std::string>> in_order;
  for (const auto& [uid, ask] : asked.mapped()) in_order.emplace_back(ask.number, uid);
  std::sort(in_order.begin(), in_order.end());
  const std::set<std::string> known(answered_.begin(), answered_.end());
  for (const auto& [number, uid] : in_order) {
    if (!known.contains(uid)) answered_.push_back(uid);
  }
}

std::optional<std::string> PinMemory::TakeAnswered() {
  if (answered_.empty()) return std::nullopt;
  std::string uid = std::move(answered_.front());
  answered_.pop_front();
  return uid;
}

const ReplicaIndex& PinMemory::Replicas(const ObjectCache& cache, absl::Time since,
                                        absl::Time now) {
  if (!replicas_ || replicas_made_at_ < since) {
    replicas_.emplace(cache);
    replicas_made_at_ = now;
  }
  return *replicas_;
}

void PinMemory::EndRound(const std::set<std::string>& open) {
  round_ = {};
  // Who did not ask again in this round waits for it no more.
  for (auto it = ages_.begin(); it != ages_.end();) {
    const bool was_used = std::exchange(it->second.is_used, false);
    it = was_used ? std::next(it) : ages_.erase(it);
  }
  for (auto it = askers_.begin(); it != askers_.end();) {
    absl::erase_if(it->second, [this](const auto& asker) { return asker.second.round < rounds_; });
    it = it->second.empty() ? askers_.erase(it) : std::next(it);
  }
  ++rounds_;
  for (auto it = attempts_.begin(); it != attempts_.end();) {
    it = open.contains(it->first) ? std::next(it) : attempts_.erase(it);
  }
}

}  // namespace pmem::extender
