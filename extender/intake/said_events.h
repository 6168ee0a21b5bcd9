// SPDX-License-Identifier: Apache-2.0
// What was said on which claim, and when it may be said again: after kClaimEventRepeat, or, when
// the API server refused it, after 10 s, doubled up to 5 min with each refusal, and not sooner than
// the server asked for. Pure; not thread-safe.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/time/time.h"

namespace pmem::extender {

inline constexpr absl::Duration kClaimEventRepeat = absl::Minutes(10);
inline constexpr absl::Duration kClaimEventRetryMin = absl::Seconds(10);
// A server that says when to come back is believed up to this, too.
inline constexpr absl::Duration kClaimEventRetryMax = absl::Minutes(5);
// Claims and reasons remembered. Past it nothing new is said until one of them may be said again:
// to forget one sooner would be to say it again and again.
inline constexpr size_t kClaimEventMemoryMax = 8192;

class SaidEvents {
 public:
  using Said = std::pair<std::string, std::string>;  // Claim UID and reason.

  bool MayBeSaid(const Said& said, absl::Time now) const;
  // It is said now. False, and nothing is noted: too many are remembered.
  bool Note(const Said& said, absl::Time now);
  void NoteWritten(const Said& said);
  void NoteRefused(const Said& said, absl::Time now, absl::Duration retry_after);

 private:
  struct Entry {
    absl::Time again_at;
    absl::Duration pause;  // After the last refusal; 0: it was not refused.
  };

  bool MakeRoom(absl::Time now);
  void SetAgain(const Said& said, Entry* entry, absl::Time at);

  std::map<Said, Entry> entries_;
  std::set<std::pair<absl::Time, Said>> order_;  // By again_at, one for each entry.
};

}  // namespace pmem::extender
