// SPDX-License-Identifier: Apache-2.0
// What the placement controller remembers between two plans, because neither the ledger nor a claim
// says it: since when something is so, which claims it has just written to, which nodes refused a
// claim. Nothing of it survives a restart, and nothing has to: without it a claim is only looked at
// sooner, or sent once more to a node that refuses it. Not thread-safe; pure, deterministic.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "extender/core/kube_objects.h"
#include "extender/core/node_match.h"
#include "extender/core/quick_room.h"
#include "extender/core/replica_index.h"

namespace pmem::extender {

// How far a round over all open claims has come. A plan does a bounded part of it under the
// ledger's lock; the next one goes on where it stopped. First each claim is looked at, in the order
// of UIDs, then nodes are searched for those that need one, those of one shape one after the other:
// what the ledger found out for the first it remembers for the next.
struct PinRound {
  // Kind, bytes (the largest first, so negative), UID.
  using Search = std::tuple<PoolKind, int64_t, std::string>;

  std::string visited;  // UID of the last claim that was looked at.
  bool are_all_visited = false;
  std::set<Search> searches;     // Not done yet.
  std::set<std::string> pinned;  // UIDs of claims.
  std::vector<QuickItem> shape;  // That was searched for last; empty: nobody remembers it.
  absl::Time coming_at = absl::InfinitePast();  // When PinMemory::coming was made.
};

class PinMemory {
 public:
  // While the watch does not show it changed, a claim that was pinned is left alone for so long:
  // its hold stands meanwhile (LedgerOptions::hold_ttl). One that we failed to write to, for so
  // long.
  static constexpr absl::Duration kPinPatience = absl::Seconds(30);
  static constexpr absl::Duration kLossPatience = absl::Seconds(5);
  // How long a node whose provisioner has refused a claim is not tried for it again.
  static constexpr absl::Duration kRefusalPause = absl::Seconds(30);
  // How long it is remembered that a pod came to a node. What was read of the node before that
  // sends nobody there any more, and would not by itself after PinningOptions::use_age_max, which
  // is less.
  static constexpr absl::Duration kArrivalsKept = absl::Minutes(1);

  // The first time that `key` was asked for since it was last forgotten.
  absl::Time Since(const std::string& key, absl::Time now);

  // We tried to pin the claim as it is in the cache, to `node`; empty: to take its pin away.
  enum class Written { kYes, kMaybe, kNo };  // kMaybe: the answer was lost.
  void NoteWrite(const Claim& claim, const std::string& node, Written written, absl::Time now);
  // True while the cache still shows the claim as it was before the last write to it.
  bool IsAwaited(const Claim& claim, absl::Time now) const;

  // The claim is seen with this pin of ours.
  void NotePinned(const Claim& claim);
  // The claim has none; if it had one of ours, its node has refused it.
  void NoteUnplaced(const Claim& claim, absl::Time now);
  bool IsRefused(const std::string& claim_uid, std::string_view node, absl::Time now) const;

  // What the pods ask for that are bound to follow their claims to a node, by node and pod UID.
  using ComingPods = std::map<std::string, std::map<std::string, NodeUse>>;
  void NoteComing(ComingPods coming, absl::Time now);
  // A search asks who comes, and may ask again by what was read of nodes until then: for so long
  // they are followed, so that who comes and arrives in between is noticed.
  void WantComing(absl::Time now) { coming_wanted_until_ = now + kArrivalsKept; }
  bool AreComingWanted(absl::Time now) const { return now < coming_wanted_until_; }
  // One more, since.
  void AddComing(const std::string& node, const std::string& pod_uid, const NodeUse& use) {
    coming_[node][pod_uid] = use;
  }
  const ComingPods& coming() const { return coming_; }
  // When a pod was last seen to come no more: it may run there by now, so what was read of the node
  // before says nothing of it. InfinitePast: not lately.
  absl::Time LastArrival(const std::string& node) const;

  // What has to be read before a claim can be placed; once it is, the claim comes before all that
  // is left of the round: what was read is soon too old, and a round may take longer than that.
  static std::string NodeKey(const std::string& node) { return "node/" + node; }
  static std::string PodsKey(const std::string& kube_namespace) { return "pods/" + kube_namespace; }
  void NoteAsked(const std::string& key, const std::string& claim_uid) {
    const auto [it, is_new] = askers_[key].try_emplace(claim_uid);
    if (is_new) it->second.number = ++asks_;
    it->second.round = rounds_;
  }
  void NoteRead(const std::string& key);
  // UID of the next claim that has been waiting for what was read; the longest first. Only every
  // second plan takes them: there may always be more.
  bool IsTurnOfAnswered() { return std::exchange(is_turn_of_answered_, !is_turn_of_answered_); }
  std::optional<std::string> TakeAnswered();

  // Made afresh when it is from before `since`.
  const ReplicaIndex& Replicas(const ObjectCache& cache, absl::Time since, absl::Time now);

  PinRound& round() { return round_; }
  int64_t rounds() const { return rounds_; }  // That are over.
  // The round is over: forgets what Since was not asked for in it, and claims that are not `open`.
  void EndRound(const std::set<std::string>& open);

 private:
  struct Age {
    absl::Time since;
    bool is_used = false;
  };
  struct Attempt {
    std::string resource_version;  // Of the claim when it was last written to.
    absl::Time until;              // Of the patience with that write.
    std::string node;              // Of the last pin of ours. Empty: none that we know of.
    std::map<std::string, absl::Time, std::less<>> refused;  // Node -> until when.
  };

  absl::btree_map<std::string, Age> ages_;
  absl::btree_map<std::string, Attempt> attempts_;  // By claim UID.
  ComingPods coming_;
  absl::Time coming_wanted_until_ = absl::InfinitePast();
  absl::btree_map<std::string, absl::Time> arrivals_;  // By node.
  struct Ask {
    int64_t number = 0;  // The how manieth it was at first.
    int64_t round = 0;   // The last that asked again.
  };
  absl::btree_map<std::string, absl::btree_map<std::string, Ask>> askers_;  // By key, claim UID.
  int64_t asks_ = 0;
  bool is_turn_of_answered_ = true;
  std::deque<std::string> answered_;  // Each once.
  PinRound round_;
  int64_t rounds_ = 0;
  std::optional<ReplicaIndex> replicas_;
  absl::Time replicas_made_at_;
};

}  // namespace pmem::extender
