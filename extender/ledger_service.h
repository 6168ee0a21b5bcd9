// SPDX-License-Identifier: Apache-2.0
// The extender's only mutex over state: the shell around core::Ledger. Events go in, verbs are
// decided and held for in one critical section, readers get a look under the same lock.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"
#include "extender/core/ledger.h"
#include "extender/core/live_reader.h"
#include "extender/core/verbs.h"

namespace pmem::extender {

struct LedgerServiceOptions {
  LedgerOptions ledger;
  VerbOptions verbs;
  // How long a filter call waits for the evidence that ends others' holds, before it refuses.
  absl::Duration hold_wait_max = absl::Milliseconds(250);
  // How long after the API objects are known we wait for agents that have not reported yet.
  absl::Duration agents_wait_max = absl::Seconds(5);
};

// What filter has to say: that it is no matter of ours, that we cannot know, or what of each node.
struct FilterAnswer {
  bool is_pmem = false;  // False: the pod needs no PMEM, every node passes; the rest is empty.
  std::string error;     // Not empty: we cannot know; what is below is empty.
  std::vector<Reason> reasons;  // Of each node asked for, in their order.
  std::vector<bool> is_named;   // Likewise: named in the answer, as FilterDecision has it.
  size_t named_count = 0;
};

// Of the next two either the error is set or the other member, an element for each node asked for.
struct PrioritizeAnswer {
  std::string error;
  std::vector<int> scores;  // One a node.
};

struct PreemptAnswer {
  std::string error;
  std::vector<bool> is_kept;  // One a node.
};

struct Readiness {
  bool is_ready = false;  // Verbs of PMEM pods are decided.
  bool is_synced = false;
  bool is_leading = false;
  std::vector<std::string> unsynced;  // Kinds not listed yet.
  std::vector<std::string> awaited;   // Kinds not listed yet since we lead.
};

class LedgerService final : public EventSink {
 public:
  // `live` and `clock` must outlive the service.
  LedgerService(LedgerServiceOptions options, LiveReader* live, const Clock* clock);

  void Emit(Event event) override ABSL_LOCKS_EXCLUDED(mu_);
  // Ends what is over. Called on a timer.
  void Tick() ABSL_LOCKS_EXCLUDED(mu_);
  // How long Tick will find nothing to do unless there is news; no longer than a hold stands that
  // is made meanwhile. Not positive: it may have by now.
  absl::Duration UntilNextTick() const ABSL_LOCKS_EXCLUDED(mu_);
  // Compares what is known of some nodes, in turn, with their reports. Returns what has changed.
  static constexpr int kDriftNodesPerLook = 10;
  std::vector<DriftChange> LookForDrift() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends what is over, and checks some of what must always hold (Ledger::CheckSomeInvariants).
  absl::Status CheckSomeInvariants(Ledger::InvariantRound& round, int objects_max)
      ABSL_LOCKS_EXCLUDED(mu_);
  // True: we answer the verbs and write. From then on, once synced, decisions of a leader before us
  // are waited out (Ledger::BeginTakeover).
  void SetLeading(bool is_leading) ABSL_LOCKS_EXCLUDED(mu_);
  // Asks for lists of claims and pods that begin from now on; Listed events of `round` answer it.
  // Must not block. Set before the first SetLeading(true); empty: there was nobody before us.
  void SetRelister(std::function<void(int64_t round)> relist) { relist_ = std::move(relist); }
  // Asked before and after every decision: a process that was stopped past its lease knows it at
  // once. Set before the first call of a verb; thread-safe and quick.
  void SetLeaderCheck(std::function<bool()> is_leader) { leader_check_ = std::move(is_leader); }
  // How much time the clock has left out so far (AttendedClock). After more than `hold_grace` at
  // once nodes take nothing new until their agents have answered, and a pause is counted. Set
  // before the first event; thread-safe and quick.
  void SetLeftOut(std::function<absl::Duration()> left_out) { left_out_ = std::move(left_out); }
  // Called when there may be something to do for who looks at the ledger: it has changed, an object
  // was heard of, a pod was refused, or whether we lead. Not for each word of an agent that changes
  // nothing. Without the lock, by any thread; quick. Set before the first event.
  void SetListener(std::function<void()> on_news) { on_news_ = std::move(on_news); }
  int64_t GetPauses() const ABSL_LOCKS_EXCLUDED(mu_);
  Readiness GetReadiness() const ABSL_LOCKS_EXCLUDED(mu_);
  // Nodes whose agents never reported, or not for too long; the first kSilentAgentsNamedMax.
  // Looks at all nodes.
  std::vector<std::string> GetSilentAgents() const ABSL_LOCKS_EXCLUDED(mu_);
  // Why verbs of PMEM pods are not decided now; empty: they are.
  std::string WhyNotDeciding() const ABSL_LOCKS_EXCLUDED(mu_);
  // We lead at this very moment and know enough to decide. Asked before everything that is written.
  bool MayWrite() const ABSL_LOCKS_EXCLUDED(mu_);

  // A filter call that waits for others' holds does not look at its nodes again sooner.
  static constexpr absl::Duration kLookPauseMin = absl::Milliseconds(10);

  enum class Patience {
    kNone,    // nullopt when the answer needs a live read or a wait.
    kBlocks,  // Reads and waits; on the I/O pool only where it has a thread to spare.
  };
  // The place of a filter call in the order in which they came; taken when it comes. Of two calls
  // for one pod only the later one is waited for, and the earlier one may end after it.
  int64_t TakeTurn() { return ++turns_; }
  std::optional<FilterAnswer> Filter(const Pod& pod, absl::Span<const std::string_view> nodes,
                                     Patience patience, int64_t turn) ABSL_LOCKS_EXCLUDED(mu_);
  std::optional<FilterAnswer> Filter(const Pod& pod, absl::Span<const std::string_view> nodes,
                                     Patience patience) ABSL_LOCKS_EXCLUDED(mu_) {
    return Filter(pod, nodes, patience, TakeTurn());
  }
  std::optional<PrioritizeAnswer> Prioritize(const Pod& pod,
                                             absl::Span<const std::string_view> nodes,
                                             Patience patience) ABSL_LOCKS_EXCLUDED(mu_);
  // Pods without claims score alike everywhere.
  bool RanksPlainPodsAlike() const ABSL_LOCKS_EXCLUDED(mu_);
  std::optional<PreemptAnswer> Preempt(const Pod& pod, absl::Span<const std::string_view> nodes,
                                       Patience patience) ABSL_LOCKS_EXCLUDED(mu_);

  // Runs `look(ledger, now)` under the lock. It must be short, and return values, not references.
  template <class Look>
  auto Read(Look look) const ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return look(static_cast<const Ledger&>(ledger_), clock_->SteadyNow());
  }
  // The same for the placement controller, which holds what it is about to pin.
  template <class Change>
  auto Write(Change change) ABSL_LOCKS_EXCLUDED(mu_) {
    News news{this};
    MutexLock lock(&mu_);
    const auto signal = absl::MakeCleanup(
        [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { SignalIfChangedLocked(news); });
    return change(ledger_, NowLocked());
  }

  // Ledger::DebtEndOn. The service must outlive the function.
  std::function<absl::Time(const std::string& node)> DebtEnds() const {
    return [this](const std::string& node) {
      return Read([&node](const Ledger& ledger, absl::Time) { return ledger.DebtEndOn(node); });
    };
  }

  const LedgerServiceOptions& options() const { return options_; }

  // How often something was waited for, and how long in all.
  struct Waits {
    int64_t count = 0;
    absl::Duration total;
  };
  Waits GetWaits() const ABSL_LOCKS_EXCLUDED(mu_);      // Of filter calls, for others' holds.
  int GetWaiting() const ABSL_LOCKS_EXCLUDED(mu_);      // Filter calls that do so now.
  Waits GetLiveReads() const ABSL_LOCKS_EXCLUDED(mu_);  // Of all verbs, for the API server.

 private:
  // Reads live what the cache lacks, for LiveReader::kTimeMax at most. nullopt: it would have to
  // block, and must not.
  std::optional<absl::StatusOr<LiveObjects>> Complete(const Pod& pod, Patience patience)
      ABSL_LOCKS_EXCLUDED(mu_);
  // For the verb after which nothing is lost: what the cache knows is good enough, and read live
  // when it lacks something. A claim whose name another one has by now is ranked wrongly, no more.
  std::optional<absl::StatusOr<PodDemand>> DemandToRank(const Pod& pod, Patience patience)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Time NowLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void BeginWhenSyncedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool AgentsHaveReportedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<LiveObjects> ReadLive(const PodDemand& demand, absl::Time end)
      ABSL_LOCKS_EXCLUDED(mu_);
  bool IsLeaderNow() const { return !leader_check_ || leader_check_(); }
  std::string WhyNotDecidingLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells the listener at its end, which is that of the critical section and no sooner.
  struct News {
    ~News() {
      if (is_any && service->on_news_) service->on_news_();
    }
    const LedgerService* service;
    bool is_any = false;
  };
  std::optional<FilterDecision> DecideFilterLocked(const Pod& pod, const LiveObjects& live,
                                                   absl::Span<const std::string_view> nodes,
                                                   Patience patience, int64_t turn, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<FilterAnswer> FilterAs(bool is_leader, const Pod& pod, const LiveObjects& live,
                                       absl::Span<const std::string_view> nodes, Patience patience,
                                       int64_t turn, News& news) ABSL_LOCKS_EXCLUDED(mu_);
  // What is answered when the pod's claims could not be read. nullopt: that we cannot know.
  std::optional<Reason> WhyUnreadLocked(const Pod& pod, const absl::Status& read)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  FilterAnswer FilterUnreadLocked(bool is_leader, const Pod& pod, size_t nodes,
                                  const absl::Status& read, int64_t turn, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  PreemptAnswer PreemptUnreadLocked(bool is_leader, const Pod& pod, size_t nodes,
                                    const absl::Status& read) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Whoever waits, and listens: also of what has changed before without a word.
  void SignalIfChangedLocked(News& news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void WaitForChangeLocked(absl::Time deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  CondVar changed_;
  Ledger ledger_ ABSL_GUARDED_BY(mu_);
  bool is_leading_ ABSL_GUARDED_BY(mu_) = false;
  bool is_deciding_ ABSL_GUARDED_BY(mu_) = false;  // Leading, synced, takeover begun.
  // Had not reported when it was last looked: while that is so, nobody else is looked at.
  std::string silent_agent_ ABSL_GUARDED_BY(mu_);
  absl::Time synced_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteFuture();
  Waits waits_ ABSL_GUARDED_BY(mu_);
  int waiting_ ABSL_GUARDED_BY(mu_) = 0;
  Waits live_reads_ ABSL_GUARDED_BY(mu_);
  int64_t list_round_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration left_out_before_ ABSL_GUARDED_BY(mu_);
  int64_t pauses_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t told_version_ ABSL_GUARDED_BY(mu_) =
      0;  // Of the ledger, when the listener was last told.
  std::atomic<int64_t> turns_{0};
  std::function<void()> on_news_;  // Empty: nobody listens.
  std::function<void(int64_t)> relist_;
  std::function<bool()> leader_check_;        // Empty: we always lead.
  std::function<absl::Duration()> left_out_;  // Empty: nothing ever.
  const LedgerServiceOptions options_;
  LiveReader* const live_;
  const Clock* const clock_;
};

}  // namespace pmem::extender
