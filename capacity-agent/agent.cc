// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/agent.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/device_choice.h"
#include "capacity-agent/device/boot_id.h"
#include "capacity-agent/device/lvm_reader.h"
#include "capacity-agent/device/ndctl_reader.h"
#include "capacity-agent/device/simulated_reader.h"
#include "common/io/log.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

constexpr char kDeviceDirectory[] = "/dev";

std::vector<std::string> Sources(const std::vector<std::unique_ptr<PoolReader>>& readers) {
  std::vector<std::string> sources;
  sources.reserve(readers.size());
  for (const auto& reader : readers) sources.emplace_back(reader->source());
  return sources;
}

Collector::Options CollectorOptions(const AgentConfig& config, const std::string& boot_id,
                                    ScanMetrics* scan_metrics) {
  return {
      .builder = {.node = config.node_name,
                  .boot_id = boot_id,
                  .first_generation = MicrosecondsSinceBoot(),
                  .volume_groups = NamePatterns(config.volume_group_pattern),
                  .regions = NamePatterns(config.region_pattern)},
      .resync = config.resync,
      .observer = [scan_metrics](const ScanOutcome& outcome) { scan_metrics->Observe(outcome); }};
}

ChangeWatcher::Options WatcherOptions(const AgentConfig& config) {
  if (!config.simulated_file.empty()) return {.file = config.simulated_file};
  return {.watches_kernel = true, .device_directory = kDeviceDirectory};
}

}  // namespace

std::vector<std::unique_ptr<PoolReader>> MakeReaders(const AgentConfig& config) {
  std::vector<std::unique_ptr<PoolReader>> readers;
  if (!config.simulated_file.empty()) {
    readers.push_back(std::make_unique<SimulatedReader>(config.simulated_file));
    return readers;
  }
  readers.push_back(std::make_unique<NdctlReader>());
  if (HasLvm(config.lvm_command)) {
    readers.push_back(std::make_unique<LvmReader>(config.lvm_command, config.lvm_timeout));
  }
  return readers;
}

Agent::Agent(const AgentConfig& config, const std::string& boot_id, std::string_view version)
    : Agent(config, boot_id, version, MakeReaders(config)) {}

Agent::Agent(const AgentConfig& config, const std::string& boot_id, std::string_view version,
             std::vector<std::unique_ptr<PoolReader>> readers)
    : config_(config),
      store_([this] { wait_timer_.Wake(); }),
      metrics_("pmem_agent", version),
      scan_metrics_(Sources(readers), &metrics_),
      request_metrics_(&metrics_),
      collector_(CollectorOptions(config, boot_id, &scan_metrics_), std::move(readers), clock_,
                 &store_),
      wait_timer_("wait-timer",
                  [this] {
                    const absl::Time now = clock_.SteadyNow();
                    return std::max(store_.ExpireWaiters(now) - now, kWaitGranularity);
                  }),
      watcher_(WatcherOptions(config),
               [this] {
                 collector_.Changed();
                 for (const auto& task : collector_tasks_) task->Wake();
               }),
      api_(&store_, &metrics_, &clock_),
      server_({.observer = [this](const HttpExchange& exchange) {
        request_metrics_.Observe(exchange);
      }}) {
  for (size_t i = 0; i < collector_.sources(); ++i) {
    collector_tasks_.push_back(
        std::make_unique<PeriodicTask>(absl::StrCat("collector-", i), collector_.tick_period(),
                                       [this, i] { collector_.TickSource(i); }));
  }
  AddPoolMetrics(&store_, &metrics_);
  api_.RegisterOn(&server_);
}

Agent::~Agent() { Stop(); }

void Agent::StartWatching() {
  for (const absl::Status& problem : watcher_.Start()) {
    LogWarning("watcher", "changes are noticed at the re-read only",
               {{"error", problem}, {"resync", config_.resync}});
  }
}

absl::StatusOr<std::string> Agent::Start() {
  PMEM_RETURN_IF_ERROR(server_.Start(config_.listen).status());
  // Before the first reading: what changes after it is noticed.
  StartWatching();
  // Here, so that whoever waits for the address finds a report behind it.
  collector_.Tick();
  for (const auto& task : collector_tasks_) task->Start();
  wait_timer_.Start();
  return server_.address();
}

void Agent::Stop() {
  store_.Close();
  server_.Stop();
  watcher_.Stop();
  wait_timer_.Stop();
  for (const auto& task : collector_tasks_) task->Stop();
}

}  // namespace pmem::agent
