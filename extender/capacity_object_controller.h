// SPDX-License-Identifier: Apache-2.0
// Keeps the CSIStorageCapacity objects as core/capacity_objects wants them: writes what differs,
// soon after it differs and never faster than kWritesPerRoundMax each kPeriod. Only while we lead.
// What others do to our objects comes by the watch and is put right. Since kube-scheduler listens
// to these objects, a raise is also what makes it try refused pods again: the ledger has the room
// first, the object says so second. A write that is refused is tried again by and by, and holds up
// none of the others.
//
// One thread of its own (a PeriodicTask) for all writes; the watch's thread brings what is seen,
// and whoever hears of news wakes it.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/metrics.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"
#include "extender/core/capacity_api.h"
#include "extender/core/capacity_objects.h"
#include "extender/core/capacity_offers.h"
#include "extender/core/refused_writes.h"
#include "extender/intake/watched_kind.h"
#include "extender/ledger_service.h"

namespace pmem::extender {

class CapacityObjectController final : public ObjectSink<CapacityObject> {
 public:
  // How soon a change is looked at: with the write well within 200 ms. Without one it sleeps.
  static constexpr absl::Duration kPeriod = absl::Milliseconds(50);
  static constexpr int kWritesPerRoundMax = 20;
  // What changes without a new version of the ledger (a Node's labels) is looked at so often, and
  // whether we may write.
  static constexpr absl::Duration kLookPause = absl::Seconds(1);
  // Where one object stands for all, of thousands of nodes.
  static constexpr absl::Duration kJoinedPause = absl::Milliseconds(150);
  // That have changed, and are looked at before the lock is let go: about a microsecond each.
  static constexpr int kNodesPerLook = 1000;
  // After a write that the API server did not answer, or could not care for: none is tried.
  static constexpr absl::Duration kFailurePause = absl::Seconds(1);

  // All must outlive the controller, and the controller the watch that feeds it.
  // `nodes_max`: with PMEM on more nodes one object a class stands for all of them.
  CapacityObjectController(int nodes_max, LedgerService* service, CapacityApi* api,
                           const Clock* clock, Metrics* metrics);

  void Start() { task_.Start(); }
  void Stop() { task_.Stop(); }
  // The ledger may have changed, or whether we may write.
  void Wake() { task_.Wake(); }
  // One round: what differs now is written. Returns how long nothing has to be done if nobody wakes
  // it.
  absl::Duration Tick() ABSL_LOCKS_EXCLUDED(mu_);

  void OnSeen(CapacityObject object) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnGone(CapacityObject last) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnRelisted(Relisted<CapacityObject> list) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class Written {
    kYes,      // Or overtaken by somebody else: the next plan goes by what he did.
    kRefused,  // This one. The others can still be written.
    kNoServer,
  };

  bool HasToLook(absl::Time now) ABSL_LOCKS_EXCLUDED(mu_);
  // When something has to be done again if nobody wakes us.
  absl::Time NextLook() ABSL_LOCKS_EXCLUDED(mu_);
  WantedCapacities Wanted();
  // Of all nodes, some at a time: `look` returns the id to go on with, or kAllSeen.
  template <class Look>
  void ForAllNodes(Look look) const;
  std::vector<CapacityChange> Plan(const WantedCapacities& wanted) ABSL_LOCKS_EXCLUDED(mu_);
  // Writes what may be written now. Returns how many are as they should be.
  size_t WriteAll(const std::vector<CapacityChange>& changes) ABSL_LOCKS_EXCLUDED(mu_);
  Written Write(const CapacityChange& change) ABSL_LOCKS_EXCLUDED(mu_);
  void TakeWritten(const CapacityChange& change, CapacityObject object) ABSL_LOCKS_EXCLUDED(mu_);
  Written NoteRefused(const CapacityChange& change, const absl::Status& why)
      ABSL_LOCKS_EXCLUDED(mu_);
  // What never changes of an object is not what it should be: else a policy refused it, and it is
  // better out of date than gone.
  bool IsAnother(const CapacityChange& change) ABSL_LOCKS_EXCLUDED(mu_);
  // Deletes exactly the object that was seen and could not be replaced; the next plan creates it.
  Written MakeRoomFor(const CapacityChange& replacement) ABSL_LOCKS_EXCLUDED(mu_);
  void LookAgain(const std::string& name) ABSL_LOCKS_EXCLUDED(mu_);
  void Forget(const std::string& name) ABSL_LOCKS_EXCLUDED(mu_);
  // Around a question to the API server about the object, whose answer is then taken or not.
  void ExpectAnswer(const std::string& name) ABSL_LOCKS_EXCLUDED(mu_);
  void TakeAnswer(CapacityObject object) ABSL_LOCKS_EXCLUDED(mu_);
  void TakeList(Relisted<CapacityObject> list) ABSL_LOCKS_EXCLUDED(mu_);
  void PutLocked(CapacityObject object) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int nodes_max_;
  LedgerService* const service_;
  CapacityApi* const api_;
  const Clock* const clock_;
  Counter created_;
  Counter replaced_;
  Counter deleted_;
  Counter failed_;
  Gauge standing_;
  Gauge pending_;

  // Of the writing thread only.
  int64_t version_ = -1;  // Of the ledger, when it was last looked at.
  absl::Time look_at_ = absl::InfinitePast();
  absl::Time paused_until_ = absl::InfinitePast();
  bool has_more_ = false;  // That may be written at once.
  RefusedWrites refused_;
  CapacityOffers offers_;
  bool is_joined_ = false;
  absl::Time joined_look_at_ = absl::InfinitePast();

  Mutex mu_;
  SeenCapacities seen_ ABSL_GUARDED_BY(mu_);
  bool is_synced_ ABSL_GUARDED_BY(mu_) = false;
  bool is_changed_ ABSL_GUARDED_BY(mu_) = false;
  // The object about which an answer is on its way, and whether the watch saw it go meanwhile: of
  // what has gone no event will ever come that could put an answer from before right.
  std::string awaited_ ABSL_GUARDED_BY(mu_);
  bool is_overtaken_ ABSL_GUARDED_BY(mu_) = false;
  PeriodicTask task_;
};

}  // namespace pmem::extender
