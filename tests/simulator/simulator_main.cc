// SPDX-License-Identifier: Apache-2.0
// Runs worlds, prints what came of them, and makes a failing one smaller.
//
// Worlds S, S+1, ... until N pods were in them, or as many as SIMULATOR_PODS says, or 20,000:
//   simulator [--pods N] [--first-seed S]
//
// This world; --tell prints what happens in it, step by step:
//   simulator --seed S [--tell]
//
// Both may be narrowed, to so many nodes and pods, to every kind of trouble or without some:
//   [--nodes N] [--world-pods N] [--with-all] [--without a,b]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "tests/simulator/world.h"

namespace pmem::extender::simulator {
namespace {

struct Arguments {
  uint64_t seed = 0;
  bool is_one = false;
  bool is_told = false;
  int64_t pods = 20'000;
  Narrowing narrowing;
};

std::string RunWorld(uint64_t seed, const Narrowing& narrowing, Tally* tally,
                     bool is_told = false) {
  World world(MakePlan(seed, narrowing), is_told);
  std::string failure = world.Run();
  if (tally != nullptr) tally->Add(world.tally());
  return failure;
}

bool Fails(uint64_t seed, const Narrowing& narrowing) {
  return !RunWorld(seed, narrowing, nullptr).empty();
}

// Takes away whatever can go with the world still failing, somehow.
Narrowing Shrink(uint64_t seed, Narrowing narrowing) {
  const Plan plan = MakePlan(seed, narrowing);
  for (const std::string& feature : plan.features) {
    Narrowing less = narrowing;
    less.without.insert(feature);
    if (Fails(seed, less)) narrowing = less;
  }
  for (int nodes = 1; nodes < plan.nodes; ++nodes) {
    Narrowing less = narrowing;
    less.nodes = nodes;
    if (!Fails(seed, less)) continue;
    narrowing = less;
    break;
  }
  for (int pods = 1; pods < plan.pods; ++pods) {
    Narrowing less = narrowing;
    less.pods = pods;
    if (!Fails(seed, less)) continue;
    narrowing = less;
    break;
  }
  return narrowing;
}

int Report(uint64_t seed, const Narrowing& narrowing, const std::string& failure) {
  std::printf("FAILED %s: %s\n", ArgumentsOf(seed, narrowing).c_str(), failure.c_str());
  std::fflush(stdout);
  const Narrowing small = Shrink(seed, narrowing);
  const std::string arguments = ArgumentsOf(seed, small);
  std::printf("smaller: simulator %s\n  %s\n", arguments.c_str(),
              RunWorld(seed, small, nullptr).c_str());
  std::printf("  with:");
  for (const std::string& feature : MakePlan(seed, small).features) {
    std::printf(" %s", feature.c_str());
  }
  std::printf("\n");
  return 1;
}

bool Parse(int count, char** words, Arguments& arguments) {
  const char* const pods = std::getenv("SIMULATOR_PODS");
  if (pods != nullptr && !absl::SimpleAtoi(pods, &arguments.pods)) return false;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--with-all") {
      arguments.narrowing.with_all = true;
      continue;
    }
    if (word == "--tell") {
      arguments.is_told = true;
      continue;
    }
    if (i + 1 == count) return false;
    const std::string value = words[++i];
    bool is_good = true;
    if (word == "--without") {
      const std::vector<std::string> names = absl::StrSplit(value, ',');
      arguments.narrowing.without.insert(names.begin(), names.end());
    } else if (word == "--seed" || word == "--first-seed") {
      is_good = absl::SimpleAtoi(value, &arguments.seed);
      arguments.is_one = word == "--seed";
    } else if (word == "--nodes") {
      is_good = absl::SimpleAtoi(value, &arguments.narrowing.nodes);
    } else if (word == "--world-pods") {
      is_good = absl::SimpleAtoi(value, &arguments.narrowing.pods);
    } else {
      is_good = word == "--pods" && absl::SimpleAtoi(value, &arguments.pods);
    }
    if (!is_good) return false;
  }
  return true;
}

int Run(const Arguments& arguments) {
  const auto begin = std::chrono::steady_clock::now();
  Tally tally;
  uint64_t seed = arguments.seed;
  std::string failure;
  do {
    failure = RunWorld(seed, arguments.narrowing, &tally, arguments.is_told);
    if (!failure.empty()) break;
    ++seed;
  } while (!arguments.is_one && tally.pods < arguments.pods);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  Print(tally, seconds.count());
  return failure.empty() ? 0 : Report(seed, arguments.narrowing, failure);
}

}  // namespace
}  // namespace pmem::extender::simulator

int main(int count, char** words) {
  pmem::extender::simulator::Arguments arguments;
  if (!pmem::extender::simulator::Parse(count, words, arguments)) {
    std::fprintf(stderr, "usage: see the head of tests/simulator/simulator_main.cc\n");
    return 2;
  }
  return pmem::extender::simulator::Run(arguments);
}
