// SPDX-License-Identifier: Apache-2.0
// The ledger: why nothing is ever double-booked.
//
// Per node and kind:
//
//   schedulable = reported free - claims assigned here whose volume is not in the report yet
//                               - rooms kept for the rest of half-provisioned pods
//                               - debts (a creation may still be under way)
//                               - undecided holds of other pods
//
// A claim, keyed by UID, goes one way (docs/ledger.md has the same drawing):
//
// clang-format off
//    filtered again, pod gone + hold_grace, hold_ttl
//      +---------------------------+
//      v                           |
//  (no node) --filter--> held on every answered node --evidence--> assigned to one node
//                                  |                                |              |
//                                  | a list does not                | claim gone,  | a report lists
//                                  | have the claim                 | pin taken    | the volume
//                                  |                                | away         |
//                                  v                                v              v
//                                  +-----------------------------> debt -----> in the report
//                                                                   |          (no longer counted
//                         the agent's first answer after debt_grace |           by the ledger)
//                                                                   v
//                                                                (nothing)
// clang-format on
//
// Delivery assumptions: every event comes at least once, late, possibly never; per Kubernetes kind
// in the watch's order; reports in any order. Apply is idempotent. Relisted replaces a kind.
//
// Not thread-safe; pure; deterministic: the same events and times give the same Dump(), byte for
// byte.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "extender/core/demand.h"
#include "extender/core/drift.h"
#include "extender/core/event.h"
#include "extender/core/hold_book.h"
#include "extender/core/ledger_judge.h"
#include "extender/core/node_book.h"
#include "extender/core/object_cache.h"
#include "extender/core/place_book.h"
#include "extender/core/refused_pods.h"

namespace pmem::extender {

struct LedgerOptions {
  // An agent that was silent for longer is stale: its node takes nothing new. As long as
  // kube-controller-manager waits for a silent kubelet (node-monitor-grace-period): two polls that
  // find nothing new (--agent-wait), and 10 s.
  absl::Duration agent_silence_max = absl::Seconds(50);
  // How long a hold stands when nothing is heard; longer than any scheduling decision.
  absl::Duration hold_ttl = absl::Seconds(30);
  // How long a lost pin keeps its room, as its volume may be there (the driver looked at the claim
  // last when the room was taken) and the answer of the agent on its way be of the time before. A
  // debt ends with the first answer of the agent after that.
  absl::Duration debt_grace = absl::Seconds(24);
  // Debts that one list may cause for what it does not tell, each of one claim on one node: some 50
  // MiB. Beyond that no claim by claim account is kept: each node takes nothing new until its agent
  // has answered after debt_grace.
  int64_t unseen_debts_max = 250'000;
  // How long a hold outlives its pod, or a cleared nomination: a write may be on its way, and the
  // watch of the claims behind that of the pods.
  absl::Duration hold_grace = absl::Seconds(5);
  // After a start, or a change of leader: how long pending pods are taken as decided by nobody
  // knows whom. Longer than a decision takes from filter to evidence.
  absl::Duration takeover_window = absl::Seconds(5);
  // Claims without a node times nodes up to which each such claim gets its hold: 4 bytes each, some
  // 40 MiB. Beyond that each node takes nothing new until its agent has answered after the window.
  int64_t takeover_holds_max = 10'000'000;
  // How long the report of a node and what is known otherwise must differ to be a drift; not
  // shorter than debt_grace, which counts instead when it is longer.
  absl::Duration drift_grace = absl::Seconds(30);
};

class Ledger {
 public:
  explicit Ledger(LedgerOptions options) : options_(options) {}
  Ledger(const Ledger&) = delete;  // Its judge reads its books.
  Ledger& operator=(const Ledger&) = delete;

  // What happened. Never fails: news of a claim, and a report, that are older than what is known
  // are ignored (such reports are counted).
  void Apply(const Event& event, absl::Time now);
  // Ends holds and debts whose time is over, and forgets refused pods that are gone. Call it before
  // every decision and on a timer.
  void Expire(absl::Time now);
  // When the next of these ends if nothing is heard until then: others may wait for it.
  // InfiniteFuture: none does.
  absl::Time NextEnd() const { return std::min(holds_.NextEnd(), debts_end_first_); }

  // Kinds that have not been listed yet; empty: synced.
  std::vector<ObjectKind> Unsynced() const;

  // A leader before us may have decided for claims and pods that our watches have not brought yet.
  // From now on Awaited() names claims, pods or both: the kinds of which no list of this round, or
  // of a later one, has come. Empty: nothing that the old leader knew is unknown here.
  void AwaitLists(int64_t round) { awaited_round_ = round; }
  std::vector<ObjectKind> Awaited() const;

  // From now on decisions are ours, and others' decisions may be in flight: every claim that has no
  // node gets a hold on every node, for the takeover window or until we decide for it; so does one
  // that is seen for the first time in the window. Holds of before are dropped, but for
  // those of claims: a pin may be on its way.
  void BeginTakeover(absl::Time now);

  // Takes in claims that were read live, as if the watch had brought them: one whose pin was taken
  // away asks for room again. What the watch brings of a claim later counts only if it is newer
  // than what was read live. A claim that the watch has not brought at all is not taken in: it is
  // held on the node that it has, if it has one.
  void Learn(const LiveObjects& live, absl::Time now);

  PodDemand Demand(const Pod& pod, const LiveObjects* live) const {
    return DemandOf(pod, cache_, live);
  }

  // What fits where, as things are now.
  const LedgerJudge& judge() const { return judge_; }

  // Every node of the cluster has an agent, or none has: nothing tells them apart for a pod without
  // PMEM claims.
  bool IsUniform() const;

  // The pod is to have its claims pinned to one of these nodes (unknown ones are left out).
  void HoldOn(const Pod& pod, const PodDemand& demand, absl::Span<const std::string> nodes,
              std::vector<std::string> static_volumes, absl::Time now);
  void HoldOnIds(const Pod& pod, const PodDemand& demand, std::vector<int32_t> node_ids,
                 std::vector<std::string> static_volumes, absl::Time now, int64_t turn = 0);
  // Whether a call for the pod that came after the one of `turn` (LedgerService::TakeTurn) has been
  // answered, with nodes or with none: then nobody waits any more for the answer to that of `turn`.
  bool IsOvertaken(std::string_view pod_uid, int64_t turn) const;
  // The placement controller is about to pin the claim there; ended by the claim's own event.
  void HoldClaim(const Claim& claim, const Item& item, std::string_view node, absl::Time now);
  // The claim is held there until `until` at least, and has been only since we lead (this time):
  // what was planned before that knows nothing of what others decided in between.
  bool MayStillPin(std::string_view claim_uid, std::string_view node, absl::Time until) const;
  // What the owner held for was not written. Somebody else may have written first, and the watch be
  // behind: the hold ends after hold_grace.
  void EndHold(std::string_view owner, absl::Time now);
  // No node takes anything new until its agent has answered after that time.
  void TakeNothingBefore(absl::Time time);

  // The pod was refused everywhere (or no longer is): when it would fit, somebody has to wake the
  // scheduler up. `turn`: of the call that was answered so.
  void NoteRefused(const Pod& pod, bool is_refused, int64_t turn, absl::Time now);
  bool IsRefused(const std::string& pod_uid) const { return refused_.Contains(pod_uid); }
  size_t refused_count() const { return refused_.size(); }
  // The next of the refused pods, in turn, and whether it would fit now somewhere it may run.
  // nullopt: there is none. Takes as long as LedgerJudge::FitsSomewhere. One that the pod watch
  // never brought, or has forgotten, is dropped in time (Expire).
  struct RefusedPod {
    std::string uid;
    bool fits = false;
  };
  std::optional<RefusedPod> LookAtNextRefused(absl::Time now);

  // Looks at the next `nodes_max` nodes, in turn, and returns what has changed. The volume of a
  // bound claim that no report lists for as long as a drift takes to begin is given up, also where
  // it may only be hidden, which is no drift: its room is what the report says.
  std::vector<DriftChange> LookForDrift(absl::Time now, int nodes_max);
  const DriftBook& drifts() const { return drifts_; }

  // Claims that came with a node that no answer of ours led to, since the last call: pinned by
  // hand. Beyond kHandPinsMax the oldest are forgotten.
  static constexpr size_t kHandPinsMax = 1000;
  std::vector<Claim> TakeHandPins();

  // When the first of the node's debts may end, or it may take new volumes again
  // (unseen_debts_max): an answer of its agent from then on does it. InfiniteFuture: there is none.
  absl::Time DebtEndOn(std::string_view node) const;

  // UIDs of the claims of ours that have no volume yet, in order.
  const std::set<std::string>& open_claims() const { return open_claims_; }

  const ObjectCache& cache() const { return cache_; }
  const NodeBook& nodes() const { return nodes_; }
  const HoldBook& holds() const { return holds_; }
  const LedgerOptions& options() const { return options_; }
  // Where claims are accounted.
  const PlaceBook& places() const { return places_; }
  const ClaimPlace* FindPlace(std::string_view claim_uid) const { return places_.Find(claim_uid); }

  // Rises with every change that could turn a refusal into a fit or the other way round.
  int64_t version() const { return version_; }

  struct Counters {
    int64_t reports_taken = 0;
    int64_t reports_old = 0;  // Older than what is known, or of an earlier boot: ignored.
    int64_t holds_made = 0;
    int64_t holds_expired = 0;  // Of pods, that stood for hold_ttl: nothing was heard.
    int64_t debts_made = 0;
  };
  const Counters& counters() const { return counters_; }

  // Everything that decides answers, in order, as text. For tests.
  std::string Dump() const;

  // OK, or every broken invariant. The strongest: accounts computed afresh from the objects and
  // reports (claims assigned, expansions, reservations, the room beside them) are equal to those
  // kept step by step.
  absl::Status CheckInvariants(absl::Time now) const;

  // How far a check has come that looks at some nodes, claims and pods at a time. It begins anew by
  // itself.
  struct InvariantRound {
    std::string node;  // The last that was looked at.
    std::string claim;
    std::string pod;
    int64_t objects = 0;  // Looked at so far, in all rounds.
    int64_t rounds = 0;   // That are over.
  };
  // The same, of the next `objects_max` nodes, claims and pods, and at the begin of a round of all
  // holds.
  absl::Status CheckSomeInvariants(InvariantRound& round, absl::Time now, int objects_max) const;

 private:
  void On(const Seen<Node>& event, absl::Time now);
  void On(const Gone<Node>& event, absl::Time now);
  void On(const Relisted<Node>& event, absl::Time now);
  void On(const Seen<Pod>& event, absl::Time now);
  void On(const Gone<Pod>& event, absl::Time now);
  void On(const Relisted<Pod>& event, absl::Time now);
  void On(const Seen<Claim>& event, absl::Time now);
  void On(const Gone<Claim>& event, absl::Time now);
  void On(const Relisted<Claim>& event, absl::Time now);
  void On(const Seen<PersistentVolume>& event, absl::Time now);
  void On(const Gone<PersistentVolume>& event, absl::Time now);
  void On(const Relisted<PersistentVolume>& event, absl::Time now);
  void On(const Seen<StorageClass>& event, absl::Time now);
  void On(const Gone<StorageClass>& event, absl::Time now);
  void On(const Relisted<StorageClass>& event, absl::Time now);
  void On(const Listed& event, absl::Time now);
  void On(const ReportReceived& event, absl::Time now);
  void On(const AgentConfirmed& event, absl::Time now);
  void On(const AgentFailed& event, absl::Time now);
  void On(const AgentsListed& event, absl::Time now);

  void PutNode(const Node& node);
  void RemoveNode(const std::string& name);
  int ExpireDebts(absl::Time now);
  int EndDebtsOn(std::string_view node, absl::Time now);
  void NoteContact(std::string_view node, absl::Time now);

  // Accounting (ledger_accounts.cc).
  std::optional<ClaimPlace> PlaceOf(const Claim& claim, const ClaimPlace* before) const;
  void AccountClaim(std::string_view uid, absl::Time now);
  void AccountClaimAndPods(const Claim& claim, absl::Time now);
  PodDemand ReservationsOf(const Pod& pod) const;
  void AccountPod(std::string_view uid);
  void AccountVolume(std::string_view name, absl::Time now);
  void AccountNode(NodeState& node, absl::Time now);
  void AccountAll(absl::Time now);
  void Unreserve(std::string_view pod_uid);
  bool MayBeInTheMaking(const NodeState& node, const ClaimPlace& place) const;
  void PlaceClaim(std::string_view uid, std::optional<ClaimPlace> place, absl::Time now);
  Expansion ExpansionOf(const ClaimPlace& place, const Claim& claim, const NodeState& node) const;
  void AccountExpansion(const ClaimPlace& place, const Claim& claim, NodeState& node);
  void RemoveClaim(std::string_view uid, absl::Time now);
  void Owe(NodeState& node, const Item& item, absl::Time now);
  void OweLastPin(const Claim& claim, const std::string& node, const Item& item, absl::Time now);
  void DropIdleNodes();
  using HeldItem = std::pair<Item, const Hold*>;
  std::vector<HeldItem> UnseenHeld(const std::vector<Claim>& listed) const;
  std::vector<Item> UnseenOpen(const Relisted<Claim>& list) const;
  void OweHeld(const std::vector<HeldItem>& held, absl::Time now);
  void OweOn(int32_t node_id, const std::vector<Item>& items, absl::Time now);
  void OweOnNew(const std::vector<int32_t>& known_ids, absl::Time now);
  void OweUnseen(const Relisted<Claim>& list, absl::Time now);
  void OweUnclaimed(const PersistentVolume& volume, absl::Time now);
  void HoldNewVolume(const PersistentVolume& volume);
  void HoldUnheard(const Claim& claim, const LiveObjects& live, absl::Time now);
  // Of the claim: by the watch, or by a live read that the watch has not caught up with. "": none.
  std::string_view KnownVersion(std::string_view claim_uid) const;
  bool IsOlderThanKnown(const Claim& claim) const;
  bool IsLate(const Relisted<Claim>& list, const Claim& claim) const;
  void Take(const Claim& claim, absl::Time now);
  void PutHold(const Pod& pod, const PodDemand& demand, std::vector<int32_t> node_ids,
               std::vector<std::string> static_volumes, absl::Time now, int64_t turn);
  void HoldForTakeover(std::string_view claim_uid, absl::Time now);
  void HoldAllForTakeover(absl::Time now);
  bool IsTakeoverTooLarge() const;
  void NoteAgentNodes();
  void EndTakeover(const std::string& claim_uid, absl::Time now);
  bool HasOtherUsers(std::string_view claim_uid, std::string_view pod_uid) const;
  void RemovePod(std::string_view uid, absl::Time now);
  bool PlacedByEvidence(const Claim& claim, absl::Time now);
  std::vector<std::string> EndItem(std::string_view claim_uid, absl::Time now);
  void NarrowHold(std::string_view owner, const NodeState& node);
  bool IsOnlyUser(const std::vector<std::string>& owners, const Claim& claim) const;

  // Invariants (ledger_invariants.cc).
  class Findings;
  void CheckHolds(absl::Time now, Findings& findings) const;
  void CheckClaim(const Claim& claim, Findings& findings) const;
  void CheckPod(const Pod& pod, Findings& findings) const;
  void CheckClaimsOn(const NodeState& node, Findings& findings) const;
  void CheckReservationsOn(const NodeState& node, Findings& findings) const;
  void CheckNode(const NodeState& node, absl::Time now, Findings& findings) const;

  // Drift (ledger_drift.cc).
  void LookForDriftOn(const NodeState& node, absl::Time now, std::vector<DriftChange>& changes);
  void ForgetDrifts(std::string_view node, std::vector<DriftChange>& changes);
  void GiveUp(std::string_view claim_uid, absl::Time now);

  LedgerOptions options_;
  ObjectCache cache_;
  NodeBook nodes_;
  HoldBook holds_;
  DriftBook drifts_;
  DriftBook unlisted_;  // Of bound claims that are counted: what will be given up. Not told.
  std::string drift_looked_at_;  // Node name.
  PlaceBook places_;
  absl::btree_map<std::string, std::string, std::less<>> reserving_;  // Pod UID -> node.
  // By UID: claims that only a live read told of, until the watch must have brought that version.
  struct Unheard {
    std::string resource_version;
    absl::Time until;
  };
  absl::btree_map<std::string, Unheard, std::less<>> unheard_;
  // Owed everywhere: also where an agent is heard of only later.
  std::vector<Debt> unseen_;
  std::set<std::string> open_claims_;
  RefusedPods refused_;
  std::deque<Claim> hand_pins_;
  // What was lost sight of is told by answers of agents from then on.
  absl::Time blind_until_ = absl::InfinitePast();
  // No debt is over before; but for those whose time has passed, which an answer of the agent ends.
  absl::Time debts_end_first_ = absl::InfiniteFuture();
  std::set<ObjectKind> synced_;
  int64_t awaited_round_ = 0;
  absl::btree_map<ObjectKind, int64_t> listed_rounds_;  // The last that has come.
  absl::Time leading_since_ = absl::InfinitePast();
  absl::Time takeover_until_ = absl::InfinitePast();
  std::vector<int32_t> agent_nodes_;  // Those with an agent, sorted.
  std::set<std::string> decided_;     // Claim UIDs that we decided for during the takeover.
  int64_t version_ = 0;
  Counters counters_;
  const LedgerJudge judge_{{.cache = cache_,
                            .nodes = nodes_,
                            .holds = holds_,
                            .places = places_,
                            .takeover_until = takeover_until_,
                            .blind_until = blind_until_,
                            .agent_silence_max = options_.agent_silence_max}};
  mutable std::optional<bool> is_uniform_;  // nullopt: to be found out.
};

}  // namespace pmem::extender
