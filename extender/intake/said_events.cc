// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/said_events.h"

#include <algorithm>

namespace pmem::extender {

bool SaidEvents::MayBeSaid(const Said& said, absl::Time now) const {
  const auto found = entries_.find(said);
  return found == entries_.end() || found->second.again_at <= now;
}

bool SaidEvents::Note(const Said& said, absl::Time now) {
  auto found = entries_.find(said);
  if (found == entries_.end()) {
    if (!MakeRoom(now)) return false;
    found = entries_.emplace(said, Entry{}).first;
  }
  SetAgain(said, &found->second, now + kClaimEventRepeat);
  return true;
}

void SaidEvents::NoteWritten(const Said& said) {
  const auto found = entries_.find(said);
  if (found != entries_.end()) found->second.pause = absl::ZeroDuration();
}

void SaidEvents::NoteRefused(const Said& said, absl::Time now, absl::Duration retry_after) {
  const auto found = entries_.find(said);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  entry.pause = std::clamp(entry.pause * 2, kClaimEventRetryMin, kClaimEventRetryMax);
  SetAgain(said, &entry, now + std::clamp(retry_after, entry.pause, kClaimEventRetryMax));
}

bool SaidEvents::MakeRoom(absl::Time now) {
  if (entries_.size() < kClaimEventMemoryMax) return true;
  const auto first = order_.begin();
  if (first->first > now) return false;
  entries_.erase(first->second);
  order_.erase(first);
  return true;
}

void SaidEvents::SetAgain(const Said& said, Entry* entry, absl::Time at) {
  order_.erase({entry->again_at, said});
  entry->again_at = at;
  order_.emplace(at, said);
}

}  // namespace pmem::extender
