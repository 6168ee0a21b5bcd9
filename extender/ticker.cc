// SPDX-License-Identifier: Apache-2.0
#include "extender/ticker.h"

#include "common/io/log.h"

namespace pmem::extender {

Ticker::Ticker(LedgerService* service, ExtenderMetrics* metrics, StatusApi* status)
    : service_(service),
      metrics_(metrics),
      status_(status),
      task_("tick", kPeriod, [this] { Tick(); }) {}

void Ticker::Tick() {
  service_->Tick();
  metrics_->OnTick(*service_);
  status_->OnTick();
  if (++ticks_ % kTicksPerCheck != 0) return;
  const absl::Status broken = service_->Read(
      [](const Ledger& ledger, absl::Time now) { return ledger.CheckInvariants(now); });
  if (broken.ok()) return;
  metrics_->OnInvariantsBroken();
  LogError("ledger", "invariant broken", {{"error", broken}});
}

}  // namespace pmem::extender
