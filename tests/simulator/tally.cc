// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/tally.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>

namespace pmem::extender::simulator {
namespace {

constexpr std::array<std::string_view, kCauses> kCauseTexts = {
    "the scheduler's own pause",
    "held for attempts under way",
    "held for attempts given up in silence",
    "takeover window",
    "debts: creations maybe under way",
    "a blind node, or volumes by hand held",
    "kept for half-provisioned pods",
    "agent silent or stale",
    "report behind",
    "watch behind",
    "nobody leads yet",
};

// Of sorted values.
double At(const std::vector<absl::Duration>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1));
  return absl::ToDoubleSeconds(sorted[index]);
}

struct Lasted {
  absl::Duration duration;
  uint64_t seed = 0;
};

template <class Of>
void PrintRow(std::string_view name, const std::vector<Refusal>& refusals, absl::Duration all,
              Of of) {
  std::vector<absl::Duration> durations;
  absl::Duration sum;
  Lasted longest;
  for (const Refusal& refusal : refusals) {
    const absl::Duration duration = of(refusal);
    if (duration == absl::ZeroDuration()) continue;
    durations.push_back(duration);
    sum += duration;
    if (duration > longest.duration) longest = {duration, refusal.seed};
  }
  std::sort(durations.begin(), durations.end());
  const double share = all == absl::ZeroDuration() ? 0 : absl::FDivDuration(sum, all);
  std::printf("  %-38s %7zu %6.1f %% %7.1f %7.1f %7.1f %10lu\n", std::string(name).c_str(),
              durations.size(), 100 * share, At(durations, 0.5), At(durations, 0.99),
              At(durations, 1), longest.seed);
}

void PrintRefusals(const std::vector<Refusal>& refusals) {
  std::printf("  %-38s %7s %8s %7s %7s %7s %10s\n", "pods that fitted, refused: seconds", "pods",
              "share", "p50", "p99", "max", "of seed");
  absl::Duration all;
  for (const Refusal& refusal : refusals) all += refusal.Whole();
  PrintRow("from the refusal to the answer", refusals, all, std::mem_fn(&Refusal::Whole));
  PrintRow("of it, the ledger said no", refusals, all, std::mem_fn(&Refusal::ByUs));
  for (size_t i = 0; i < kCauses; ++i) {
    PrintRow(kCauseTexts[i], refusals, all,
             [i](const Refusal& refusal) { return refusal.lasted[i]; });
  }
}

}  // namespace

std::string_view CauseText(Cause cause) { return kCauseTexts[static_cast<size_t>(cause)]; }

absl::Duration Refusal::Whole() const {
  absl::Duration whole;
  for (const absl::Duration duration : lasted) whole += duration;
  return whole;
}

void Tally::Add(const Tally& other) {
  for (int64_t Tally::*field : {&Tally::worlds, &Tally::pods, &Tally::placed, &Tally::accepted,
                                &Tally::over_committed, &Tally::failed_by_us, &Tally::leaks,
                                &Tally::stranded, &Tally::failed_excused, &Tally::failed_by_device,
                                &Tally::refusals, &Tally::events, &Tally::steps, &Tally::checks}) {
    this->*field += other.*field;
  }
  false_refusals.insert(false_refusals.end(), other.false_refusals.begin(),
                        other.false_refusals.end());
}

void Print(const Tally& tally, double seconds) {
  std::printf(
      "worlds %ld, pods %ld (placed %ld), claims given a node %ld, events %ld, steps %ld, "
      "checks of all invariants %ld, %.1f s\n",
      tally.worlds, tally.pods, tally.placed, tally.accepted, tally.events, tally.steps,
      tally.checks, seconds);
  std::printf(
      "over-committed %ld, creations failed by us %ld, leaks %ld, fitting pods not placed "
      "%ld\n",
      tally.over_committed, tally.failed_by_us, tally.leaks, tally.stranded);
  std::printf(
      "creations failed by what people did %ld, by the node's choice %ld, refusals %ld, pods "
      "refused that fitted %zu\n",
      tally.failed_excused, tally.failed_by_device, tally.refusals, tally.false_refusals.size());
  if (!tally.false_refusals.empty()) PrintRefusals(tally.false_refusals);
}

}  // namespace pmem::extender::simulator
