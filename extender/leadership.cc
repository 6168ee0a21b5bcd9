// SPDX-License-Identifier: Apache-2.0
#include "extender/leadership.h"

namespace pmem::extender {

Leadership::Leadership(const ExtenderConfig& config, KubeClient* client, LedgerService* service,
                       const Clock* clock, Metrics* metrics)
    : service_(service),
      changes_(metrics->AddCounter("leader_changes_total",
                                   "Times that this replica began, or ceased, to lead.")) {
  metrics->AddCollector("leading", "1: this replica decides and writes.", {}, [service] {
    return std::vector<MetricSample>{{{}, service->MayWrite() ? 1.0 : 0.0}};
  });
  metrics->AddCollector("lease_failures_total",
                        "Reads and writes of the Lease that failed, lost races included.", {},
                        [this] {
                          const int64_t failures = elector_ == nullptr ? 0 : elector_->failures();
                          return std::vector<MetricSample>{{{}, static_cast<double>(failures)}};
                        });
  if (!config.pod_name.empty()) {
    label_ = std::make_unique<LeaderLabel>(
        LeaderLabel::Options{.kube_namespace = config.lease.kube_namespace,
                             .pod_name = config.pod_name},
        client, clock, [service] { return service->MayWrite(); });
  }
  if (!config.is_elected) return;
  elector_ = std::make_unique<LeaderElector>(config.lease, client, clock,
                                             [this](bool is_leader) { Lead(is_leader); });
  service->SetLeaderCheck([elector = elector_.get()] { return elector->IsLeader(); });
}

void Leadership::Lead(bool is_leader) {
  changes_.Increment();
  service_->SetLeading(is_leader);
  if (label_ != nullptr) label_->Wake();
}

void Leadership::Wake() {
  if (label_ == nullptr) return;
  const bool may_write = service_->MayWrite();
  if (may_write_.exchange(may_write) != may_write) label_->Wake();
}

void Leadership::Start() {
  if (label_ != nullptr) label_->Start();
  elector_ == nullptr ? Lead(true) : elector_->Start();
}

// The label goes before the Lease: nobody is sent to us while the next one already leads.
void Leadership::Stop() {
  service_->SetLeading(false);
  if (label_ != nullptr) label_->Stop();
  if (elector_ != nullptr) elector_->Stop();
}

}  // namespace pmem::extender
