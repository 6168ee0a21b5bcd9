// SPDX-License-Identifier: Apache-2.0
// The list/watch protocol of the Kubernetes API for one kind, as a state machine without I/O: it
// says which request comes next and what to do with each object; the watch loop does it. Not
// thread-safe.
//
//              +-- gone (410), version too large (504), mute, broken list ------+
//              v                                                                |
//          [listing] --LIST, read as it comes, to its end--> published --> [watching]
//              ^ |                                                           ^  |
//              +-+ continue token: the next part                             +--+
//                                           stream ended: from the last version
//
// The list names no version, so it is the newest there is, and no limit, so it comes in one piece:
// docs/adr/2026-11-29-a-list-read-as-it-comes.md. Until its end nothing is published: what was
// known before stands. A failure adds a delay to the next request (0.8 s, doubled, at most 30 s or
// 5 s where nobody answers, up to twice that by the jitter that the caller passes in); two healthy
// minutes forget it. A stream that ended normally is continued at once, unless it was short and the
// one before it was too: then after a pause (0.1 s, doubled, at most 5 s) that the next long one
// forgets.
//
// A stream that was mute for those two minutes, without even the bookmark that a healthy server
// sends each minute, is not gone on with: a server whose data was restored from a backup takes a
// watch from a version that it has not reached yet, and drops all below it. The list tells.
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
    kList,   // GET, and continue_token.
    kWatch,  // watch=true&resourceVersion=...
  };
  Kind kind = Kind::kList;
  std::string resource_version;  // kWatch only.
  std::string continue_token;    // kList: empty for its begin.
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

// What the caller does with an event, or at the end of a list.
enum class ReflectorAction {
  kPublish,  // The collected set is whole: it replaces everything known before.
  // The same, and it is of an earlier version than what was known: the server's data was restored.
  kPublishSetBack,
  kApply,  // Pass the object on.
  kNothing,
};

class ReflectorState {
 public:
  // The request to make now. `jitter` in [0, 1).
  ReflectorRequest Next(double jitter);

  // The answer to kList came to its end and its items were collected. kPublish, kPublishSetBack;
  // kNothing when there is a continue token, by which a server that sends less at once has the rest
  // asked for.
  ReflectorAction OnListEnd(std::string_view resource_version, std::string_view continue_token);

  // The stream of kWatch was accepted.
  void OnStreamBegin(absl::Time now);

  // One event other than kError. `resource_version` is the object's.
  ReflectorAction OnEvent(WatchEventType type, std::string_view resource_version);

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
  enum class Phase { kListing, kWatching };

  bool IsMute(absl::Time now) const;
  void BeginAnew();
  void BackOff(const ApiFailure& failure, absl::Time now);

  Phase phase_ = Phase::kListing;
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
