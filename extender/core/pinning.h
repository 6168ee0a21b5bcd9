// SPDX-License-Identifier: Apache-2.0
// The placement controller's decisions: which claims get volume.kubernetes.io/selected-node from
// us, which lose it, and what their users are told. Pure, deterministic.
//
// It pins
//   - Immediate claims (kube-scheduler never asks an extender about them), once the PV controller
//     has put the storage-provisioner annotation on; together with the other claims of their pod,
//     or, while no pod is there, with those that a StatefulSet made for the same replica;
//   - WaitForFirstConsumer claims whose pod came with spec.nodeName (no scheduler will decide).
// It never pins a WaitForFirstConsumer claim that a schedulable pod can still use: the scheduler's
// own write would fail. It never pins a claim of another provisioner, nor one that no volume is
// made for (IsStaticOnly: a selector, say, or a populator's), nor to a node that the
// allowedTopologies of its class leave out: its provisioner would refuse it there for ever. A node
// whose provisioner took our pin away again is not tried for that claim for a while.
//
// It takes pins away that nobody will ever act on: of unbound claims, on a Node that does not
// exist, written by us or by a scheduler; and those that a scheduler wrote to a Node without
// persistent memory, as it may while it cannot ask us. A pin that was typed in by hand stays, and
// its user is told.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "extender/core/ledger.h"
#include "extender/core/node_match.h"
#include "extender/core/pin_memory.h"
#include "extender/core/score.h"

namespace pmem::extender {

struct PinningOptions {
  // False: pins are neither written nor taken away; users are told of those that cannot work.
  bool writes_pins = true;
  Strategy strategy = Strategy::kBinpack;
  // An Immediate claim waits so long for a pod that may restrict its nodes; a WaitForFirstConsumer
  // claim waits so long before its pods are asked for.
  absl::Duration settle = absl::Seconds(1);
  // So long after we may still think that we lead nobody else does. Infinite: nobody ever does.
  absl::Duration lead_gap = absl::InfiniteDuration();
  // What was read of a claim's pods is believed for so long when it is pinned.
  absl::Duration placed_age_max = absl::Seconds(5);
  // And what runs on a node when a pod that asks for cpu or memory is sent there.
  absl::Duration use_age_max = absl::Seconds(1);
  // Nodes whose pods have to be read for one claim, at most, before anything is known of it.
  size_t use_lookups_max = 10;
  // A claim's users are told what is known when nodes are still being read for it after so long.
  absl::Duration search_patience = absl::Minutes(1);
  // After so many judgements of a node for a claim a plan ends, to let the lock go: some 4 ms. One
  // claim's are not split up. Of what the ledger remembers, and of looks at claims, more are done.
  int64_t judgements_max = 5000;
  // A pin that cannot work is left alone for so long: nodes and agents come late.
  absl::Duration bad_pin_patience = absl::Seconds(5);
  // And one that a scheduler wrote to a node without persistent memory, before it is taken away.
  absl::Duration dead_end_patience = absl::Seconds(30);
};

struct Pin {
  Claim claim;
  Item item;
  std::string node;
  std::string pod_uid;  // Whose hold stands for it too, beside that of the claim; empty: nobody's.
  bool needs_provisioner = false;  // Only with the storage-provisioner annotation (Immediate).
};

// What keeps a pin from being written, or from being written unheard, once its hold has ended: a
// PATCH is begun only while the claim's hold stands for `standing` more (Ledger::MayStillPin), and
// nobody works on it for longer than `deadline`: neither we nor the API server, which is told. What
// came of it, also of one without an answer, the watch tells within hold_grace:
//
//   deadline + hold_grace <= standing < hold_ttl
//
// And one that is begun as our lead ends is heard of before the takeover window of the next leader
// is over, until when that one holds room for it:
//
//   deadline + hold_grace <= lead_gap + takeover_window
//
// A pin whose turn comes later is given up, and planned again. With the shipped options 10 s and
// 5 s, without an election 7 s and 2 s; with the least hold_ttl 2.5 s.
struct PinTimes {
  static constexpr absl::Duration kDeadline = absl::Seconds(10);
  // In less a busy API server writes nothing (config.h, Validate).
  static constexpr absl::Duration kDeadlineMin = absl::Seconds(1);
  absl::Duration standing;
  absl::Duration deadline;
};
PinTimes PinTimesOf(const LedgerOptions& options, absl::Duration lead_gap);
// What the next leader leaves of a pin's time, if nothing else shortens it.
absl::Duration PinDeadlineBesideOthers(const LedgerOptions& options, absl::Duration lead_gap);

struct Unpin {
  Claim claim;
  std::string node;  // The pin to take away.
  enum class Why { kNodeGone, kNoPmem };
  Why why = Why::kNodeGone;
};

// Closed, as a Kubernetes event reason.
enum class NoticeReason {
  kNoNodeFits,
  kPinnedNodeUnfit,
  kPinnedNodeGone,
  kPinTakenAway,  // From a node without persistent memory.
  kPresetNodeUnfit,
  kUnknownKind,    // See class_health.h.
  kPoolInTrouble,  // See volume_health.h.
  kNoRoomToGrow,   // The same.
  kVolumeMissing,  // The same.
};
std::string_view NoticeReasonName(NoticeReason reason);  // "PmemNoNodeFits"

struct Notice {
  Claim claim;
  NoticeReason reason = NoticeReason::kNoNodeFits;
  std::string message;
};

// What one search has to say. Where there is more than is said at a time, all take turns: the next
// one goes on after `last`, and at the end from the beginning.
struct FoundNotices {
  std::vector<Notice> notices;
  std::string last;  // In the search's own order; empty: it begins at the beginning.
};

struct PinningPlan {
  std::vector<Pin> pins;
  std::vector<Unpin> unpins;
  std::vector<Notice> notices;
  std::set<std::string> lookups;       // kube_namespaces whose pods have to be read.
  std::set<std::string> node_lookups;  // Nodes whose pods have to be read.
  bool is_round_over = false;          // All open claims have been looked at since the round began.
};

// Pods that use claims, read live, by kube_namespace. Those with spec.nodeName are not watched; of
// the others the watch may be behind that of the claims.
struct KnownPods {
  absl::btree_map<std::string, std::vector<Pod>> users;  // By the name of a claim.
  absl::Time read_at;                                    // When they were asked for.
  // Of the first plan that could use them; their age counts from then, so that a slow answer is of
  // use for one plan at least.
  absl::Time planned_at = absl::InfiniteFuture();
};
using PlacedPods = absl::btree_map<std::string, KnownPods>;
// What of a list of the pods of a kube_namespace is worth keeping there.
KnownPods KnownPodsOf(const std::vector<Pod>& pods, absl::Time read_at);

// What the pods of a node ask for, read live, by node. However old, it keeps pods away that do not
// fit beside it: else a search among many busy nodes would begin anew for ever. Who keeps it says
// for how long. Pods are only sent where it is no older than use_age_max.
struct KnownUse {
  NodeUse use;
  absl::Time read_at;
  absl::Time planned_at = absl::InfiniteFuture();  // As above.
};
using NodeUses = absl::btree_map<std::string, KnownUse>;
NodeUse UseOf(const std::vector<Pod>& pods);

// What should be done now, as far as one plan gets in a round over all open claims (PinRound); call
// it until the round is over. The larger of the claims that wait for a node choose first. What is
// pinned is held in the ledger at once, so that pins of one plan count against each other; a pin
// that could not be written, or is too old to be (PinTimes), is given up with Ledger::EndHold. What
// became of each write goes into `memory` with NoteWrite.
PinningPlan PlanPins(Ledger& ledger, const PinningOptions& options, const PlacedPods& placed,
                     const NodeUses& uses, PinMemory& memory, absl::Time now);

// The JSON patch that sets selected-node, only if the claim is exactly what we have seen; and the
// one that takes away exactly that pin of an unbound claim. A failed test answers 422: a lost race.
std::string PinPatch(const Pin& pin);
std::string UnpinPatch(const Unpin& unpin);

}  // namespace pmem::extender
