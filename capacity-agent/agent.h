// SPDX-License-Identifier: Apache-2.0
// The whole agent, put together from its configuration. Threads: the collector's, one for each
// source (read devices), the change watcher (wakes them), the wait timer (ends long-polls) and the
// HTTP pool.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "capacity-agent/agent_metrics.h"
#include "capacity-agent/collector.h"
#include "capacity-agent/config.h"
#include "capacity-agent/device/change_watcher.h"
#include "capacity-agent/device/pool_reader.h"
#include "capacity-agent/http_api.h"
#include "capacity-agent/report_store.h"
#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "common/io/metrics.h"
#include "common/io/periodic_task.h"

namespace pmem::agent {

// Long-polls whose times are over are ended so often at most, and so much later than that at most.
inline constexpr absl::Duration kWaitGranularity = absl::Milliseconds(100);

// The readers that `config` asks for.
std::vector<std::unique_ptr<PoolReader>> MakeReaders(const AgentConfig& config);

// Start and Stop on one thread.
class Agent {
 public:
  Agent(const AgentConfig& config, const std::string& boot_id, std::string_view version);
  ~Agent();  // Stops.

  // Returns the address that it listens on, with the chosen port. Errors: those of
  // HttpServer::Start. Devices that cannot be read are no error here: /readyz tells.
  absl::StatusOr<std::string> Start();
  // Long-polls get their answer, then everything ends. Idempotent.
  void Stop();

 private:
  Agent(const AgentConfig& config, const std::string& boot_id, std::string_view version,
        std::vector<std::unique_ptr<PoolReader>> readers);
  void StartWatching();

  const AgentConfig config_;
  RealClock clock_;
  ReportStore store_;
  Metrics metrics_;
  ScanMetrics scan_metrics_;
  RequestMetrics request_metrics_;
  Collector collector_;
  std::vector<std::unique_ptr<PeriodicTask>> collector_tasks_;  // One for each source.
  PeriodicTask wait_timer_;
  ChangeWatcher watcher_;
  HttpApi api_;
  HttpServer server_;
};

}  // namespace pmem::agent
