// SPDX-License-Identifier: Apache-2.0
// What the extender counts. docs/metrics.md is generated from here. Thread-safe.
#pragma once

#include <map>
#include <vector>

#include "common/io/http_server.h"
#include "common/io/metrics.h"
#include "extender/ledger_service.h"
#include "extender/verb_api.h"

namespace pmem::extender {

class AgentDiscovery;
class AgentPoller;
class ClusterWatches;
class EventWriter;
class WatchLoop;

class ExtenderMetrics final : public VerbObserver {
 public:
  // `service` must outlive the metrics.
  explicit ExtenderMetrics(const LedgerService* service);

  // What counts itself: how well the API server and the agents are heard, and whether what we say
  // to claims is. All of it must outlive the last scrape.
  struct Intake {
    const ClusterWatches* watches;
    const WatchLoop* capacity_watch;
    const AgentDiscovery* discovery;
    const AgentPoller* poller;
    const EventWriter* events;
  };
  void AddIntake(const Intake& intake);

  void OnFilter(Outcome outcome, const std::vector<Reason>& reasons) override;
  void OnExchange(const HttpExchange& exchange);
  // Brings the counters up to what the ledger has counted. From one thread only.
  void OnTick(const LedgerService& service);
  void OnInvariantsBroken() { invariants_broken_.Increment(); }

  Metrics& registry() { return metrics_; }

 private:
  void AddLedgerCollectors(const LedgerService* service);
  void AddNodeCollectors(const LedgerService* service);
  void AddDriftCollector(const LedgerService* service);

  Metrics metrics_;
  std::map<Outcome, Counter> decisions_;
  std::map<Reason, Counter> rejections_;
  std::map<std::string_view, Histogram> durations_;  // By verb.
  std::map<int, Counter> refusals_;                  // By HTTP status.
  Counter invariants_broken_;
  Counter holds_made_;
  Counter holds_expired_;
  Counter debts_made_;
  Counter reports_taken_;
  Counter reports_old_;
  Counter filter_waits_;
  Counter filter_wait_seconds_;
  Counter live_reads_;
  Counter live_read_seconds_;
  Ledger::Counters counted_;
  LedgerService::Waits waits_counted_;
  LedgerService::Waits live_reads_counted_;
};

}  // namespace pmem::extender
