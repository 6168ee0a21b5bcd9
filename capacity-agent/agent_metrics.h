// SPDX-License-Identifier: Apache-2.0
// What the agent counts about itself and shows of its pools. Listed in docs/metrics.md.
#pragma once

#include <map>
#include <string>

#include "capacity-agent/collector.h"
#include "capacity-agent/report_store.h"
#include "common/io/http_server.h"
#include "common/io/metrics.h"

namespace pmem::agent {

// Pools come from the report in `store` at each scrape. Thread-safe. `store` must outlive
// `metrics`.
void AddPoolMetrics(const ReportStore* store, Metrics* metrics);

// Counts readings. Observe of one source on one thread at a time.
class ScanMetrics {
 public:
  // `sources`: names of all readers, so that each has its series from the start.
  ScanMetrics(const std::vector<std::string>& sources, Metrics* metrics);
  void Observe(const ScanOutcome& outcome);

 private:
  struct Series {
    Counter succeeded;
    Counter failed;
    Histogram duration;
    Gauge last_success;
  };
  std::map<std::string, Series, std::less<>> series_;
};

// Counts answers. Thread-safe.
class RequestMetrics {
 public:
  explicit RequestMetrics(Metrics* metrics);
  void Observe(const HttpExchange& exchange);

 private:
  Metrics* const metrics_;
};

}  // namespace pmem::agent
