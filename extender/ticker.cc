// SPDX-License-Identifier: Apache-2.0
#include "extender/ticker.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "common/io/heap.h"
#include "common/io/log.h"
#include "common/io/start_pages.h"

namespace pmem::extender {

Ticker::Ticker(LedgerService* service, ExtenderMetrics* metrics, StatusApi* status)
    : service_(service),
      metrics_(metrics),
      status_(status),
      task_(
          "tick", [this] { return Tick(); }, kPeriod) {}

void Ticker::TellOf(const std::vector<DriftChange>& changes) {
  for (size_t i = 0; i < std::min(changes.size(), kDriftLinesMax); ++i) {
    const auto& [node, drift, has_begun] = changes[i];
    const auto log = has_begun ? LogWarning : LogInfo;
    log("drift", has_begun ? "a report and what is known disagree" : "they agree again",
        {{"node", node},
         {"kind", DriftKindName(drift.kind)},
         {"subject", drift.subject},
         {"expected_bytes", drift.expected_bytes},
         {"found_bytes", drift.found_bytes}});
  }
  if (changes.size() <= kDriftLinesMax) return;
  LogWarning("drift", "more drifts have changed than are told of",
             {{"count", static_cast<int64_t>(changes.size() - kDriftLinesMax)}});
}

void Ticker::NoteReadiness() {
  const std::string why_not = service_->WhyNotDeciding();
  const bool was_ready = std::exchange(is_ready_, why_not.empty());
  if (is_ready_ == was_ready) return;
  if (!is_ready_) return LogWarning("ledger", "verbs are no longer decided", {{"why", why_not}});
  LogInfo("ledger", "verbs are decided from now on");
  // Lists as they were read, and what was collected of them, have just been dropped.
  GiveBackFreedPages();
  GiveBackStartPages();
  ticks_to_settle_ = kTicksToSettle;
}

void Ticker::Settle() {
  if (ticks_to_settle_ == 0 || --ticks_to_settle_ > 0) return;
  GiveBackFreedPages();
}

absl::Duration Ticker::Tick() {
  service_->Tick();
  ticks_to_check_ = std::max(ticks_to_check_ - 1, 0);
  const auto nodes = static_cast<int>(service_->Read(
      [](const Ledger& ledger, absl::Time) { return ledger.nodes().nodes().size(); }));
  std::vector<DriftChange> changes;
  // Once a tick is enough for each node.
  const int looks = std::min(kStepsPerTick, 1 + nodes / LedgerService::kDriftNodesPerLook);
  for (int i = 0; i < looks; ++i) {
    for (DriftChange& change : service_->LookForDrift()) changes.push_back(std::move(change));
  }
  for (int i = 0; i < kStepsPerTick; ++i) CheckInvariants();
  TellOf(changes);
  metrics_->OnTick(*service_);
  status_->OnTick();
  NoteReadiness();
  Settle();
  // Only where a tick looks at all there is: else a round would take longer.
  const bool has_more =
      nodes > kStepsPerTick * LedgerService::kDriftNodesPerLook || ticks_to_check_ == 0;
  if (has_more || ticks_to_settle_ > 0) return kPeriod;
  return std::clamp(service_->UntilNextTick(), kPeriod, kIdlePeriod);
}

void Ticker::CheckInvariants() {
  if (ticks_to_check_ > 0) return;
  const int64_t rounds = checked_.rounds;
  const absl::Status broken = service_->CheckSomeInvariants(checked_, kObjectsPerStep);
  if (checked_.rounds != rounds) ticks_to_check_ = kTicksAfterRound;
  if (broken.ok()) return;
  ticks_to_check_ = kTicksAfterBroken;
  metrics_->OnInvariantsBroken();
  LogError("ledger", "invariant broken", {{"error", broken}});
}

}  // namespace pmem::extender
