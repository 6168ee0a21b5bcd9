// SPDX-License-Identifier: Apache-2.0
// A bounded exhaustive walk: 2 nodes, 3 claims, 2 schedulers, and every order in which their events
// can come. After each step all invariants hold, and no node was ever promised more than it has.
//
// n1 has room for one claim, n2 for two: all three fit, and only just. Pods 0 and 2 belong to the
// first scheduler, pod 1 to the second; a scheduler decides one pod at a time. The extender may be
// restarted once, at any moment. States that are alike (the world's and the ledger's whole text)
// are walked on from once.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "extender/core/verbs.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

constexpr int kClaims = 3;
constexpr int kNodes = 2;
constexpr int64_t kClaimBytes = 10 * kGiB;
constexpr int kSlots[kNodes] = {1, 2};  // Claims that fit on each node.
constexpr absl::Duration kPastTakeover = absl::Seconds(6);

std::string NodeName(int node) { return absl::StrCat("n", node + 1); }

enum class Step { kFilter, kAbandon, kChoose, kHear, kMake, kReport, kBind, kRestart, kPass };
constexpr const char* kStepNames[] = {"filter", "abandon", "choose",  "hear", "make",
                                      "report", "bind",    "restart", "pass"};

// One thing that happens, in the world or between it and the extender.
struct WorldEvent {
  Step step = Step::kFilter;
  int of = 0;    // Claim, or node for kReport.
  int node = 0;  // kChoose.
};

// What is true outside the extender.
struct ClaimTruth {
  bool is_asked = false;       // A scheduler has an answer and has not written.
  bool answered[kNodes] = {};  // Nodes of that answer.
  int node = -1;               // selected-node in the API server.
  bool is_heard = false;       // The extender's watch has said so.
  bool is_made = false;        // The volume is on the device.
  bool is_bound = false;       // And bound, which the watch has said.
};

class World {
 public:
  World() { Start(); }

  std::vector<WorldEvent> Enabled() const {
    std::vector<WorldEvent> events;
    for (int c = 0; c < kClaims; ++c) AddEnabled(c, events);
    for (int n = 0; n < kNodes; ++n) {
      if (Made(n) != reported_[n]) events.push_back({Step::kReport, n});
    }
    if (!has_restarted_) events.push_back({Step::kRestart});
    if (has_restarted_ && !has_passed_ && !IsAnyInFlight()) events.push_back({Step::kPass});
    return events;
  }

  // What is wrong afterwards; empty: nothing.
  std::string Do(const WorldEvent& event) {
    std::string wrong = Take(event);
    return wrong.empty() ? Judge() : wrong;
  }

  // The same without a look at the state, which costs more than the event. What is wrong with the
  // answer.
  std::string Take(const WorldEvent& event) {
    ClaimTruth& claim = claims_[event.of % kClaims];
    switch (event.step) {
      case Step::kFilter:
        return Filter(event.of);
      case Step::kAbandon:
        claim.is_asked = false;
        break;
      case Step::kChoose:
        claim.is_asked = false;
        claim.node = event.node;
        break;
      case Step::kHear:
        claim.is_heard = true;
        ledger_->Apply(Seen<Claim>{ClaimObject(event.of)}, now_);
        break;
      case Step::kMake:
        claim.is_made = true;
        break;
      case Step::kReport:
        Report(event.of);
        break;
      case Step::kBind:
        claim.is_bound = true;
        ledger_->Apply(Seen<Claim>{ClaimObject(event.of)}, now_);
        break;
      case Step::kRestart:
        has_restarted_ = true;
        Start();
        break;
      case Step::kPass:
        Pass();
        break;
    }
    return "";
  }

  std::string Text() const {
    std::string text = ledger_->Dump();
    for (const ClaimTruth& c : claims_) {
      absl::StrAppend(&text, c.is_asked, c.answered[0], c.answered[1], c.node, c.is_heard,
                      c.is_made, c.is_bound, " ");
    }
    absl::StrAppend(&text, reported_[0], reported_[1], has_restarted_, has_passed_);
    return text;
  }

 private:
  void AddEnabled(int c, std::vector<WorldEvent>& events) const {
    const ClaimTruth& claim = claims_[c];
    if (claim.node < 0) {
      if (!IsSchedulerBusy(c)) events.push_back({Step::kFilter, c});
      if (claim.is_asked) {
        events.push_back({Step::kAbandon, c});
        for (int n = 0; n < kNodes; ++n) {
          if (claim.answered[n]) events.push_back({Step::kChoose, c, n});
        }
      }
      return;
    }
    if (!claim.is_heard) events.push_back({Step::kHear, c});
    if (!claim.is_made) events.push_back({Step::kMake, c});
    if (claim.is_made && claim.is_heard && !claim.is_bound) events.push_back({Step::kBind, c});
  }

  bool IsSchedulerBusy(int c) const {
    for (int other = c % 2; other < kClaims; other += 2) {
      if (claims_[other].is_asked) return true;
    }
    return false;
  }
  // Asked and not written, or written and not heard: takeover_window is longer than that takes.
  bool IsAnyInFlight() const {
    bool is_any = false;
    for (const ClaimTruth& claim : claims_) {
      is_any |= claim.is_asked || (claim.node >= 0 && !claim.is_heard);
    }
    return is_any;
  }
  int Made(int node) const {
    int made = 0;
    for (const ClaimTruth& claim : claims_) made += claim.is_made && claim.node == node ? 1 : 0;
    return made;
  }

  // The extender begins: it lists everything, and waits out what another one may have decided.
  void Start() {
    ledger_ = std::make_unique<Ledger>(LedgerOptions());
    ClusterLists lists{.classes = {MakeClass("pmem-lvm")}, .agents = {NodeName(0), NodeName(1)}};
    for (int c = 0; c < kClaims; ++c) {
      claims_[c].is_heard = claims_[c].node >= 0;
      lists.claims.push_back(ClaimObject(c));
      lists.pods.push_back(PodObject(c));
    }
    for (const Event& event : ListsOf(std::move(lists))) ledger_->Apply(event, now_);
    for (int n = 0; n < kNodes; ++n) Report(n);
    if (has_restarted_) ledger_->BeginTakeover(now_);
  }

  void Pass() {
    has_passed_ = true;
    now_ += kPastTakeover;
    for (int n = 0; n < kNodes; ++n) ledger_->Apply(AgentConfirmed{NodeName(n)}, now_);
    ledger_->Expire(now_);
  }

  void Report(int node) {
    std::vector<VolumeReport> volumes;
    for (int c = 0; c < kClaims; ++c) {
      if (claims_[c].is_made && claims_[c].node == node) {
        volumes.push_back({absl::StrCat("disk-", Uid(c)), kClaimBytes});
      }
    }
    reported_[node] = static_cast<int>(volumes.size());
    ledger_->Apply(MakeReport(NodeName(node), ++generation_,
                              {MakeLvmPool(kSlots[node] * kClaimBytes, std::move(volumes))}),
                   now_);
  }

  Claim ClaimObject(int c) const {
    Claim claim = MakeClaim(c, kClaimBytes);
    if (claims_[c].node >= 0) claim.selected_node = NodeName(claims_[c].node);
    if (claims_[c].is_bound) claim.volume_name = absl::StrCat("disk-", claim.meta.uid);
    return claim;
  }
  Pod PodObject(int c) const { return MakePod(c, {MakeClaim(c, kClaimBytes)}); }

  std::string Filter(int c) {
    const Pod pod = PodObject(c);
    const PodDemand demand = ledger_->Demand(pod, nullptr);
    const std::string names[kNodes] = {NodeName(0), NodeName(1)};
    const std::vector<std::string_view> views(names, names + kNodes);
    FilterDecision decision = extender::Filter(*ledger_, {}, pod, demand, views, now_);
    ledger_->HoldOnIds(pod, demand, std::move(decision.node_ids), {}, now_);
    ClaimTruth& claim = claims_[c];
    claim.is_asked = decision.is_named[0] || decision.is_named[1];
    for (int n = 0; n < kNodes; ++n) claim.answered[n] = decision.is_named[n];
    return !claim.is_asked && IsQuietBut(c) ? "the last claim fits and was refused" : "";
  }

  // All others have their volumes, the extender knows it, and no takeover is being waited out.
  bool IsQuietBut(int c) const {
    bool is_quiet = has_restarted_ == has_passed_;
    for (int other = 0; other < kClaims; ++other) is_quiet &= other == c || claims_[other].is_bound;
    return is_quiet && Made(0) == reported_[0] && Made(1) == reported_[1];
  }

  std::string Judge() const {
    const absl::Status invariants = ledger_->CheckInvariants(now_);
    if (!invariants.ok()) return std::string(invariants.message());
    for (int n = 0; n < kNodes; ++n) {
      int accepted = 0;
      for (const ClaimTruth& claim : claims_) accepted += claim.node == n ? 1 : 0;
      if (accepted > kSlots[n]) return absl::StrCat(NodeName(n), " was promised too much");
    }
    return "";
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  std::unique_ptr<Ledger> ledger_;
  ClaimTruth claims_[kClaims];
  int reported_[kNodes] = {};
  int64_t generation_ = 0;
  bool has_restarted_ = false;
  bool has_passed_ = false;
};

struct Walk {
  std::unordered_set<size_t> seen;
  int64_t steps = 0;
  int deepest = 0;
  std::string wrong;  // The first thing, with the way that leads to it.

  // A ledger has no copy: all but the last go the way to `here` once more, and were judged on it.
  void From(World here, std::vector<WorldEvent>& way) {
    const std::vector<WorldEvent> events = here.Enabled();
    for (const WorldEvent& event : events) {
      World next = &event == &events.back() ? std::move(here) : Along(way);
      way.push_back(event);
      Look(std::move(next), event, way);
      way.pop_back();
      if (!wrong.empty()) return;
    }
  }

  static World Along(const std::vector<WorldEvent>& way) {
    World world;
    for (const WorldEvent& event : way) world.Take(event);
    return world;
  }

  void Look(World next, const WorldEvent& event, std::vector<WorldEvent>& way) {
    ++steps;
    deepest = std::max(deepest, static_cast<int>(way.size()));
    const std::string found = next.Do(event);
    if (!found.empty()) return Blame(found, way);
    if (seen.insert(std::hash<std::string>()(next.Text())).second) {
      From(std::move(next), way);
    }
  }

  void Blame(const std::string& found, const std::vector<WorldEvent>& way) {
    wrong = absl::StrCat(found, " after");
    for (const WorldEvent& event : way) {
      const char* step = kStepNames[static_cast<int>(event.step)];
      absl::StrAppend(&wrong, " ", step, ":", event.of, ":", event.node);
    }
  }
};

TEST(LedgerWalk, NoOrderOfEventsPromisesANodeTwice) {
  Walk walk;
  std::vector<WorldEvent> way;
  walk.From(World(), way);
  EXPECT_EQ(walk.wrong, "");
  // Changes only with the rules of the ledger or of this world; then the docs change too, which say
  // it (docs/ledger.md, docs/testing.md).
  EXPECT_EQ(walk.seen.size(), 112'081u);
  std::printf("%zu states, %lld steps, the longest way %d\n", walk.seen.size(),
              static_cast<long long>(walk.steps), walk.deepest);
}

}  // namespace
}  // namespace pmem::extender
