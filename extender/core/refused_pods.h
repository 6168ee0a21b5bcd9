// SPDX-License-Identifier: Apache-2.0
// Pods that were refused everywhere: when one would fit, somebody has to wake the scheduler up. Not
// thread-safe; pure, deterministic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

namespace pmem::extender {

class RefusedPods {
 public:
  // `turn`: of the call that was answered so.
  void Note(const std::string& uid, int64_t turn, absl::Time now);
  void Erase(std::string_view uid);
  bool Contains(std::string_view uid) const { return pods_.contains(uid); }
  size_t size() const { return pods_.size(); }
  // A call for the pod that came after that `turn` was answered so.
  bool HasLater(std::string_view uid, int64_t turn) const;
  // UID of the next, in turn; empty: there is none.
  std::string Next();
  // Drops those that were noted for longer than `age` and are not known: their watch cannot be that
  // late, so they were gone before. Looks at all, and so no more often than each `age`.
  void Expire(absl::Time now, absl::Duration age,
              absl::FunctionRef<bool(const std::string& uid)> is_known);

 private:
  struct Refusal {
    int64_t turn = 0;
    absl::Time since;
  };
  std::map<std::string, Refusal, std::less<>> pods_;  // By UID.
  std::string looked_at_;                             // The last.
  absl::Time expired_at_ = absl::InfinitePast();
};

}  // namespace pmem::extender
