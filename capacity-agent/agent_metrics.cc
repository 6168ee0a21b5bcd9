// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/agent_metrics.h"

#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pmem::agent {
namespace {

using PoolValue = std::function<std::optional<double>(const PoolReport&)>;

void AddPoolGauge(const ReportStore* store, std::string_view what, std::string_view help,
                  PoolValue value, Metrics* metrics) {
  metrics->AddCollector(what, help, {"node", "pool", "kind"}, [store, value = std::move(value)] {
    std::vector<MetricSample> samples;
    const ReportStore::Snapshot snapshot = store->Current();
    if (snapshot == nullptr) return samples;
    for (const PoolReport& pool : snapshot->report.pools) {
      const std::optional<double> number = value(pool);
      if (!number) continue;
      samples.push_back({{{"node", snapshot->report.node},
                          {"pool", pool.id},
                          {"kind", std::string(PoolKindName(pool.kind))}},
                         *number});
    }
    return samples;
  });
}

std::vector<MetricSample> PoolStates(const ReportStore* store) {
  std::vector<MetricSample> samples;
  const ReportStore::Snapshot snapshot = store->Current();
  if (snapshot == nullptr) return samples;
  for (const PoolReport& pool : snapshot->report.pools) {
    samples.push_back({{{"node", snapshot->report.node},
                        {"pool", pool.id},
                        {"state", std::string(PoolStateName(pool.state))}},
                       1});
  }
  return samples;
}

std::optional<double> Fragmentation(const PoolReport& pool) {
  if (pool.kind != PoolKind::kDirect || pool.free_extents.empty()) return std::nullopt;
  int64_t largest_bytes = 0;
  for (const FreeExtent& extent : pool.free_extents) {
    largest_bytes = std::max(largest_bytes, extent.bytes);
  }
  return 1 - static_cast<double>(largest_bytes) / static_cast<double>(pool.available_bytes);
}

std::optional<double> LabelSlots(const PoolReport& pool) {
  if (!pool.label_slots_free) return std::nullopt;
  return static_cast<double>(*pool.label_slots_free);
}

void AddReportMetrics(const ReportStore* store, Metrics* metrics) {
  metrics->AddCollector("report_generation", "Generation of the current report.", {}, [store] {
    const ReportStore::Snapshot snapshot = store->Current();
    std::vector<MetricSample> samples;
    if (snapshot != nullptr) {
      samples.push_back({{}, static_cast<double>(snapshot->report.generation)});
    }
    return samples;
  });
  metrics->AddCollector("report_errors", "Errors in the current report.", {}, [store] {
    const ReportStore::Snapshot snapshot = store->Current();
    std::vector<MetricSample> samples;
    if (snapshot != nullptr) {
      samples.push_back({{}, static_cast<double>(snapshot->report.errors.size())});
    }
    return samples;
  });
  metrics->AddCollector(
      "waiting_readers", "Long-polls that wait for the next report.", {}, [store] {
        return std::vector<MetricSample>{{{}, static_cast<double>(store->waiters())}};
      });
}

}  // namespace

void AddPoolMetrics(const ReportStore* store, Metrics* metrics) {
  const auto bytes = [store, metrics](std::string_view what, std::string_view help,
                                      int64_t PoolReport::*member) {
    AddPoolGauge(
        store, what, help,
        [member](const PoolReport& pool) { return static_cast<double>(pool.*member); }, metrics);
  };
  bytes("pool_total_bytes", "Size found on the device.", &PoolReport::total_bytes);
  bytes("pool_allocatable_bytes", "What volumes may use in all.", &PoolReport::allocatable_bytes);
  bytes("pool_available_bytes", "Allocatable minus all volumes.", &PoolReport::available_bytes);
  bytes("pool_max_volume_bytes", "Largest volume that could be created now.",
        &PoolReport::volume_bytes_max);
  bytes("pool_alignment_bytes", "Volume sizes are multiples of it.", &PoolReport::alignment_bytes);
  AddPoolGauge(
      store, "pool_volumes", "Volumes, ours and foreign.",
      [](const PoolReport& pool) { return static_cast<double>(pool.volumes.size()); }, metrics);
  AddPoolGauge(
      store, "pool_free_extents", "Free ranges of a region; absent when not known.",
      [](const PoolReport& pool) -> std::optional<double> {
        if (pool.kind != PoolKind::kDirect) return std::nullopt;
        if (pool.free_extents.empty() && pool.available_bytes > 0) return std::nullopt;
        return static_cast<double>(pool.free_extents.size());
      },
      metrics);
  AddPoolGauge(store, "pool_fragmentation_ratio",
               "1 minus the largest free range of a region over all of its free space.",
               Fragmentation, metrics);
  AddPoolGauge(store, "pool_label_slots_free", "Volumes that a region's labels can still name.",
               LabelSlots, metrics);
  metrics->AddCollector("pool_state", "1 for the state that the pool is in.",
                        {"node", "pool", "state"}, [store] { return PoolStates(store); });
  AddReportMetrics(store, metrics);
}

ScanMetrics::ScanMetrics(const std::vector<std::string>& sources, Metrics* metrics) {
  constexpr std::string_view kScans = "scans_total";
  constexpr std::string_view kScansHelp = "Readings of the devices.";
  for (const std::string& source : sources) {
    series_.emplace(
        source,
        Series{metrics->AddCounter(kScans, kScansHelp, {{"source", source}, {"result", "ok"}}),
               metrics->AddCounter(kScans, kScansHelp, {{"source", source}, {"result", "error"}}),
               metrics->AddHistogram("scan_duration_seconds", "How long one reading took.",
                                     DurationBuckets(), {{"source", source}}),
               metrics->AddGauge("last_successful_scan_timestamp_seconds",
                                 "When the last good reading ended.", {{"source", source}})});
  }
}

void ScanMetrics::Observe(const ScanOutcome& outcome) {
  const auto found = series_.find(outcome.source);
  if (found == series_.end()) return;
  const Series& series = found->second;
  series.duration.Observe(absl::ToDoubleSeconds(outcome.duration));
  (outcome.is_ok ? series.succeeded : series.failed).Increment();
  if (outcome.is_ok) {
    series.last_success.Set(absl::ToDoubleSeconds(outcome.ended_at - absl::UnixEpoch()));
  }
}

RequestMetrics::RequestMetrics(Metrics* metrics) : metrics_(metrics) {}

void RequestMetrics::Observe(const HttpExchange& exchange) {
  const MetricLabels labels = {{"route", std::string(exchange.route)},
                               {"code", absl::StrCat(exchange.status)}};
  metrics_->AddCounter("http_requests_total", "Answered requests.", labels).Increment();
}

}  // namespace pmem::agent
