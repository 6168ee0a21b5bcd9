// SPDX-License-Identifier: Apache-2.0
// Writes selected-node where kube-scheduler does not: plans with core/pinning, patches the API,
// tells users by events. Only while we lead. One thread of its own (a PeriodicTask); everything
// here runs on it.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "common/io/clock.h"
#include "common/io/metrics.h"
#include "common/io/periodic_task.h"
#include "extender/core/pinning.h"
#include "extender/core/placement_api.h"
#include "extender/ledger_service.h"

namespace pmem::extender {

class PlacementController {
 public:
  // How soon a change is looked at, and how often nothing is looked at.
  static constexpr absl::Duration kPeriod = absl::Milliseconds(200);
  // A refused pod that would fit is first left to what the capacity objects wake up; then it is
  // woken, ever more rarely.
  static constexpr absl::Duration kWakeDelay = absl::Milliseconds(300);
  static constexpr absl::Duration kWakePauseMin = absl::Seconds(1);
  static constexpr absl::Duration kWakePauseMax = absl::Minutes(1);
  // Pods read live are believed for so long.
  static constexpr absl::Duration kPodsAgeMax = absl::Seconds(5);
  // And what a node's pods ask for.
  static constexpr absl::Duration kUsesAgeMax = absl::Seconds(1);
  // kube_namespaces, and nodes, whose pods are read in one round.
  static constexpr int kLookupsMax = 10;
  // How often owners of volumes in a troubled pool are looked for, and how many are told at a time.
  static constexpr absl::Duration kHealthPeriod = absl::Seconds(5);
  static constexpr size_t kTroubledMax = 128;

  // All must outlive the controller.
  PlacementController(PinningOptions options, LedgerService* service, PlacementApi* api,
                      const Clock* clock, Metrics* metrics);

  void Start() { task_.Start(); }
  void Stop() { task_.Stop(); }
  // Something changed: look now.
  void Wake() { task_.Wake(); }
  // One round: plan and carry out.
  void Tick();

 private:
  void WakeScheduler();
  void TellOfTrouble();
  void Lookup(const std::set<std::string>& kube_namespaces);
  void LookupNodes(const std::set<std::string>& nodes);
  void ForgetOldPods();
  void WriteAll(const std::vector<Pin>& pins);
  // False: it was certainly not written.
  bool Write(const Pin& pin);
  void Write(const Unpin& unpin);

  const PinningOptions options_;
  LedgerService* const service_;
  PlacementApi* const api_;
  const Clock* const clock_;
  Counter pins_written_;
  Counter pins_lost_;
  Counter unpins_written_;
  Counter wake_ups_;
  struct WakeUp {
    absl::Time next;
    absl::Duration pause;
  };
  absl::btree_map<std::string, WakeUp> woken_;  // By pod UID.
  PinMemory memory_;
  PlacedPods placed_;
  absl::btree_map<std::string, absl::Time> placed_at_;
  NodeUses uses_;
  absl::Time health_at_ = absl::InfinitePast();  // When trouble is looked for again.
  PeriodicTask task_;
};

}  // namespace pmem::extender
