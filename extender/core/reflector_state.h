// SPDX-License-Identifier: Apache-2.0
// The list/watch protocol of the Kubernetes API for one kind, as a state machine without I/O: it
// says which request comes next and what to do with each object; the watch loop does it. Not
// thread-safe.
//
//              +--------------------------- gone (410), too large (504), broken list ------------+
//              v                                                                                 |
//          [initial] --WatchList offered--> collecting from the stream --end marker--> [watching]
//              |                                                                         ^  |  ^ |
//              +--not offered: LIST page, page, ... last page ---------------------------+  +--+ |
//                                                              stream ended: from the last version
//
// Until the end marker, or the last page, nothing is published: what was known before stands.
// A failure adds a delay to the next request (0.8 s, doubled, at most 30 s or 5 s where nobody
// answers, up to twice that by the jitter that the caller passes in); two healthy minutes forget
// it. A stream that ended normally is continued at once, unless it was short and the one before it
// was too: then after a pause (0.1 s, doubled, at most 5 s) that the next long one forgets.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace pmem::extender {

inline constexpr absl::Duration kReflectorBackoffMin = absl::Milliseconds(800);
inline constexpr absl::Duration kReflectorBackoffMax = absl::Seconds(30);
// Where nobody answers at all: a restarted server is to be found soon, and asking costs nobody
// much.
inline constexpr absl::Duration kReflectorBackoffUnansweredMax = absl::Seconds(5);
inline constexpr absl::Duration kReflectorHealthyAfter = absl::Minutes(2);
// A server that says when to come back is believed up to this.
inline constexpr absl::Duration kReflectorRetryAfterMax = absl::Minutes(1);
// A stream that ends sooner without an event counts as a failure, else we would spin.
inline constexpr absl::Duration kReflectorShortStream = absl::Seconds(1);
// Between short streams that did bring events.
inline constexpr absl::Duration kReflectorSpacingMin = absl::Milliseconds(100);
inline constexpr absl::Duration kReflectorSpacingMax = absl::Seconds(5);

struct ReflectorRequest {
  enum class Kind {
    kList,       // GET, limit and continue_token.
    kWatchList,  // watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan
    kWatch,      // watch=true&resourceVersion=...
  };
  Kind kind = Kind::kWatchList;
  std::string resource_version;  // kWatch only.
  std::string continue_token;    // kList: empty for the first page.
  bool begins_anew = false;      // What was collected so far is void.
  absl::Duration delay;          // To wait before the request is made.
  bool operator==(const ReflectorRequest&) const = default;
};

// How a request failed: an HTTP status other than 200, or the Status object in an ERROR event.
struct ApiFailure {
  int code = 0;        // 0: no answer at all (connection, TLS, silence, undecodable).
  std::string reason;  // Of the Status: "Expired", "Gone", "Timeout", ...
  std::string message;
  bool is_too_large_version = false;  // Cause ResourceVersionTooLarge.
  absl::Duration retry_after;         // 0: not said.
  bool operator==(const ApiFailure&) const = default;
};

enum class WatchEventType { kAdded, kModified, kDeleted, kBookmark, kError };

// What the caller does with an event, or a page.
enum class ReflectorAction {
  kCollect,  // Put the object into (kDeleted: take it out of) the collected set.
  kPublish,  // The collected set is whole: it replaces everything known before.
  kApply,    // Pass the object on.
  kNothing,
};

class ReflectorState {
 public:
  // The request to make now. `jitter` in [0, 1).
  ReflectorRequest Next(double jitter);

  // An answer to kList arrived and its items were collected: kPublish after the last page, else
  // kNothing.
  ReflectorAction OnListPage(std::string_view resource_version, std::string_view continue_token);

  // The stream of kWatch or kWatchList was accepted.
  void OnStreamBegin(absl::Time now);

  // One event other than kError. `resource_version` is the object's.
  ReflectorAction OnEvent(WatchEventType type, std::string_view resource_version,
                          bool is_initial_events_end);

  // An ERROR event; the caller ends the stream and asks Next.
  void OnErrorEvent(const ApiFailure& failure, absl::Time now);

  // The server ended the stream normally.
  void OnStreamEnd(absl::Time now);

  // The caller broke the request off and wants the whole set anew, at once.
  void Relist();

  // The request was refused, or broke off.
  void OnFailure(const ApiFailure& failure, absl::Time now);

  bool is_synced() const { return is_synced_; }  // Published at least once.
  const std::string& resource_version() const { return resource_version_; }

 private:
  enum class Phase { kInitial, kListing, kWatching };

  void BeginAnew();
  void BackOff(const ApiFailure& failure, absl::Time now);
  void FallBackToList();

  Phase phase_ = Phase::kInitial;
  bool lists_ = false;  // WatchList was refused in this round.
  bool begins_anew_ = true;
  bool is_synced_ = false;
  bool saw_event_ = false;  // In the current stream.
  std::string resource_version_;
  std::string continue_token_;
  absl::Time stream_began_ = absl::InfinitePast();
  absl::Time failed_last_ = absl::InfinitePast();
  absl::Time gone_last_ = absl::InfinitePast();
  bool was_short_ = false;  // The last stream that ended normally.
  absl::Duration spacing_;  // After the last short stream; 0: none.
  absl::Duration backoff_;  // Of the last failure; 0: none.
  absl::Duration delay_;    // Owed before the next request.
  absl::Duration retry_after_;
};

}  // namespace pmem::extender
