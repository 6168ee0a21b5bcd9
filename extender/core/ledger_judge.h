// SPDX-License-Identifier: Apache-2.0
// What fits where, as the ledger's books say: pods ask, nodes are judged one by one. It changes
// nothing in the books. What it found out about a shape of demand it remembers (verdict_memo.h) for
// as long as the node stays as it is: it answers what judging afresh would.
//
// A node is judged in this order, the first that decides counts:
//
//   the memo of the shape (by id only)                            the same was asked before
//   what the pod asks for, its own place, the agent's freshness   no look at any room
//   the short way (quick_room.h)                                  says yes or nothing
//   packing beside the firm promises                              says why not
//   packing beside debts and what others hold, too                says yes, or "held" for now
//
// Where PersistentVolumes that are there might serve the pod, all is packed, and only what they do
// not serve. For some claims no volume is made (IsStaticOnly): any that is there and could serve it
// counts, as selectors are not decoded, and without one the answer is "no volume". Not thread-safe;
// pure, deterministic.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/pure/reasons.h"
#include "extender/core/demand.h"
#include "extender/core/hold_book.h"
#include "extender/core/node_book.h"
#include "extender/core/object_cache.h"
#include "extender/core/place_book.h"
#include "extender/core/score.h"
#include "extender/core/verdict_memo.h"

namespace pmem::extender {

// One pod's question to many nodes. Refers to what it was made of; valid until the next change of
// the books.
struct Question {
  const PodDemand& demand;
  std::string_view owner;  // The pod's UID: its own hold and promises never count against itself.
  absl::Time now;
  std::vector<QuickItem> items;
  KindSet kinds;                 // Of the items: what is promised of others is not looked at.
  absl::Time fresh_since;        // An agent that was heard of since then is fresh.
  bool is_beside_holds = false;  // Others hold something somewhere.
  bool may_be_static = false;    // PersistentVolumes without a claim might serve it, or must.
  // Of its shape; null: the answer is about more than its shape (static volumes, a claim that the
  // watch takes for placed).
  ShapeMemo* memo = nullptr;
  mutable HeldByOthers others;  // Keeps what it found for the next node.
};

class LedgerJudge {
 public:
  // What it reads, as it is when it is asked. All must outlive the judge.
  struct Books {
    const ObjectCache& cache;
    const NodeBook& nodes;
    const HoldBook& holds;
    const PlaceBook& places;
    const absl::Time& takeover_until;  // Until then nobody counts on volumes that are there.
    const absl::Time& blind_until;     // An agent that has not answered since may not tell all.
    const absl::Duration agent_silence_max;
  };
  explicit LedgerJudge(const Books& books) : books_(books) {}

  Question Ask(const PodDemand& demand, std::string_view owner, absl::Time now) const {
    return AskWith(memo_, demand, owner, now);
  }
  // The same of what no scheduler waits for. It has a memo of its own: what a scheduler will ask
  // for again is not forgotten for it.
  Question AskAside(const PodDemand& demand, std::string_view owner, absl::Time now) const {
    return AskWith(memo_aside_, demand, owner, now);
  }

  // Whether the pod's items fit on the node beside everything promised and held there. `node` may
  // be null: nothing is known of it.
  Reason Judge(const NodeState* node, const Question& question) const;
  // The same by id; -1: nothing is known of the node.
  Reason JudgeById(int32_t id, const Question& question) const {
    if (id < 0) return Judge(nullptr, question);
    if (question.memo != nullptr) {  // Here for speed: most answers of a large cluster end here.
      const VerdictEntry& entry = question.memo->verdicts[static_cast<size_t>(id)];
      const bool is_said = entry.reason != Reason::kFits || !question.is_beside_holds;
      const bool is_current = entry.stamp == books_.nodes.StampOf(id);
      if (is_said && is_current && entry.contact >= question.fresh_since) return entry.reason;
    }
    return Judge(books_.nodes.ById(id), question);
  }
  Reason Judge(std::string_view node, const PodDemand& demand, std::string_view owner,
               absl::Time now) const {
    return Judge(books_.nodes.Find(node), Ask(demand, owner, now));
  }
  // The same without holds, of room or of volumes, and debts: what stands in the way for longer
  // than a blink.
  Reason JudgeFirm(std::string_view node, const PodDemand& demand, absl::Time now) const;
  // Adds the PersistentVolumes that are there and that the pod's claims may get on the node.
  void AddVolumes(int32_t id, const Question& question, std::vector<std::string>& volumes) const;
  // Whether the pod would fit now on a node that it may run on. Takes as long as a filter call for
  // all nodes whose shape nobody remembers, some 10 ms for 5,000, at most.
  bool FitsSomewhere(const Pod& pod, absl::Time now) const;

  // What the node would have left with the pod's items taken out, beside the firm promises.
  // nullopt: does not fit.
  std::optional<Leftover> LeftoverOn(const NodeState* node, const Question& question,
                                     Strategy strategy) const;
  // The same by id; of a node that does not fit nothing is left.
  Leftover LeftoverById(int32_t id, const Question& question, Strategy strategy) const {
    if (id < 0) return {};
    if (question.memo != nullptr) {
      const LeftoverEntry& entry = question.memo->leftovers[static_cast<size_t>(id)];
      const bool is_current = entry.stamp == books_.nodes.StampOf(id);
      if (is_current && entry.strategy == strategy) return entry.left;
    }
    return LookAtLeftover(id, question, strategy);
  }

  // What is kept of the node to judge it quickly is what would be found afresh.
  bool IsRightAbout(const NodeState& node) const;

 private:
  Question AskWith(VerdictMemo& memo, const PodDemand& demand, std::string_view owner,
                   absl::Time now) const;
  bool IsPlain(const Question& question) const;
  std::optional<Reason> JudgeFreshness(const NodeState* node, const PodDemand& demand,
                                       absl::Time now) const;
  bool FitsQuickly(const NodeState& node, const Question& question) const;
  void Note(const NodeState& node, const Question& question, Reason reason) const;
  Leftover LookAtLeftover(int32_t id, const Question& question, Strategy strategy) const;
  bool IsMemoRight(const VerdictMemo& memo, const NodeState& node, const NodeQuick& afresh) const;

  // PersistentVolumes that are there and that the next claim of a pod does not count on.
  struct DeniedVolumes {
    std::vector<std::string> to_all;    // A claim before it gets these, or one of a live read may.
    std::vector<std::string> to_plain;  // One with a selector may: only such count on these.
  };
  // Whose holds of volumes do not count; nullopt: nobody's do.
  using Asker = std::optional<std::string_view>;
  Reason JudgeWithVolumes(const NodeState& node, const Question& question) const;
  Reason JudgeWithoutVolumes(const NodeState& node, const Question& question) const;
  Reason WhyNoVolume(const PodDemand& demand) const;
  // What no volume that is there serves: it needs new room. nullopt: a claim that is static only is
  // among it.
  std::optional<std::vector<Item>> UnservedItems(const NodeState& node, const PodDemand& demand,
                                                 Asker owner) const;
  const PersistentVolume* StaticVolume(const NodeState& node, const PodDemand& demand, size_t item,
                                       Asker owner, const DeniedVolumes& denied) const;
  void AddPossible(const NodeState& node, const PodDemand& demand, size_t item,
                   std::vector<std::string>& volumes) const;

  const Books books_;
  mutable VerdictMemo memo_;
  mutable VerdictMemo memo_aside_;
};

}  // namespace pmem::extender
