// SPDX-License-Identifier: Apache-2.0
// Writes selected-node where kube-scheduler does not: plans with core/pinning, patches the API,
// tells users by events, and wakes refused pods up. Only while we lead. One thread of its own (a
// PeriodicTask); everything here runs on it. Whoever hears of news wakes it.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "common/io/clock.h"
#include "common/io/metrics.h"
#include "common/io/periodic_task.h"
#include "extender/aged_reads.h"
#include "extender/core/pinning.h"
#include "extender/core/placement_api.h"
#include "extender/ledger_service.h"

namespace pmem::extender {

class PlacementController {
 public:
  // How soon a change is looked at, and how often what waits is. While nothing waits, it sleeps.
  static constexpr absl::Duration kPeriod = absl::Milliseconds(200);
  // How long it rests when there is no such thing, or we do not lead.
  static constexpr absl::Duration kRestPause = absl::Seconds(1);
  // Plans in one go, the lock let go after each; what is left of the round follows at once, when
  // what they say is carried out.
  static constexpr int kPlansMax = 100;
  // A refused pod that would fit is first left to what the capacity objects wake up; then it is
  // woken, ever more rarely.
  static constexpr absl::Duration kWakeDelay = absl::Milliseconds(300);
  static constexpr absl::Duration kWakePauseMin = absl::Seconds(1);
  static constexpr absl::Duration kWakePauseMax = absl::Minutes(1);
  // How long all refused pods together are looked at in one round, the lock let go after each; and
  // how often when nothing has changed: agents fall silent and come back.
  static constexpr absl::Duration kRefusedLookMax = absl::Milliseconds(20);
  static constexpr absl::Duration kRefusedLookPause = absl::Seconds(1);
  // Pods read live are believed for so long, and longer each time that nobody needed to know
  // sooner: a claim that waits for its first user may wait for weeks.
  static constexpr absl::Duration kPodsAgeMin = absl::Seconds(5);
  static constexpr absl::Duration kPodsAgeMax = absl::Minutes(1);
  // What a node's pods ask for keeps others away for so long, and longer each time that nothing has
  // changed when it is read again.
  static constexpr absl::Duration kUsesAgeMin = absl::Seconds(30);
  static constexpr absl::Duration kUsesAgeMax = absl::Minutes(4);
  // kube_namespaces, and nodes, whose pods are read in one round.
  static constexpr int kLookupsMax = 10;
  // When none is begun any more in a round, nor any pin taken away: where they hang, what else the
  // round does must go on.
  static constexpr absl::Duration kLookupTimeMax = absl::Seconds(5);
  // How often it is asked whether a Node is gone for good whose claims may lose their pins: its
  // watch may be behind that of the claims, or what told of it be out of date.
  static constexpr absl::Duration kNodeLookPause = absl::Seconds(5);
  // How long its claims' users are told that it is gone without another look; a pin is only taken
  // away after one.
  static constexpr absl::Duration kGoneNodeKept = absl::Minutes(1);
  // How often owners of volumes in a troubled pool, and of claims whose class asks for nothing that
  // there is, are looked for, and how many of each are told at a time: where there are more they
  // take turns.
  static constexpr absl::Duration kHealthPeriod = absl::Seconds(5);
  static constexpr size_t kTroubledMax = 128;

  // All must outlive the controller.
  PlacementController(PinningOptions options, LedgerService* service, PlacementApi* api,
                      const Clock* clock, Metrics* metrics);

  void Start() { task_.Start(); }
  void Stop() { task_.Stop(); }
  // The ledger may have changed, or whether we may write.
  void Wake() { task_.Wake(); }
  // Plans and carries out. Returns how long nothing has to be done if nobody wakes it.
  absl::Duration Tick();

 private:
  struct WakeUp {
    absl::Time next;
    absl::Duration pause;
  };
  // Of what is wrong for good with claims that we do not place.
  struct HealthSearch {
    FoundNotices (*find)(const Ledger& ledger, const std::string& after, size_t count_max);
    std::string after;
  };

  PinningPlan Plan();
  bool HasAnythingToWaitFor() const;
  void WakeScheduler();
  void LookAtRefused();
  void NoteFit(const std::string& pod_uid, bool fits);
  void ForgetWoken();
  void TellOfTrouble();
  // Both: true, something was read.
  bool LookUp(const std::vector<std::string>& due,
              bool (PlacementController::*read)(const std::string& name));
  bool ReadPods(const std::string& kube_namespace);
  bool ReadUse(const std::string& node);
  void ForgetAllPods();
  void WriteAll(const std::vector<Pin>& pins);
  void EndHold(const std::string& owner);
  bool MayBeginToWrite(const Pin& pin) const;
  // False: it was certainly not written.
  bool WritePin(const Pin& pin);
  void TakeAway(PinningPlan& plan);
  bool IsGone(const std::string& node);
  void WriteUnpin(const Unpin& unpin);

  const PinningOptions options_;
  LedgerService* const service_;
  PlacementApi* const api_;
  const Clock* const clock_;
  const PinTimes pin_times_;
  Counter pins_written_;
  Counter pins_lost_;
  Counter unpins_written_;
  Counter wake_ups_;
  absl::btree_map<std::string, WakeUp> woken_;  // By pod UID.
  int64_t refused_version_ = -1;                // Of the ledger when the last looks began.
  absl::Time refused_look_at_ = absl::InfinitePast();
  size_t refused_left_ = 0;  // Of these looks.
  PinMemory memory_;
  AgedReads<KnownPods> placed_{{.age_min = kPodsAgeMin, .age_max = kPodsAgeMax}};
  AgedReads<KnownUse, NodeUse> uses_{
      {.age_min = kUsesAgeMin, .age_max = kUsesAgeMax, .remembered = 2 * kUsesAgeMax}};
  // Nodes that may not be gone, until they are asked for again.
  absl::btree_map<std::string, absl::Time> not_gone_;
  // Nodes that were not there, and until when that is told.
  absl::btree_map<std::string, absl::Time> gone_;
  std::string last_unpin_;                       // UID of the claim that was last looked at for it.
  int64_t pauses_ = 0;                           // LedgerService::GetPauses when pods were read.
  absl::Time health_at_ = absl::InfinitePast();  // When trouble is looked for again.
  std::array<HealthSearch, 4> health_searches_;
  PeriodicTask task_;
};

}  // namespace pmem::extender
