// SPDX-License-Identifier: Apache-2.0
// Says on a claim, as a Kubernetes Event, what its owner should know. Best effort: a full queue
// drops, a refused Event is logged, both are counted, and nothing ever waits for it.
//
// Those who post may do so again and again: SaidEvents says when the same reason on the same claim
// is due. What was dropped is due at once.
//
// Start once; Stop is idempotent and throws away what waits. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"
#include "extender/core/kube_objects.h"
#include "extender/intake/kube_client.h"
#include "extender/intake/said_events.h"

namespace pmem::extender {

inline constexpr size_t kClaimEventQueueMax = 256;
inline constexpr size_t kClaimEventMessageMax = 1024;  // The API's limit on an Event's note.

struct ClaimEvent {
  ObjectKey claim;
  std::string claim_uid;
  bool is_warning = true;
  std::string reason;   // One word, "PmemPinnedNodeUnfit".
  std::string message;  // A sentence; cut at kClaimEventMessageMax.
};

// Of the Events that were due, since the start.
struct EventCounts {
  int64_t written = 0;
  int64_t refused = 0;  // By the API server, or it gave no answer.
  int64_t dropped = 0;  // The queue was full, or too many are remembered.
};

// The core/v1 Event object. Pure.
std::string ClaimEventJson(const ClaimEvent& event, std::string_view component, absl::Time now);

class EventWriter {
 public:
  // `component` is shown as the Events' source.
  EventWriter(std::string component, KubeClient* client, const Clock* clock);
  ~EventWriter();

  void Start();
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);
  void Post(ClaimEvent event) ABSL_LOCKS_EXCLUDED(mu_);
  EventCounts counts() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void Write(const ClaimEvent& event) ABSL_LOCKS_EXCLUDED(mu_);
  void Note(const ClaimEvent& event, const absl::StatusOr<ApiAnswer>& answer)
      ABSL_LOCKS_EXCLUDED(mu_);

  const std::string component_;
  KubeClient* const client_;
  const Clock* const clock_;

  mutable Mutex mu_;
  CondVar changed_;
  std::deque<ClaimEvent> queue_ ABSL_GUARDED_BY(mu_);
  SaidEvents said_ ABSL_GUARDED_BY(mu_);
  EventCounts counts_ ABSL_GUARDED_BY(mu_);
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<Thread> thread_;
};

}  // namespace pmem::extender
