// SPDX-License-Identifier: Apache-2.0
// The timer's work: what is over ends, and the ledger checks itself. One thread of its own (a
// PeriodicTask), which sleeps for longer while nothing happens.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "common/io/periodic_task.h"
#include "extender/extender_metrics.h"
#include "extender/ledger_service.h"
#include "extender/status_api.h"

namespace pmem::extender {

class Ticker {
 public:
  // After news, or where more is to be looked at than in one tick.
  static constexpr absl::Duration kPeriod = absl::Milliseconds(100);
  // While nothing happens. A quarter of what AttendedClock takes for a process that stood still.
  static constexpr absl::Duration kIdlePeriod = absl::Milliseconds(250);
  // The ledger is looked through in small steps, and the lock is let go between them: a verb waits
  // for one of them at most. All of 5,000 nodes and 50,000 claims take a minute.
  static constexpr int kStepsPerTick = 5;
  static constexpr int kObjectsPerStep = 20;
  static constexpr int kTicksAfterRound = 10;    // A small cluster's round is over at once.
  static constexpr int kTicksAfterBroken = 100;  // What is broken is told of, but not all the time.
  static constexpr size_t kDriftLinesMax = 20;   // Logged at one tick.
  // After readiness: the agents' second answers, and what was collected for the first calls, have
  // come and gone by then, and left holes of their own.
  static constexpr int kTicksToSettle = 100;

  // All must outlive the ticker.
  Ticker(LedgerService* service, ExtenderMetrics* metrics, StatusApi* status);
  void Start() { task_.Start(); }
  void Stop() { task_.Stop(); }
  // There is news: how long it may sleep is found out anew.
  void Wake() { task_.Wake(); }
  // One tick. Returns how long none is needed if nobody wakes it.
  absl::Duration Tick();

 private:
  void TellOf(const std::vector<DriftChange>& changes);
  void CheckInvariants();
  void NoteReadiness();
  void Settle();

  LedgerService* const service_;
  ExtenderMetrics* const metrics_;
  StatusApi* const status_;
  Ledger::InvariantRound checked_;
  int ticks_to_check_ = 0;
  int ticks_to_settle_ = 0;
  bool is_ready_ = false;  // At the last tick.
  PeriodicTask task_;
};

}  // namespace pmem::extender
