// SPDX-License-Identifier: Apache-2.0
// Whether this replica leads, and what follows from it: the election, the service that is told, the
// label that shows it. A replica that takes no part in an election leads always.
//
// Start once. Stop gives the lead up; from then on verbs are refused and nothing is written.
#pragma once

#include <atomic>
#include <memory>

#include "common/io/clock.h"
#include "common/io/metrics.h"
#include "extender/config.h"
#include "extender/intake/kube_client.h"
#include "extender/intake/leader_elector.h"
#include "extender/intake/leader_label.h"
#include "extender/ledger_service.h"

namespace pmem::extender {

class Leadership {
 public:
  // All must outlive it, and it the last scrape. Made before the first call of a verb.
  Leadership(const ExtenderConfig& config, KubeClient* client, LedgerService* service,
             const Clock* clock, Metrics* metrics);

  void Start();
  void Stop();
  // There is news of the service: whether we may write may be another one.
  void Wake();

 private:
  void Lead(bool is_leader);

  LedgerService* const service_;
  std::atomic<bool> may_write_ = false;  // When it was last asked.
  Counter changes_;
  std::unique_ptr<LeaderLabel> label_;      // Null: no pod of ours to show it on.
  std::unique_ptr<LeaderElector> elector_;  // Null: no election. Its thread uses the label.
};

}  // namespace pmem::extender
