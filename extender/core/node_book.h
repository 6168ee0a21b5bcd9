// SPDX-License-Identifier: Apache-2.0
// What is known of each node's persistent memory: the newest report, how fresh it is, and what is
// promised there beyond the report. Not thread-safe; pure, deterministic.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/pure/capacity_report.h"
#include "common/pure/names.h"
#include "common/pure/placement.h"
#include "common/pure/reasons.h"
#include "extender/core/name_index.h"
#include "extender/core/quick_room.h"

namespace pmem::extender {

// Three-valued: known, stale, or unknown with its reason.
enum class Freshness { kFresh, kStale, kNoReport, kNoAgent };

// Room that a claim keeps on a node, by the way it got there.
struct Debt {
  Item item;
  absl::Time until;  // Of a creation that may still be under way although its claim let go of it.
  bool operator==(const Debt&) const = default;
};

struct Reservation {
  Item item;
  std::set<std::string> pod_uids;  // Half-provisioned pods that need the claim there.
  bool operator==(const Reservation&) const = default;
};

struct Expansion {
  std::string pool_id;
  int64_t bytes = 0;  // Asked for and not in the report yet.
  bool operator==(const Expansion&) const = default;
};

// The short way to most answers about a node; made when it is asked for, void after any change.
struct NodeQuick {
  bool is_current = false;
  KindSet overbooked;     // Kinds of which more is promised than fits; `left` has none of them.
  bool is_exact = false;  // Neither debts nor reservations: `left` is nobody's in particular.
  QuickRoom left;         // Room less firm promises and debts.
};

// What views show of a node and one kind. See node_numbers.h.
struct NodeNumbers {
  int64_t total_bytes = 0;
  int64_t available_bytes = 0;
  int64_t promised_bytes = 0;  // To claims that are assigned, reserved or to grow there.
  int64_t held_bytes = 0;      // Beside that: by undecided pods, and for creations under way.
  int64_t free_bytes = 0;
  int64_t volume_bytes_max = 0;
  bool is_overbooked = false;  // More is promised than the report has: nothing is free.
  bool is_known = true;        // False: a pool cannot be read, and may have more than is seen.
  bool operator==(const NodeNumbers&) const = default;
};

struct NodeState {
  mutable NodeQuick quick;
  // By kind, without what is held: made when they are asked for, void after any change.
  mutable std::optional<std::array<NodeNumbers, 2>> firm_numbers;
  std::string name;
  int32_t id = 0;                                // Dense; stable while the node is in the book.
  bool has_agent = false;                        // An agent is expected there. See SetAgent.
  std::shared_ptr<const CapacityReport> report;  // Null: none yet.
  absl::Time contact = absl::InfinitePast();     // When its agent last answered well.
  std::string failure;                           // Why its agent's last answer was none; or "".
  std::deque<std::string> past_boot_ids;         // Newest last; reports of these come too late.
  // The last one since `report` that was taken for late, and may not be: of another boot, or
  // observed later; or null.
  std::shared_ptr<const CapacityReport> refused;

  // All keyed by claim UID. A UID in several of them counts once: assigned, reserved, debt.
  absl::btree_map<std::string, Item> assigned;  // Pinned or bound here, volume not in the report.
  absl::btree_map<std::string, Reservation> reserved;
  absl::btree_map<std::string, Debt> debts;
  absl::btree_map<std::string, Expansion> expansions;

  Room room;  // Of the report, less expansions.

  bool IsIdle() const {
    return !has_agent && assigned.empty() && reserved.empty() && debts.empty() &&
           expansions.empty();
  }
};

class NodeBook {
 public:
  // Boot ids remembered per node, so that a report of an earlier boot is not taken for a new one.
  static constexpr size_t kPastBootIdsMax = 8;

  const NodeState* Find(std::string_view name) const {
    const int32_t id = FindId(name);
    return id < 0 ? nullptr : by_id_[static_cast<size_t>(id)];
  }
  // The id, or -1.
  int32_t FindId(std::string_view name) const { return index_.Find(name); }
  std::vector<int32_t> FindIds(absl::Span<const std::string_view> names) const {
    return index_.FindAll(names);
  }
  const NodeState* ById(int32_t id) const { return by_id_[static_cast<size_t>(id)]; }

  // Finds or adds, to change what answers depend on.
  NodeState& At(std::string_view name);
  // What is remembered of the node is void, if it is in the book.
  void Touch(std::string_view name) {
    if (FindId(name) >= 0) At(name);
  }
  // Finds or adds, to note contact or failure only.
  NodeState& Open(std::string_view name);
  // A change makes the node stale until its agent answers again: while it was away nobody said what
  // became of the debts there.
  void SetAgent(std::string_view name, bool has_agent);
  bool HasAgent(int32_t id) const { return id >= 0 && agents_[static_cast<size_t>(id)] != 0; }

  // Rises with every change of the node that an answer depends on, but for its contact; with those
  // of its Node object that capacity objects depend on, too.
  uint32_t StampOf(int32_t id) const { return stamps_[static_cast<size_t>(id)]; }
  // Forgets nodes that have neither an agent nor anything promised there, and that nobody needs.
  void DropIdle(absl::FunctionRef<bool(const NodeState&)> is_needed);

  // Takes a report if it is newer than what is there.
  enum class Taken {
    kTaken,
    kRepeated,  // The same again: a sign of life.
    kOld,       // Or of an earlier boot. No sign of life: what such an agent says of now is not
                // known, so its node grows stale.
  };
  Taken TakeReport(std::shared_ptr<const CapacityReport> report, absl::Time now);
  // The agent says that this is its report still: when that is the refused one it was not late, the
  // node's clock, or the node itself, was set back. False: it is not.
  bool TakeRefused(std::string_view name, int64_t generation);

  // Volume of the claim in the node's newest report; null: not listed. Matches disk-<uid>, or else
  // any name that ends in the UID.
  struct Listed {
    const PoolReport* pool = nullptr;
    const VolumeReport* volume = nullptr;
    // What a creation left behind that was killed. The next one removes it before it takes the room
    // anew: one reading may have neither.
    bool IsHalfMade() const {
      return volume != nullptr && volume->name.starts_with(kUnfinishedPrefix);
    }
    bool IsWhole() const { return volume != nullptr && !IsHalfMade(); }
  };
  Listed FindVolume(const NodeState& node, std::string_view claim_uid) const;

  // Recomputes NodeState::room. Call it after any change of report or expansions.
  static void RebuildRoom(NodeState& node);

  // A debt is over once its time is, and the agent has answered since: until then nobody can tell
  // whether the volume was made.
  static bool IsOver(const NodeState& node, const Debt& debt, absl::Time now) {
    return debt.until <= now && (node.contact >= debt.until || !node.has_agent);
  }

  static Freshness FreshnessOf(const NodeState& node, absl::Time now, absl::Duration age_max);

  // The reservations that can be kept, each claim once, without those that are assigned. What users
  // pinned may ask for more than there is: then, in the order of the pods' UIDs, each pod's rest
  // of one kind counts if it fits beside what is assigned and those before; otherwise pods that fit
  // one by one would keep each other out for ever.
  static std::vector<Item> KeptReservations(const NodeState& node);
  // Those that are not kept because no packing was found, and that may fit all the same: of more
  // claims than are packed exactly a "no" may only mean "not found". Whoever has nothing there yet
  // leaves them their room. They keep nobody out who is assigned or reserves there: none, when one
  // of the claims in `asking` is or does.
  static std::vector<Item> UnsureReservations(const NodeState& node, absl::Span<const Item> asking);
  // What stands in the way of whoever asks for these claims until an object or a report says
  // otherwise: firm promises, and reservations of which nobody knows whether they fit. Each claim
  // once, without those in `asking`.
  static std::vector<Item> StandingItems(const NodeState& node, absl::Span<const Item> asking);
  // Firm promises on the node, each claim once, without the claims in `except`.
  static std::vector<Item> FirmItems(const NodeState& node, absl::Span<const Item> except);
  // The node's room less its firm promises. Of an overbooked kind more is promised than the node
  // holds: nothing is left of it.
  struct RoomLeft {
    Room room;
    KindSet overbooked;
  };
  static RoomLeft RoomLeftOn(const NodeState& node, absl::Span<const Item> except);
  // Debts that are not among the firm ones, without the claims in `except`.
  static std::vector<Item> DebtItems(const NodeState& node, absl::Span<const Item> except);

  const absl::btree_map<std::string, std::unique_ptr<NodeState>, std::less<>>& nodes() const {
    return nodes_;
  }
  int32_t id_end() const { return id_end_; }

 private:
  struct SortedReservations {
    std::vector<Item> kept;
    std::vector<Item> unsure;
  };
  static void SortReservations(const NodeState& node, PoolKind kind, SortedReservations& sorted);
  static void ForgetWhatFollows(const NodeState& node);
  void PutReport(NodeState& node, std::shared_ptr<const CapacityReport> report);

  // Pool and volume, by keys that lie in the node's newest report.
  using VolumeIndex = absl::flat_hash_map<absl::string_view, std::pair<int, int>>;

  absl::btree_map<std::string, std::unique_ptr<NodeState>, std::less<>> nodes_;
  NameIndex index_;                // The hot look-up.
  std::vector<NodeState*> by_id_;  // Null: not in use.
  std::vector<uint8_t> agents_;    // By id: NodeState::has_agent.
  std::vector<uint32_t> stamps_;   // By id; an id that is given again goes on counting.
  absl::flat_hash_map<std::string, VolumeIndex> volumes_;
  std::vector<int32_t> ids_free_;
  int32_t id_end_ = 0;
};

// True when `items` has the claim.
bool HasClaim(absl::Span<const Item> items, std::string_view claim_uid);
// Adds what `more` has of other claims than `items`.
void AddItems(const std::vector<Item>& more, std::vector<Item>& items);

}  // namespace pmem::extender
