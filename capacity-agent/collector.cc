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

}  // namespace

Collector::Collector(Options options, std::vector<std::unique_ptr<PoolReader>> readers,
                     const Clock& clock, ReportStore* store)
    : options_(std::move(options)), clock_(clock), store_(store) {
  for (std::unique_ptr<PoolReader>& reader : readers) {
    sources_.push_back({.reader = std::move(reader), .last_error = "not read yet"});
  }
  PublishHealth(clock_.SteadyNow());
}

absl::Duration Collector::tick_period() const { return std::min(options_.resync, kRetryPeriod); }

bool Collector::IsDue(absl::Time now) { return has_changed_.exchange(false) || now >= next_read_; }

void Collector::Tick() {
  const absl::Time started = clock_.SteadyNow();
  PublishHealth(started);
  if (!IsDue(started)) return;
  ReadAll();
  PublishHealth(started);
}

// A report speaks of the time before its reading: what changes during it is a change to come.
void Collector::ReadAll() {
  bool has_failed = false;
  for (Source& source : sources_) {
    ReadSource(&source);
    has_failed |= !source.last_error.empty();
    Publish();
  }
  next_read_ = clock_.SteadyNow() + (has_failed ? tick_period() : options_.resync);
}

void Collector::ReadSource(Source* source) {
  const std::string_view name = source->reader->source();
  source->observed_at = clock_.WallNow();
  const absl::Time started = clock_.SteadyNow();
  absl::StatusOr<DeviceState> devices = source->reader->Read();
  const absl::Duration duration = clock_.SteadyNow() - started;
  if (options_.observer) options_.observer({name, devices.ok(), duration, clock_.WallNow()});
  if (devices.ok()) {
    if (!source->last_error.empty()) LogInfo(kComponent, "devices are read", {{"source", name}});
    source->last_good = *std::move(devices);
    source->last_error.clear();
    return;
  }
  const std::string error(StdView(devices.status().message()));
  // Repeats of the same failure are counted by the metric.
  if (error != source->last_error) {
    LogWarning(kComponent, "devices cannot be read",
               {{"source", name}, {"error", devices.status()}});
  }
  source->last_error = error;
}

// Nothing before every source has been read once.
void Collector::Publish() {
  Reading reading = {.observed_at = absl::InfiniteFuture()};
  for (const Source& source : sources_) {
    if (!source.last_good) return;
    reading.observed_at = std::min(reading.observed_at, source.observed_at);
    Append(source.last_good->regions, &reading.devices.regions);
    Append(source.last_good->volume_groups, &reading.devices.volume_groups);
    if (source.last_error.empty()) continue;
    reading.errors.push_back({std::string(source.reader->source()), source.last_error});
    reading.regions_are_stale |= !source.last_good->regions.empty();
    reading.volume_groups_are_stale |= !source.last_good->volume_groups.empty();
  }
  const ReportStore::Snapshot previous = store_->Current();
  CapacityReport report =
      BuildReport(options_.builder, reading, previous == nullptr ? nullptr : &previous->report);
  if (previous == nullptr || report.generation != previous->report.generation) {
    LogInfo(kComponent, "report changed",
            {{"generation", report.generation},
             {"pools", report.pools.size()},
             {"errors", report.errors.size()}});
  }
  store_->Publish(std::move(report));
}

void Collector::PublishHealth(absl::Time tick_started) {
  CollectorHealth health = {.tick_started = tick_started};
  for (const Source& source : sources_) {
    health.sources.push_back(
        {std::string(source.reader->source()), source.last_good.has_value(), source.last_error});
  }
  store_->SetHealth(std::move(health));
}

}  // namespace pmem::agent
