// SPDX-License-Identifier: Apache-2.0
// One extender process: the real core, fed and asked as the shell does it (ledger_service,
// placement_controller, ticker), in virtual time.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "extender/core/capacity_offers.h"
#include "extender/core/pinning.h"
#include "extender/core/verbs.h"
#include "tests/simulator/oracle.h"
#include "tests/simulator/stream.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {

struct Reply {
  std::string error;  // Not empty: no answer can be given now.
  bool is_pmem = false;
  std::vector<std::string> nodes;
  Decision decision;
};

class Replica {
 public:
  Replica(Stage& stage, Oracle& oracle, int number);

  // A new process: nothing is known.
  void Start();
  void Kill();
  bool IsUp() const { return ledger_ != nullptr; }
  void SetLeading(bool is_leading);
  bool IsLeading() const { return is_leading_; }
  // The leader, and it gives answers.
  bool IsDeciding() const { return is_leading_ && is_deciding_; }
  // Changes with every process; what was meant for another one is not received.
  int process() const { return process_; }

  void Receive(const Event& event);
  // The filter verb. `done` may never come, when the process is killed.
  void Ask(const Pod& pod, std::vector<std::string> names, std::function<void(Reply)> done);

  // What a filter call reads live of the pod's claims.
  LiveObjects Complete(const Pod& pod) const;

  const Ledger& ledger() const { return *ledger_; }
  // Its watches tell nothing for so long.
  void Stall(absl::Duration lasts);
  // Whether its ledger was told of the claim before that time, or of its pin there at any.
  bool HasHeardOf(const std::string& claim_uid, const std::string& node, absl::Time before) const;

 private:
  struct Call {
    Pod pod;
    LiveObjects live;
    std::vector<std::string> names;
    absl::Time deadline;
    std::function<void(Reply)> done;
  };

  void NoteHeard(const Claim& claim);
  void NoteHeard(const Event& event);
  void Every(absl::Duration period, std::function<void()> what);
  void Tick();
  void DriftTick();
  void BeginWhenSynced();
  // True: answered.
  bool Decide(Call& call);
  void DecideWaiting();
  void Check();
  void CheckCapacities(const PodDemand& demand, const std::vector<std::string>& nodes);
  void PlacementTick();
  void Lookup(const std::set<std::string>& kube_namespaces);
  // A hold may stand for several pins: it is given up when none of them was written.
  struct Writes {
    int open = 0;
    bool is_any_done = false;
  };
  void Write(const Pin& pin, const Decision& decision, std::shared_ptr<Writes> writes);
  bool WriteNow(const Pin& pin, const Decision& decision);
  void Write(const Unpin& unpin);
  absl::Duration ApiDelay();

  Stage& stage_;
  Oracle& oracle_;
  const int number_;
  Random random_;
  int process_ = 0;
  int64_t changes_ = 0;
  std::unique_ptr<Ledger> ledger_;
  CapacityOffers offers_;  // Of the ledger.
  std::vector<std::unique_ptr<Stream>> streams_;
  bool is_leading_ = false;
  bool is_deciding_ = false;
  absl::Time synced_at_ = absl::InfiniteFuture();
  int64_t list_round_ = 0;
  std::deque<Call> waiting_;
  std::map<std::string, absl::Time> heard_;                   // Claim UID -> first time.
  std::set<std::pair<std::string, std::string>> heard_pins_;  // Claim UID and node.
  PinMemory memory_;
  NodeUses uses_;
  PlacedPods placed_;
};

}  // namespace pmem::extender::simulator
