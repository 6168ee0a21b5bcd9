// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/collector.h"

#include <algorithm>
#include <utility>

#include "common/io/log.h"
#include "common/pure/absl_view.h"

namespace pmem::agent {
namespace {

constexpr std::string_view kComponent = "collector";

template <typename T>
void Append(const std::vector<T>& from, std::vector<T>* to) {
  to->insert(to->end(), from.begin(), from.end());
}

// `last_error`: of the reading before. Repeats of the same failure are counted by the metric.
void LogNews(std::string_view source, const absl::Status& status, std::string_view last_error) {
  if (status.ok() && !last_error.empty()) {
    LogInfo(kComponent, "devices are read", {{"source", source}});
  } else if (!status.ok() && StdView(status.message()) != last_error) {
    LogWarning(kComponent, "devices cannot be read", {{"source", source}, {"error", status}});
  }
}

}  // namespace

Collector::Collector(Options options, std::vector<std::unique_ptr<PoolReader>> readers,
                     const Clock& clock, ReportStore* store)
    : options_(std::move(options)), clock_(clock), store_(store), sources_(readers.size()) {
  const absl::Time now = clock_.SteadyNow();
  MutexLock lock(&parts_mu_);
  for (size_t i = 0; i < readers.size(); ++i) {
    parts_.push_back({.source = std::string(readers[i]->source()), .tick_started = now});
    sources_[i].reader = std::move(readers[i]);
  }
  PublishHealthLocked();
}

absl::Duration Collector::tick_period() const { return std::min(options_.resync, kRetryPeriod); }

void Collector::Changed() {
  store_->NoteChange();  // First: whoever takes a flag has what it stands for.
  for (Source& source : sources_) source.has_changed = true;
}

void Collector::Tick() {
  for (size_t i = 0; i < sources_.size(); ++i) TickSource(i);
}

void Collector::TickSource(size_t index) {
  const absl::Time started = clock_.SteadyNow();
  {
    MutexLock lock(&parts_mu_);
    parts_[index].tick_started = started;
    PublishHealthLocked();
  }
  Source& source = sources_[index];
  if (source.has_changed.exchange(false) || started >= source.next_read) ReadSource(index);
}

// A report speaks of the time before its reading: what changes during it is a change to come.
void Collector::ReadSource(size_t index) {
  Source& source = sources_[index];
  const int64_t changes = store_->changes_noted();
  const absl::Time observed_at = clock_.WallNow();
  const absl::Time started = clock_.SteadyNow();
  absl::StatusOr<DeviceState> devices = source.reader->Read();
  const absl::Time ended = clock_.SteadyNow();
  if (options_.observer) {
    options_.observer({source.reader->source(), devices.ok(), ended - started, clock_.WallNow()});
  }
  source.next_read = ended + (devices.ok() ? options_.resync : tick_period());
  const std::string source_name(source.reader->source());
  const absl::Status status = devices.status();
  MutexLock publishing(&publishing_);
  std::string last_error;
  std::optional<Gathered> gathered;
  {
    MutexLock lock(&parts_mu_);
    Part& part = parts_[index];
    last_error = part.last_error;
    Keep(std::move(devices), observed_at, started, &part);
    part.changes_read = changes;
    gathered = GatherLocked();
  }
  LogNews(source_name, status, last_error);
  if (gathered) Publish(*std::move(gathered));
  MutexLock lock(&parts_mu_);
  PublishHealthLocked();
}

void Collector::Keep(absl::StatusOr<DeviceState> devices, absl::Time observed_at,
                     absl::Time read_at, Part* part) {
  part->last_error = std::string(StdView(devices.status().message()));
  if (!devices.ok()) return;
  part->last_good = *std::move(devices);
  part->observed_at = observed_at;
  part->read_at = read_at;
}

std::optional<Collector::Gathered> Collector::GatherLocked() const {
  Gathered gathered = {.reading = {.observed_at = absl::InfiniteFuture()}};
  for (const Part& part : parts_) {
    gathered.changes_read = std::max(gathered.changes_read, part.changes_read);
  }
  Reading& reading = gathered.reading;
  for (const Part& part : parts_) {
    if (!part.last_good) return std::nullopt;
    reading.observed_at = std::min(reading.observed_at, part.observed_at);
    gathered.read_at = std::min(gathered.read_at, part.read_at);
    Append(part.last_good->regions, &reading.devices.regions);
    Append(part.last_good->volume_groups, &reading.devices.volume_groups);
    if (part.last_error.empty()) {
      gathered.changes_read = std::min(gathered.changes_read, part.changes_read);
      continue;
    }
    // It says of itself that it is not known. Nobody waits for what hangs.
    reading.errors.push_back({part.source, part.last_error});
    reading.regions_are_stale |= !part.last_good->regions.empty();
    reading.volume_groups_are_stale |= !part.last_good->volume_groups.empty();
  }
  return gathered;
}

void Collector::Publish(Gathered gathered) {
  Reading& reading = gathered.reading;
  known_groups_.AddHidden(options_.builder.regions, gathered.read_at, &reading.devices);
  const ReportStore::Snapshot previous = store_->Current();
  CapacityReport report =
      BuildReport(options_.builder, reading, previous == nullptr ? nullptr : &previous->report);
  if (previous == nullptr || report.generation != previous->report.generation) {
    LogInfo(kComponent, "report changed",
            {{"generation", report.generation},
             {"pools", report.pools.size()},
             {"errors", report.errors.size()}});
  }
  store_->Publish(std::move(report), gathered.changes_read);
}

// The tick that began longest ago: one source that hangs shows.
void Collector::PublishHealthLocked() {
  CollectorHealth health = {.tick_started = absl::InfiniteFuture()};
  for (const Part& part : parts_) {
    health.tick_started = std::min(health.tick_started, part.tick_started);
    health.sources.push_back({part.source, part.last_good.has_value(), part.last_error});
  }
  store_->SetHealth(std::move(health));
}

}  // namespace pmem::agent
