// SPDX-License-Identifier: Apache-2.0
#include "extender/extender_metrics.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "extender/core/known_nodes.h"
#include "extender/core/node_numbers.h"
#include "extender/intake/agent_discovery.h"
#include "extender/intake/agent_poller.h"
#include "extender/intake/cluster_watches.h"
#include "extender/intake/event_writer.h"
#include "extender/intake/watch_loop.h"
#include "extender/ledger_pages.h"

namespace pmem::extender {
namespace {

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFit:
      return "fit";
    case Outcome::kNoFit:
      return "no_fit";
    case Outcome::kUnmanaged:
      return "unmanaged";
    case Outcome::kError:
      return "error";
  }
  return "";
}

// 0.1 ms to 5 s.
std::vector<double> VerbBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};
}

constexpr std::string_view kVerbPrefix = "/scheduler/";

std::vector<MetricSample> NodesByFreshness(const LedgerService& service) {
  std::map<Freshness, int> counts = {{Freshness::kFresh, 0},
                                     {Freshness::kStale, 0},
                                     {Freshness::kNoReport, 0},
                                     {Freshness::kNoAgent, 0}};
  ReadPages(service, kPageMax, [&](const Ledger& ledger, absl::Time now, const Page& page) {
    return LookAtNodes(ledger, page, [&](const KnownNode& node) {
      const bool counts_here = IsOfPmem(ledger, node);
      if (counts_here) ++counts[FreshnessOf(ledger, node, now)];
      return counts_here;
    });
  });
  std::vector<MetricSample> samples;
  samples.reserve(counts.size());
  for (const auto& [freshness, count] : counts) {
    samples.push_back(
        {{{"state", std::string(FreshnessName(freshness))}}, static_cast<double>(count)});
  }
  return samples;
}

// One sample a node with an agent that has reported.
template <class Value>
std::vector<MetricSample> PerNode(const Ledger& ledger, Value value) {
  std::vector<MetricSample> samples;
  for (const auto& [name, node] : ledger.nodes().nodes()) {
    if (!node->has_agent || node->report == nullptr) continue;
    samples.push_back({{{"node", name}}, value(*node)});
  }
  return samples;
}

// One sample a node and kind that it has a pool of, or owes something of. value(numbers, is_known)
// returns nullopt for what is not known: of what is free nothing is while a pool cannot be read.
template <class Value>
std::vector<MetricSample> PerKind(const LedgerService& service, Value value) {
  std::vector<MetricSample> samples;
  ReadPages(service, kPageMax, [&](const Ledger& ledger, absl::Time now, const Page& page) {
    return LookAtNodes(ledger, page, [&](const KnownNode& node) {
      if (!node.HasAgent() || node.state->report == nullptr) return false;
      const bool is_fresh = FreshnessOf(ledger, node, now) == Freshness::kFresh;
      for (const PoolKind kind : kPoolKinds) {
        const NodeNumbers numbers = FirmNumbersOf(*node.state, kind);
        if (numbers.total_bytes == 0 && numbers.promised_bytes == 0) continue;
        const std::optional<int64_t> bytes = value(numbers, is_fresh && numbers.is_known);
        if (!bytes) continue;
        samples.push_back({{{"node", node.name}, {"kind", std::string(PoolKindName(kind))}},
                           static_cast<double>(*bytes)});
      }
      return true;
    });
  });
  return samples;
}

// Of every watch that was started.
std::vector<WatchHealth> WatchesOf(const ExtenderMetrics::Intake& intake) {
  std::vector<WatchHealth> watches = intake.watches->Health();
  watches.push_back(intake.capacity_watch->Health());
  if (auto agents = intake.discovery->Health()) watches.push_back(*std::move(agents));
  std::erase_if(watches, [](const WatchHealth& watch) { return !watch.silence.has_value(); });
  return watches;
}

// One sample a watch.
template <class Value>
void AddOfWatches(const ExtenderMetrics::Intake& intake, const char* what, const char* help,
                  Value value, Metrics* metrics) {
  metrics->AddCollector(what, help, {"kind"}, [intake, value] {
    std::vector<MetricSample> samples;
    for (const WatchHealth& watch : WatchesOf(intake)) {
      samples.push_back({{{"kind", watch.kind}}, static_cast<double>(value(watch))});
    }
    return samples;
  });
}

std::vector<MetricSample> EventSamples(const EventCounts& counts) {
  const auto sample = [](const char* result, int64_t count) {
    return MetricSample{{{"result", result}}, static_cast<double>(count)};
  };
  return {sample("written", counts.written), sample("refused", counts.refused),
          sample("dropped", counts.dropped)};
}

}  // namespace

ExtenderMetrics::ExtenderMetrics(const LedgerService* service)
    : metrics_("pmem_extender", PMEM_VERSION),
      invariants_broken_(metrics_.AddCounter("invariants_broken_total",
                                             "Checks of the ledger that found it inconsistent.")),
      holds_made_(metrics_.AddCounter("holds_made_total", "Holds made.")),
      holds_expired_(metrics_.AddCounter(
          "holds_expired_total", "Holds of pods that nothing was heard of for all of their time.")),
      debts_made_(metrics_.AddCounter("debts_made_total",
                                      "Rooms kept for volumes that may be in the making.")),
      reports_taken_(metrics_.AddCounter("reports_taken_total", "Agents' reports taken.")),
      reports_old_(metrics_.AddCounter("reports_old_total", "Agents' reports that came too late.")),
      filter_waits_(
          metrics_.AddCounter("filter_waits_total", "Filter calls that waited for others' holds.")),
      filter_wait_seconds_(metrics_.AddCounter(
          "filter_wait_seconds_total", "Seconds that filter calls waited for others' holds.")),
      live_reads_(metrics_.AddCounter("live_reads_total",
                                      "Times that a verb asked the API server for claims.")),
      live_read_seconds_(metrics_.AddCounter("live_read_seconds_total",
                                             "Seconds of the verbs' time that live reads took.")) {
  for (const Outcome outcome :
       {Outcome::kFit, Outcome::kNoFit, Outcome::kUnmanaged, Outcome::kError}) {
    decisions_.emplace(outcome,
                       metrics_.AddCounter("pod_decisions_total", "Filter answers.",
                                           {{"outcome", std::string(OutcomeName(outcome))}}));
  }
  for (const Reason reason : kReasons) {
    if (reason == Reason::kFits) continue;
    rejections_.emplace(reason,
                        metrics_.AddCounter("node_rejections_total", "Nodes refused by filter.",
                                            {{"reason", std::string(ReasonName(reason))}}));
  }
  for (const std::string_view verb : {"filter", "prioritize", "preempt"}) {
    durations_.emplace(verb, metrics_.AddHistogram("verb_duration_seconds",
                                                   "From the end of the header to the answer.",
                                                   VerbBuckets(), {{"verb", std::string(verb)}}));
  }
  for (const int code : {400, 405, 408, 413, 500, 503}) {
    refusals_.emplace(code, metrics_.AddCounter("verb_refusals_total",
                                                "Calls of verbs answered with an HTTP error.",
                                                {{"code", std::to_string(code)}}));
  }
  AddLedgerCollectors(service);
  AddNodeCollectors(service);
  AddDriftCollector(service);
}

void ExtenderMetrics::AddLedgerCollectors(const LedgerService* service) {
  const auto add = [&](const char* what, const char* help, auto value) {
    metrics_.AddCollector(what, help, {}, [service, value] {
      return std::vector<MetricSample>{{{}, static_cast<double>(service->Read(value))}};
    });
  };
  using L = const Ledger&;
  add("holds", "Holds of pods and of claims.",
      [](L l, absl::Time) { return l.holds().holds().size(); });
  add("claims_placed", "Claims with a node.",
      [](L l, absl::Time) { return l.places().places().size(); });
}

void ExtenderMetrics::AddDriftCollector(const LedgerService* service) {
  metrics_.AddCollector("drifts",
                        "Differences between reports and what else is known that nothing explains.",
                        {"kind"}, [service] {
                          return service->Read([](const Ledger& ledger, absl::Time) {
                            std::vector<MetricSample> samples;
                            samples.reserve(kDriftKinds.size());
                            for (const DriftKind kind : kDriftKinds) {
                              samples.push_back({{{"kind", std::string(DriftKindName(kind))}},
                                                 static_cast<double>(ledger.drifts().Count(kind))});
                            }
                            return samples;
                          });
                        });
}

void ExtenderMetrics::AddNodeCollectors(const LedgerService* service) {
  metrics_.AddCollector("nodes",
                        "Nodes with an agent, or that lack one (no_agent: the product's kube_label "
                        "or claims of ours are there), by what is known of them.",
                        {"state"}, [service] { return NodesByFreshness(*service); });
  metrics_.AddCollector("report_age_seconds", "Since the node's agent last answered.", {"node"},
                        [service] {
                          return service->Read([](const Ledger& ledger, absl::Time now) {
                            return PerNode(ledger, [now](const NodeState& node) {
                              return absl::ToDoubleSeconds(now - node.contact);
                            });
                          });
                        });
  metrics_.AddCollector("promised_bytes",
                        "Promised to claims whose volume is not reported yet, or is to grow.",
                        {"kind", "node"}, [service] {
                          return PerKind(*service, [](const NodeNumbers& numbers, bool) {
                            return std::optional<int64_t>(numbers.promised_bytes);
                          });
                        });
  metrics_.AddCollector(
      "free_bytes",
      "What is available less what is promised; absent while the agent is silent, or a pool is "
      "unknown.",
      {"kind", "node"}, [service] {
        return PerKind(*service, [](const NodeNumbers& numbers, bool is_known) {
          return is_known ? std::optional<int64_t>(numbers.free_bytes) : std::nullopt;
        });
      });
  metrics_.AddCollector(
      "max_volume_bytes",
      "The largest volume that fits into what is free; absent while the agent is silent, or a "
      "pool is unknown.",
      {"kind", "node"}, [service] {
        return PerKind(*service, [](const NodeNumbers& numbers, bool is_known) {
          return is_known ? std::optional<int64_t>(numbers.volume_bytes_max) : std::nullopt;
        });
      });
}

void ExtenderMetrics::AddIntake(const Intake& intake) {
  AddOfWatches(
      intake, "watch_failures_total", "Lists and watches that were refused or broken off.",
      [](const WatchHealth& watch) { return watch.failures; }, &metrics_);
  AddOfWatches(
      intake, "watch_silence_seconds",
      "Since the API server last sent an object, a bookmark or a page; before the first, since the "
      "start.",
      [](const WatchHealth& watch) { return absl::ToDoubleSeconds(*watch.silence); }, &metrics_);
  AddOfWatches(
      intake, "watch_relists_total", "Times that all objects of a kind were taken anew.",
      [](const WatchHealth& watch) { return watch.relists; }, &metrics_);
  AddOfWatches(
      intake, "watch_decode_errors_total", "Objects left out, for they could not be decoded.",
      [](const WatchHealth& watch) { return watch.decode_errors; }, &metrics_);
  metrics_.AddCollector(
      "agent_poll_failures_total",
      "Polls of agents that failed, and agents that could not be asked.", {},
      [poller = intake.poller] {
        return std::vector<MetricSample>{{{}, static_cast<double>(poller->failures())}};
      });
  metrics_.AddCollector("claim_events_total",
                        "Events on claims that were due, by what became of them.", {"result"},
                        [events = intake.events] { return EventSamples(events->counts()); });
}

void ExtenderMetrics::OnFilter(Outcome outcome, const std::vector<Reason>& reasons) {
  decisions_.at(outcome).Increment();
  std::array<int, kReasons.size()> counts{};
  for (const Reason reason : reasons) ++counts[static_cast<size_t>(reason)];
  for (const Reason reason : kReasons) {
    const int count = counts[static_cast<size_t>(reason)];
    if (reason != Reason::kFits && count > 0) rejections_.at(reason).Increment(count);
  }
}

void ExtenderMetrics::OnExchange(const HttpExchange& exchange) {
  if (exchange.route.substr(0, kVerbPrefix.size()) != kVerbPrefix) return;
  const auto it = durations_.find(exchange.route.substr(kVerbPrefix.size()));
  if (it != durations_.end()) it->second.Observe(absl::ToDoubleSeconds(exchange.duration));
  const auto refusal = refusals_.find(exchange.status);
  if (refusal != refusals_.end()) refusal->second.Increment();
}

void ExtenderMetrics::OnTick(const LedgerService& service) {
  const Ledger::Counters now =
      service.Read([](const Ledger& ledger, absl::Time) { return ledger.counters(); });
  const LedgerService::Waits waits = service.GetWaits();
  const LedgerService::Waits reads = service.GetLiveReads();
  holds_made_.Increment(static_cast<double>(now.holds_made - counted_.holds_made));
  holds_expired_.Increment(static_cast<double>(now.holds_expired - counted_.holds_expired));
  debts_made_.Increment(static_cast<double>(now.debts_made - counted_.debts_made));
  reports_taken_.Increment(static_cast<double>(now.reports_taken - counted_.reports_taken));
  reports_old_.Increment(static_cast<double>(now.reports_old - counted_.reports_old));
  filter_waits_.Increment(static_cast<double>(waits.count - waits_counted_.count));
  filter_wait_seconds_.Increment(absl::ToDoubleSeconds(waits.total - waits_counted_.total));
  live_reads_.Increment(static_cast<double>(reads.count - live_reads_counted_.count));
  live_read_seconds_.Increment(absl::ToDoubleSeconds(reads.total - live_reads_counted_.total));
  counted_ = now;
  waits_counted_ = waits;
  live_reads_counted_ = reads;
}

}  // namespace pmem::extender
