// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/plan.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {
namespace {

constexpr uint64_t kPlanSalt = 1;

}  // namespace

Plan MakePlan(uint64_t seed, const Narrowing& narrowing) {
  Random random(seed, kPlanSalt);
  Plan plan{.seed = seed};
  plan.nodes = static_cast<int>(random.Between(1, 6));
  plan.pods = static_cast<int>(random.Between(5, 60));
  plan.fill_percent = static_cast<int>(random.Between(60, 140));
  const int64_t percent = random.Between(0, 60);  // Calm worlds and wild ones.
  for (const std::string_view feature : kFeatures) {
    if (random.Chance(percent)) plan.features.emplace(feature);
  }
  if (narrowing.with_all) plan.features.insert(std::begin(kFeatures), std::end(kFeatures));
  if (narrowing.nodes > 0) plan.nodes = narrowing.nodes;
  if (narrowing.pods > 0) plan.pods = narrowing.pods;
  for (const std::string& feature : narrowing.without) plan.features.erase(feature);
  return plan;
}

std::string ArgumentsOf(uint64_t seed, const Narrowing& narrowing) {
  std::string text = absl::StrCat("--seed ", seed);
  if (narrowing.nodes > 0) absl::StrAppend(&text, " --nodes ", narrowing.nodes);
  if (narrowing.pods > 0) absl::StrAppend(&text, " --world-pods ", narrowing.pods);
  if (narrowing.with_all) absl::StrAppend(&text, " --with-all");
  if (!narrowing.without.empty()) {
    absl::StrAppend(&text, " --without ", absl::StrJoin(narrowing.without, ","));
  }
  return text;
}

}  // namespace pmem::extender::simulator
