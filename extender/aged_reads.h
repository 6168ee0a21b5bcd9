// SPDX-License-Identifier: Apache-2.0
// What was read of the API server, by name, each believed for a while: for `age_min`, and for twice
// as long, up to `age_max`, each time that nobody wanted it read sooner and it says the same again.
// One whose read failed is left alone for kReadRetryPause, twice as long each time, up to
// kReadRetryPauseMax. Pure; not thread-safe.
#pragma once

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"

namespace pmem::extender {

inline constexpr absl::Duration kReadRetryPause = absl::Seconds(1);
inline constexpr absl::Duration kReadRetryPauseMax = absl::Seconds(30);

// Of a Value only `planned_at` is looked at. `Gist`: what of it tells whether it is the same again,
// and is remembered for longer than it.
template <class Value, class Gist = std::monostate>
class AgedReads {
 public:
  struct Ages {
    absl::Duration age_min;
    absl::Duration age_max;
    // How long after a read that nobody wants again it is forgotten how old it was let grow.
    absl::Duration remembered;
  };
  using Values = absl::btree_map<std::string, Value>;

  explicit AgedReads(Ages ages) : ages_(ages) {}

  const Values& values() const { return values_; }

  // The age of a value counts from the first plan that can use it, so that a slow answer is of use
  // for one at least. Forgets those that are too old.
  void BeginPlan(absl::Time now) {
    for (auto it = values_.begin(); it != values_.end();) {
      it->second.planned_at = std::min(it->second.planned_at, now);
      const bool is_old = now - it->second.planned_at > reads_.at(it->first).age;
      it = is_old ? values_.erase(it) : std::next(it);
    }
  }

  // Which of those that are wanted to read now, `max` at most: those first that were not for
  // longest.
  std::vector<std::string> Due(const std::set<std::string>& wanted, size_t max, absl::Time now) {
    absl::erase_if(reads_, [&](const auto& entry) {
      const auto& [name, read] = entry;
      return !wanted.contains(name) && !values_.contains(name) &&
             now >= read.next_at + std::max(read.pause, ages_.remembered);
    });
    std::vector<std::pair<absl::Time, std::string>> due;
    for (const std::string& name : wanted) {
      const auto it = reads_.find(name);
      if (it == reads_.end()) {
        due.emplace_back(absl::InfinitePast(), name);
      } else if (now >= it->second.next_at) {
        due.emplace_back(it->second.asked_at, name);
      }
    }
    std::sort(due.begin(), due.end());
    due.resize(std::min(due.size(), max));
    std::vector<std::string> names;
    names.reserve(due.size());
    for (auto& [asked_at, name] : due) names.push_back(std::move(name));
    return names;
  }

  void Put(const std::string& name, Value value, absl::Time asked_at, Gist gist = {}) {
    Read next{.gist = std::move(gist), .asked_at = asked_at, .next_at = asked_at};
    next.age = ages_.age_min;
    const auto known = reads_.find(name);
    const bool is_same_again =
        known != reads_.end() && !values_.contains(name) && known->second.gist == next.gist;
    if (is_same_again) next.age = std::min(known->second.age * 2, ages_.age_max);
    values_.insert_or_assign(name, std::move(value));
    reads_.insert_or_assign(name, std::move(next));
  }

  // What was known before stays until it is too old.
  void NoteFailure(const std::string& name, absl::Time asked_at, absl::Time now) {
    Read& read = reads_[name];
    read.pause = std::clamp(read.pause * 2, kReadRetryPause, kReadRetryPauseMax);
    read.asked_at = asked_at;
    read.next_at = now + read.pause;
    read.age = ages_.age_min;
  }

  void Clear() {
    values_.clear();
    reads_.clear();
  }

 private:
  struct Read {
    Gist gist;
    absl::Time asked_at;
    absl::Time next_at;    // Not before.
    absl::Duration age;    // For so long what was read is believed.
    absl::Duration pause;  // After the last, which failed; zero: it did not.
  };

  const Ages ages_;
  Values values_;
  absl::btree_map<std::string, Read> reads_;
};

}  // namespace pmem::extender
