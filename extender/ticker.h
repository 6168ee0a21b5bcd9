// SPDX-License-Identifier: Apache-2.0
// The timer's work: what is over ends, and now and then the ledger checks itself.
#pragma once

#include "absl/time/time.h"
#include "common/io/periodic_task.h"
#include "extender/extender_metrics.h"
#include "extender/ledger_service.h"
#include "extender/status_api.h"

namespace pmem::extender {

class Ticker {
 public:
  static constexpr absl::Duration kPeriod = absl::Milliseconds(100);
  static constexpr int kTicksPerCheck = 100;
  static constexpr size_t kDriftLinesMax = 20;  // Logged at one tick.

  // All must outlive the ticker.
  Ticker(LedgerService* service, ExtenderMetrics* metrics, StatusApi* status);
  void Start() { task_.Start(); }
  void Stop() { task_.Stop(); }

 private:
  void Tick();
  void TellOfDrift();
  void GiveBackOnceReady();

  LedgerService* const service_;
  ExtenderMetrics* const metrics_;
  StatusApi* const status_;
  int ticks_ = 0;
  bool is_ready_ = false;  // At the last tick.
  PeriodicTask task_;
};

}  // namespace pmem::extender
