// SPDX-License-Identifier: Apache-2.0
#include "extender/ledger_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/io/log.h"

namespace pmem::extender {
namespace {

constexpr size_t kSilentAgentsNamedMax = 20;
constexpr const char* kNotTheLeader = "not the leader";
// What schedulers are told is the same at each try; the log has the rest.
constexpr const char* kClaimsChanged = "claims changed meanwhile";
constexpr const char* kClaimsUnread =
    "the API server does not say what the pod's claims are: see the extender's log";
constexpr const char* kTooManyClaims =
    "the pod has more PMEM claims, with their classes, than are read for one decision: 64";
static_assert(LiveReader::kObjectsMax == 64);
constexpr int kLiveReadsMax = 2;  // Of one decision.

// What only an agent says is told of where it changes the ledger.
bool IsOfObject(const Event& event) {
  return !std::holds_alternative<ReportReceived>(event) &&
         !std::holds_alternative<AgentConfirmed>(event) &&
         !std::holds_alternative<AgentFailed>(event);
}

std::vector<std::string> NamesOf(const std::vector<ObjectKind>& kinds) {
  std::vector<std::string> names;
  for (const ObjectKind kind : kinds) names.emplace_back(ObjectKindName(kind));
  return names;
}

}  // namespace

LedgerService::LedgerService(LedgerServiceOptions options, LiveReader* live, const Clock* clock)
    : ledger_(options.ledger), options_(options), live_(live), clock_(clock) {}

// Nothing was heard meanwhile, and what has come is read by other threads than the one that asks.
absl::Time LedgerService::NowLocked() {
  const absl::Time now = clock_->SteadyNow();
  const absl::Duration left_out = left_out_ ? left_out_() : absl::ZeroDuration();
  if (left_out - left_out_before_ > options_.ledger.hold_grace) {
    ledger_.TakeNothingBefore(now);
    ++pauses_;
  }
  left_out_before_ = left_out;
  return now;
}

int64_t LedgerService::GetPauses() const {
  MutexLock lock(&mu_);
  return pauses_;
}

void LedgerService::Emit(Event event) {
  News news{this, IsOfObject(event)};
  MutexLock lock(&mu_);
  const absl::Time now = NowLocked();
  ledger_.Apply(event, now);
  BeginWhenSyncedLocked();
  SignalIfChangedLocked(news);
}

void LedgerService::Tick() {
  News news{this};
  MutexLock lock(&mu_);
  ledger_.Expire(NowLocked());
  BeginWhenSyncedLocked();
  SignalIfChangedLocked(news);
}

absl::Duration LedgerService::UntilNextTick() const {
  MutexLock lock(&mu_);
  const bool awaits_agents = is_leading_ && !is_deciding_;
  const absl::Time begin =
      awaits_agents ? synced_at_ + options_.agents_wait_max : absl::InfiniteFuture();
  return std::min(std::min(ledger_.NextEnd(), begin) - clock_->SteadyNow(),
                  options_.ledger.hold_ttl);
}

std::vector<DriftChange> LedgerService::LookForDrift() {
  News news{this};
  MutexLock lock(&mu_);
  std::vector<DriftChange> changes = ledger_.LookForDrift(clock_->SteadyNow(), kDriftNodesPerLook);
  SignalIfChangedLocked(news);
  return changes;
}

absl::Status LedgerService::CheckSomeInvariants(Ledger::InvariantRound& round, int objects_max) {
  News news{this};
  MutexLock lock(&mu_);
  const absl::Time now = clock_->SteadyNow();
  ledger_.Expire(now);
  SignalIfChangedLocked(news);
  return ledger_.CheckSomeInvariants(round, now, objects_max);
}

void LedgerService::SignalIfChangedLocked(News& news) {
  const int64_t version = ledger_.version();
  if (std::exchange(told_version_, version) == version) return;
  changed_.SignalAll();
  news.is_any = true;
}

void LedgerService::SetLeading(bool is_leading) {
  const News news{this, true};
  const bool relists = is_leading && relist_;
  int64_t round = 0;
  {
    MutexLock lock(&mu_);
    is_leading_ = is_leading;
    is_deciding_ = false;
    if (relists) ledger_.AwaitLists(++list_round_);
    round = list_round_;
    BeginWhenSyncedLocked();
    changed_.SignalAll();
  }
  if (relists) relist_(round);
}

bool LedgerService::AgentsHaveReportedLocked() {
  const auto is_silent = [](const NodeState* node) {
    return node != nullptr && node->has_agent && node->report == nullptr;
  };
  const auto& nodes = ledger_.nodes();
  if (is_silent(nodes.Find(silent_agent_))) return false;
  for (const auto& [name, node] : nodes.nodes()) {
    if (!is_silent(node.get())) continue;
    silent_agent_ = name;
    return false;
  }
  return true;
}

void LedgerService::BeginWhenSyncedLocked() {
  if (is_deciding_ || !ledger_.Unsynced().empty()) return;
  const absl::Time now = clock_->SteadyNow();
  synced_at_ = std::min(synced_at_, now);
  if (!is_leading_ || !ledger_.Awaited().empty()) return;
  if (!AgentsHaveReportedLocked() && now < synced_at_ + options_.agents_wait_max) return;
  ledger_.BeginTakeover(now);
  is_deciding_ = true;
}

std::string LedgerService::WhyNotDecidingLocked() const {
  const std::vector<std::string> unsynced = NamesOf(ledger_.Unsynced());
  if (!unsynced.empty()) return absl::StrCat("not synced yet: ", absl::StrJoin(unsynced, ", "));
  if (!is_leading_) return kNotTheLeader;
  const std::vector<std::string> awaited = NamesOf(ledger_.Awaited());
  if (!awaited.empty())
    return absl::StrCat("new in the lead, listing ", absl::StrJoin(awaited, ", "));
  return "waiting for the agents' first reports";
}

Readiness LedgerService::GetReadiness() const {
  const bool is_leader = IsLeaderNow();
  MutexLock lock(&mu_);
  return {.is_ready = is_deciding_ && is_leader,
          .is_synced = ledger_.Unsynced().empty(),
          .is_leading = is_leading_ && is_leader,
          .unsynced = NamesOf(ledger_.Unsynced()),
          .awaited = NamesOf(ledger_.Awaited())};
}

std::vector<std::string> LedgerService::GetSilentAgents() const {
  std::vector<std::string> silent;
  MutexLock lock(&mu_);
  const absl::Time now = clock_->SteadyNow();
  for (const auto& [name, node] : ledger_.nodes().nodes()) {
    if (silent.size() >= kSilentAgentsNamedMax) break;
    const auto freshness = NodeBook::FreshnessOf(*node, now, options_.ledger.agent_silence_max);
    if (node->has_agent && freshness != Freshness::kFresh) silent.push_back(name);
  }
  return silent;
}

std::string LedgerService::WhyNotDeciding() const {
  if (!IsLeaderNow()) return kNotTheLeader;
  MutexLock lock(&mu_);
  return is_deciding_ ? "" : WhyNotDecidingLocked();
}

bool LedgerService::MayWrite() const {
  if (!IsLeaderNow()) return false;
  MutexLock lock(&mu_);
  return is_deciding_;
}

LedgerService::Waits LedgerService::GetWaits() const {
  MutexLock lock(&mu_);
  return waits_;
}

int LedgerService::GetWaiting() const {
  MutexLock lock(&mu_);
  return waiting_;
}

LedgerService::Waits LedgerService::GetLiveReads() const {
  MutexLock lock(&mu_);
  return live_reads_;
}

absl::StatusOr<LiveObjects> LedgerService::ReadLive(const PodDemand& demand, absl::Time end) {
  const absl::Time begin = clock_->SteadyNow();
  absl::StatusOr<LiveObjects> read =
      live_->Read(demand.missing_claims, demand.missing_classes, end - begin);
  const absl::Duration took = clock_->SteadyNow() - begin;
  MutexLock lock(&mu_);
  live_reads_ = {live_reads_.count + 1, live_reads_.total + took};
  return read;
}

std::optional<absl::StatusOr<LiveObjects>> LedgerService::Complete(const Pod& pod,
                                                                   Patience patience) {
  const absl::Time end = clock_->SteadyNow() + LiveReader::kTimeMax;
  LiveObjects live;
  // A claim leads to a class.
  for (int reads = 0;; ++reads) {
    PodDemand demand;
    {
      MutexLock lock(&mu_);
      demand = ledger_.Demand(pod, &live);
    }
    if (demand.IsKnown() && !demand.absent.empty()) return absl::NotFoundError(demand.absent);
    if (demand.IsKnown() || reads == kLiveReadsMax) return live;
    if (patience == Patience::kNone) return std::nullopt;
    absl::StatusOr<LiveObjects> more = ReadLive(demand, end);
    if (!more.ok()) {
      LogWarning("verb", "cannot read the claims of a pod from the API server",
                 {{"kube_namespace", pod.meta.key.kube_namespace},
                  {"pod", pod.meta.key.name},
                  {"error", more.status()}});
      if (absl::IsOutOfRange(more.status())) return absl::OutOfRangeError(kTooManyClaims);
      return absl::UnavailableError(kClaimsUnread);
    }
    std::move(more->claims.begin(), more->claims.end(), std::back_inserter(live.claims));
    std::move(more->classes.begin(), more->classes.end(), std::back_inserter(live.classes));
    std::move(more->absent_claims.begin(), more->absent_claims.end(),
              std::back_inserter(live.absent_claims));
    std::move(more->absent_classes.begin(), more->absent_classes.end(),
              std::back_inserter(live.absent_classes));
  }
}

std::optional<absl::StatusOr<PodDemand>> LedgerService::DemandToRank(const Pod& pod,
                                                                     Patience patience) {
  {
    MutexLock lock(&mu_);
    PodDemand demand = ledger_.Demand(pod, nullptr);
    if (demand.IsKnown() && demand.absent.empty()) return demand;
  }
  const auto live = Complete(pod, patience);
  if (!live) return std::nullopt;
  if (!live->ok()) return live->status();
  MutexLock lock(&mu_);
  return ledger_.Demand(pod, &**live);
}

// Rather for several changes: in a burst there is one each millisecond, and a look at thousands of
// nodes takes longer.
void LedgerService::WaitForChangeLocked(absl::Time deadline) {
  const absl::Time begin = clock_->SteadyNow();
  ++waiting_;
  changed_.WaitWithTimeout(&mu_, deadline - begin);
  const absl::Time end = std::min(deadline, begin + kLookPauseMin);
  bool is_over = false;
  for (absl::Time now = clock_->SteadyNow(); now < end && !is_over && is_deciding_;
       now = clock_->SteadyNow()) {
    is_over = changed_.WaitWithTimeout(&mu_, end - now);
  }
  --waiting_;
}

std::optional<FilterDecision> LedgerService::DecideFilterLocked(
    const Pod& pod, const LiveObjects& live, absl::Span<const std::string_view> nodes,
    Patience patience, int64_t turn, News& news) {
  const absl::Time begin = clock_->SteadyNow();
  const absl::Time deadline = begin + options_.hold_wait_max;
  bool has_waited = false;
  while (!ledger_.IsOvertaken(pod.meta.uid, turn)) {
    const absl::Time now = NowLocked();
    ledger_.Expire(now);
    SignalIfChangedLocked(news);
    const PodDemand demand = ledger_.Demand(pod, &live);
    FilterDecision decision = extender::Filter(ledger_, options_.verbs, pod, demand, nodes, now);
    // Asked again: to look at all nodes may have taken longer than we would wait.
    if (!decision.is_held || clock_->SteadyNow() >= deadline) {
      if (has_waited) waits_ = {waits_.count + 1, waits_.total + (now - begin)};
      ledger_.NoteRefused(pod, decision.node_ids.empty(), turn, now);
      ledger_.HoldOnIds(pod, demand, std::move(decision.node_ids),
                        std::move(decision.static_volumes), now, turn);
      return decision;
    }
    if (patience == Patience::kNone) return std::nullopt;
    has_waited = true;
    WaitForChangeLocked(deadline);
    if (!is_deciding_) return std::nullopt;
  }
  return std::nullopt;
}

// After an error kube-scheduler goes on without us where we are ignorable, and would take room that
// is promised to others.
std::optional<Reason> LedgerService::WhyUnreadLocked(const Pod& pod, const absl::Status& read) {
  const bool may_refuse = is_deciding_ && ledger_.Demand(pod, nullptr).IsPmem();
  if (!may_refuse || absl::IsNotFound(read)) return std::nullopt;
  return absl::IsOutOfRange(read) ? Reason::kTooManyClaims : Reason::kUnread;
}

FilterAnswer LedgerService::FilterUnreadLocked(bool is_leader, const Pod& pod, size_t nodes,
                                               const absl::Status& read, int64_t turn, News& news) {
  const std::optional<Reason> reason = WhyUnreadLocked(pod, read);
  if (!is_leader || !reason || ledger_.IsOvertaken(pod.meta.uid, turn)) {
    return {.is_pmem = true, .error = std::string(read.message())};
  }
  if (IsForNow(*reason)) {
    ledger_.NoteRefused(pod, true, turn, clock_->SteadyNow());
    news.is_any = true;
  }
  return {.is_pmem = true,
          .reasons = std::vector<Reason>(nodes, *reason),
          .is_named = std::vector<bool>(nodes, false)};
}

std::optional<FilterAnswer> LedgerService::Filter(const Pod& pod,
                                                  absl::Span<const std::string_view> nodes,
                                                  Patience patience, int64_t turn) {
  if (pod.volumes.empty()) return FilterAnswer{};
  const auto live = Complete(pod, patience);
  if (!live) return std::nullopt;
  News news{this};
  if (!live->ok()) {
    const bool is_leader = IsLeaderNow();
    MutexLock lock(&mu_);
    return FilterUnreadLocked(is_leader, pod, nodes.size(), live->status(), turn, news);
  }
  std::optional<FilterAnswer> answer =
      FilterAs(IsLeaderNow(), pod, **live, nodes, patience, turn, news);
  // Asked again after: stopped in between, we may have lost the lease to a replica that has
  // promised the same room.
  if (answer && answer->is_pmem && !IsLeaderNow()) {
    return FilterAnswer{.is_pmem = true, .error = kNotTheLeader};
  }
  // Whoever looks at refused pods has one more. Others are told of with their evidence.
  const bool has_decided = answer && answer->is_pmem && answer->error.empty();
  news.is_any |= has_decided && answer->named_count == 0;
  return answer;
}

std::optional<FilterAnswer> LedgerService::FilterAs(bool is_leader, const Pod& pod,
                                                    const LiveObjects& live,
                                                    absl::Span<const std::string_view> nodes,
                                                    Patience patience, int64_t turn, News& news) {
  MutexLock lock(&mu_);
  ledger_.Learn(live, clock_->SteadyNow());
  SignalIfChangedLocked(news);
  const PodDemand demand = ledger_.Demand(pod, &live);
  if (!demand.IsKnown()) {
    return FilterUnreadLocked(is_leader, pod, nodes.size(), absl::UnavailableError(kClaimsChanged),
                              turn, news);
  }
  if (!demand.IsPmem()) return FilterAnswer{};
  if (!is_leader || !is_deciding_) {
    return FilterAnswer{.is_pmem = true,
                        .error = is_leader ? WhyNotDecidingLocked() : kNotTheLeader};
  }
  std::optional<FilterDecision> decision =
      DecideFilterLocked(pod, live, nodes, patience, turn, news);
  if (decision) {
    return FilterAnswer{.is_pmem = true,
                        .reasons = std::move(decision->reasons),
                        .is_named = std::move(decision->is_named),
                        .named_count = decision->named_count};
  }
  if (!is_deciding_) return FilterAnswer{.is_pmem = true, .error = WhyNotDecidingLocked()};
  if (ledger_.IsOvertaken(pod.meta.uid, turn)) {
    return FilterAnswer{.is_pmem = true, .error = "the pod was asked for again meanwhile"};
  }
  return std::nullopt;
}

std::optional<PrioritizeAnswer> LedgerService::Prioritize(const Pod& pod,
                                                          absl::Span<const std::string_view> nodes,
                                                          Patience patience) {
  const auto asked = DemandToRank(pod, patience);
  if (!asked) return std::nullopt;
  if (!asked->ok()) return PrioritizeAnswer{.error = std::string(asked->status().message())};
  const PodDemand& demand = **asked;
  const bool is_leader = IsLeaderNow();
  MutexLock lock(&mu_);
  if (demand.IsPmem() && !is_leader) return PrioritizeAnswer{.error = kNotTheLeader};
  if (demand.IsPmem() && !is_deciding_) return PrioritizeAnswer{.error = WhyNotDecidingLocked()};
  return PrioritizeAnswer{.scores =
                              extender::Prioritize(ledger_, options_.verbs, pod, demand, nodes)};
}

bool LedgerService::RanksPlainPodsAlike() const {
  MutexLock lock(&mu_);
  return options_.verbs.plain_pod_score == 0 || ledger_.IsUniform();
}

std::optional<PreemptAnswer> LedgerService::Preempt(const Pod& pod,
                                                    absl::Span<const std::string_view> nodes,
                                                    Patience patience) {
  const auto live = Complete(pod, patience);
  if (!live) return std::nullopt;
  const bool is_leader = IsLeaderNow();
  News news{this};
  MutexLock lock(&mu_);
  if (!live->ok()) return PreemptUnreadLocked(is_leader, pod, nodes.size(), live->status());
  ledger_.Learn(**live, clock_->SteadyNow());
  SignalIfChangedLocked(news);
  const PodDemand demand = ledger_.Demand(pod, &**live);
  if (!demand.IsKnown()) {
    return PreemptUnreadLocked(is_leader, pod, nodes.size(),
                               absl::UnavailableError(kClaimsChanged));
  }
  if (demand.IsPmem() && !is_leader) return PreemptAnswer{.error = kNotTheLeader};
  if (demand.IsPmem() && !is_deciding_) return PreemptAnswer{.error = WhyNotDecidingLocked()};
  const absl::Time now = clock_->SteadyNow();
  return PreemptAnswer{.is_kept = extender::Preempt(ledger_, demand, nodes, now)};
}

PreemptAnswer LedgerService::PreemptUnreadLocked(bool is_leader, const Pod& pod, size_t nodes,
                                                 const absl::Status& read) {
  if (is_leader && WhyUnreadLocked(pod, read)) return {.is_kept = std::vector<bool>(nodes, false)};
  return {.error = std::string(read.message())};
}

}  // namespace pmem::extender
