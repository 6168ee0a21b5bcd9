// SPDX-License-Identifier: Apache-2.0
#include "extender/core/candidate_choice.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace pmem::extender {
namespace {

// FNV-1a: the same in every build, which a library's hash is not.
uint64_t Hash(std::string_view text) {
  uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

// splitmix64's step: a well mixed number from one that counts up.
uint64_t Mix(uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31);
}

}  // namespace

std::vector<size_t> ChooseCandidates(absl::Span<const int> scores, size_t count,
                                     std::string_view pod_uid) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (count >= order.size()) return order;
  const size_t best = (count + 1) / 2;
  std::nth_element(order.begin(), order.begin() + static_cast<ptrdiff_t>(best), order.end(),
                   [&scores](size_t a, size_t b) {
                     return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
                   });
  std::sort(order.begin() + static_cast<ptrdiff_t>(best), order.end());
  const size_t rest = order.size() - best;
  const size_t stretches = count - best;
  const uint64_t seed = Hash(pod_uid);
  for (size_t i = 0; i < stretches; ++i) {
    const size_t begin = rest * i / stretches;
    const size_t length = rest * (i + 1) / stretches - begin;
    // Not evenly apart: the scheduler's lists go through the zones in turn.
    order[best + i] = order[best + begin + Mix(seed + i) % length];
  }
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace pmem::extender
