// SPDX-License-Identifier: Apache-2.0
// Virtual time: what is to happen when. Things due at the same time happen in the order in which
// they were entered.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace pmem::extender::simulator {

class Agenda {
 public:
  static absl::Time Begin() { return absl::FromUnixSeconds(1'000'000); }
  absl::Time now() const { return now_; }
  int64_t steps() const { return steps_; }

  void After(absl::Duration delay, std::function<void()> what) {
    entries_.push_back({now_ + delay, next_++, std::move(what)});
    std::push_heap(entries_.begin(), entries_.end(), IsLater);
  }

  // Does what is due until `end`, which is then the time.
  void RunUntil(absl::Time end) {
    while (!entries_.empty() && entries_.front().at <= end) {
      std::pop_heap(entries_.begin(), entries_.end(), IsLater);
      const Entry entry = std::move(entries_.back());
      entries_.pop_back();
      now_ = entry.at;
      ++steps_;
      entry.what();
    }
    now_ = end;
  }

 private:
  struct Entry {
    absl::Time at;
    int64_t number = 0;
    std::function<void()> what;
  };
  static bool IsLater(const Entry& a, const Entry& b) {
    return a.at != b.at ? a.at > b.at : a.number > b.number;
  }

  absl::Time now_ = Begin();
  int64_t next_ = 0;
  int64_t steps_ = 0;
  std::vector<Entry> entries_;  // A heap: the first is due first.
};

}  // namespace pmem::extender::simulator
