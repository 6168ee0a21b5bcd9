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

void ReportStore::Publish(CapacityReport report) {
  auto published = std::make_shared<PublishedReport>();
  published->body = SerialiseCapacityReport(report);
  published->etag = ReportEtag(report);
  published->report = std::move(report);
  const Snapshot snapshot = std::move(published);
  std::vector<Parked> ended;
  {
    MutexLock lock(&mu_);
    current_ = snapshot;
    const auto first_ended = std::stable_partition(
        parked_.begin(), parked_.end(),
        [&snapshot](const Parked& parked) { return parked.generation == GenerationOf(snapshot); });
    std::move(first_ended, parked_.end(), std::back_inserter(ended));
    parked_.erase(first_ended, parked_.end());
  }
  for (const Parked& parked : ended) parked.waiter(snapshot);
}

bool ReportStore::Wait(int64_t generation, absl::Time deadline, Waiter waiter) {
  Snapshot snapshot;
  {
    MutexLock lock(&mu_);
    snapshot = current_;
    if (!is_closed_ && generation == GenerationOf(snapshot)) {
      if (static_cast<int64_t>(parked_.size()) >= kWaitersMax) return false;
      parked_.push_back({generation, deadline, std::move(waiter)});
      return true;
    }
  }
  waiter(snapshot);
  return true;
}

void ReportStore::ExpireWaiters(absl::Time now) {
  std::vector<Parked> ended;
  Snapshot snapshot;
  {
    MutexLock lock(&mu_);
    snapshot = current_;
    const auto first_ended =
        std::stable_partition(parked_.begin(), parked_.end(),
                              [now](const Parked& parked) { return parked.deadline > now; });
    std::move(first_ended, parked_.end(), std::back_inserter(ended));
    parked_.erase(first_ended, parked_.end());
  }
  for (const Parked& parked : ended) parked.waiter(snapshot);
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
