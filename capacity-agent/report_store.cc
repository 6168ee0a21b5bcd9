// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/report_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pmem::agent {
namespace {

int64_t GenerationOf(const ReportStore::Snapshot& snapshot) {
  return snapshot == nullptr ? -1 : snapshot->report.generation;
}

}  // namespace

std::string ReportEtag(const CapacityReport& report) {
  return absl::StrCat("\"", report.boot_id, "+", report.generation, "\"");
}

ReportStore::Snapshot ReportStore::Current() const {
  MutexLock lock(&mu_);
  return current_;
}

std::vector<ReportStore::Parked> ReportStore::TakeEndedLocked(
    const std::function<bool(const Parked&)>& stays) {
  std::vector<Parked> ended;
  const auto first_ended = std::stable_partition(parked_.begin(), parked_.end(), stays);
  std::move(first_ended, parked_.end(), std::back_inserter(ended));
  parked_.erase(first_ended, parked_.end());
  return ended;
}

bool ReportStore::IsSoonerLocked(absl::Time due) {
  if (due >= due_) return false;
  due_ = due;
  return true;
}

void ReportStore::TellSooner(bool is_sooner) const {
  if (is_sooner && on_due_sooner_) on_due_sooner_();
}

// Also news is held while it is behind: with a change of one source it could speak of a time before
// a change of another, and the extender takes an answer for a look at all of them.
void ReportStore::Publish(CapacityReport report, int64_t changes_read) {
  auto published = std::make_shared<PublishedReport>();
  published->body = SerialiseCapacityReport(report);
  published->etag = ReportEtag(report);
  published->report = std::move(report);
  const Snapshot snapshot = std::move(published);
  std::vector<Parked> ended;
  bool is_sooner = false;
  {
    MutexLock lock(&mu_);
    current_ = snapshot;
    changes_read_ = changes_read;
    for (Parked& parked : parked_) {
      const bool is_news = parked.generation != GenerationOf(snapshot);
      if (is_news && !parked.awaits) parked.awaits = changes_noted_;
    }
    ended = TakeEndedLocked([changes_read](const Parked& parked) {
      return !parked.awaits || *parked.awaits > changes_read;
    });
    // From now on they are not held for ever.
    const bool has_held = std::any_of(parked_.begin(), parked_.end(), [](const Parked& parked) {
      return parked.awaits.has_value();
    });
    is_sooner = has_held && IsSoonerLocked(absl::InfinitePast());
  }
  TellSooner(is_sooner);
  for (const Parked& parked : ended) parked.waiter(snapshot, true);
}

bool ReportStore::Wait(int64_t generation, absl::Time deadline, Waiter waiter) {
  Snapshot snapshot;
  bool is_read = false;
  bool is_parked = false;
  bool is_sooner = false;
  {
    MutexLock lock(&mu_);
    snapshot = current_;
    is_read = changes_noted_ <= changes_read_;
    const bool is_known = generation == GenerationOf(snapshot);
    if (!is_closed_ && (is_known || !is_read)) {
      if (static_cast<int64_t>(parked_.size()) >= kWaitersMax) return false;
      parked_.push_back({generation, deadline, std::move(waiter)});
      if (!is_known) parked_.back().awaits = changes_noted_;
      is_sooner = IsSoonerLocked(is_known ? deadline : absl::InfinitePast());
      is_parked = true;
    }
  }
  TellSooner(is_sooner);
  if (!is_parked) waiter(snapshot, is_read);
  return true;
}

absl::Time ReportStore::ExpireWaiters(absl::Time now) {
  std::vector<Parked> ended;
  Snapshot snapshot;
  int64_t read = 0;
  absl::Time due = absl::InfiniteFuture();
  {
    MutexLock lock(&mu_);
    snapshot = current_;
    read = changes_read_;
    for (Parked& parked : parked_) {
      if (parked.awaits) parked.deadline = std::min(parked.deadline, now);  // There is news.
      // Once: changes may go on for ever.
      if (parked.deadline <= now && !parked.awaits) parked.awaits = changes_noted_;
    }
    ended = TakeEndedLocked([now, read](const Parked& parked) {
      return !parked.awaits || (*parked.awaits > read && now < parked.deadline + kHoldMax);
    });
    for (const Parked& parked : parked_) {
      due = std::min(due, parked.awaits ? parked.deadline + kHoldMax : parked.deadline);
    }
    due_ = due;
  }
  for (const Parked& parked : ended) parked.waiter(snapshot, *parked.awaits <= read);
  return due;
}

void ReportStore::NoteChange() {
  MutexLock lock(&mu_);
  ++changes_noted_;
}

int64_t ReportStore::changes_noted() const {
  MutexLock lock(&mu_);
  return changes_noted_;
}

bool ReportStore::IsBehind() const {
  MutexLock lock(&mu_);
  return changes_read_ < changes_noted_;
}

void ReportStore::Close() {
  {
    MutexLock lock(&mu_);
    is_closed_ = true;
  }
  ExpireWaiters(absl::InfiniteFuture());
}

int64_t ReportStore::waiters() const {
  MutexLock lock(&mu_);
  return static_cast<int64_t>(parked_.size());
}

void ReportStore::SetHealth(CollectorHealth health) {
  MutexLock lock(&mu_);
  health_ = std::move(health);
}

CollectorHealth ReportStore::health() const {
  MutexLock lock(&mu_);
  return health_;
}

}  // namespace pmem::agent
