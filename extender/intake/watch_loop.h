// SPDX-License-Identifier: Apache-2.0
// One thread that keeps one kind of object in step with the API server for ever: it makes the
// requests that ReflectorState asks for and passes objects to a WatchedKind. A broken, silent or
// refusing server is asked again; what was known stands meanwhile.
//
// Start once. Relist is thread-safe, also before Start. BeginStop asks the thread to end, also in
// the middle of a stream or a wait; Stop waits for it too. Both are idempotent, the destructor
// calls Stop. Health is thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"
#include "common/io/stop_flag.h"
#include "extender/core/reflector_state.h"
#include "extender/intake/kube_client.h"
#include "extender/intake/watched_kind.h"

namespace pmem::extender {

// Of one list. It is asked for in one piece, but a server may send less at once.
inline constexpr int kListPartsMax = 4000;
inline constexpr absl::Duration kWatchDurationMin = absl::Seconds(300);
inline constexpr absl::Duration kWatchDurationMax = absl::Seconds(600);

struct WatchHealth {
  std::string kind;  // "nodes", "pods", ...
  // Since the last event, bookmark or item of a list, or since the start; absent before the start.
  std::optional<absl::Duration> silence;
  int64_t relists = 0;        // Whole sets published.
  int64_t failures = 0;       // Requests refused or broken off.
  int64_t decode_errors = 0;  // Objects left out.
};

class WatchLoop {
 public:
  struct Options {
    std::string kind;  // Name in logs and metrics.
    ApiResource resource;
    std::string kube_namespace;  // Empty: all.
    std::string field_selector;
    std::string label_selector;
    // Called on the loop's thread after each whole set, with the `round` of the last Relist before
    // its list began; 0: there was none. May be empty.
    std::function<void(int64_t round)> on_listed;
    double patience = 1;  // Times every wait before a request; a test has little.
  };

  WatchLoop(Options options, KubeClient* client, std::unique_ptr<WatchedKind> watched,
            const Clock* clock);
  ~WatchLoop();

  void Start() ABSL_LOCKS_EXCLUDED(mu_);
  // Breaks off what is under way and lists the kind anew. `round` rises. Does not block.
  void Relist(int64_t round) ABSL_LOCKS_EXCLUDED(mu_);
  void BeginStop() ABSL_LOCKS_EXCLUDED(mu_);
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);
  WatchHealth Health() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run();
  void BreakOff() ABSL_LOCKS_EXCLUDED(mu_);
  bool WaitFor(absl::Duration delay) ABSL_LOCKS_EXCLUDED(mu_);
  void List(const ReflectorRequest& request);
  absl::Status OnItem(std::string_view item);
  void OnListEnd(const ReflectorRequest& request, std::string_view frame);
  void Stream(const ReflectorRequest& request);
  absl::Status OnLine(std::string_view line);
  void Perform(ReflectorAction action);
  void Fail(const ApiFailure& failure, bool is_event = false);
  void NoteProgress() ABSL_LOCKS_EXCLUDED(mu_);
  void NoteObjectError(const absl::Status& error) ABSL_LOCKS_EXCLUDED(mu_);
  std::string ListPath(const ReflectorRequest& request) const;
  std::string WatchPath(const ReflectorRequest& request);
  double Jitter();

  const Options options_;
  KubeClient* const client_;
  const std::unique_ptr<WatchedKind> watched_;
  const Clock* const clock_;

  // Of the loop's thread only.
  ReflectorState state_;
  std::mt19937_64 random_;
  std::optional<ApiFailure> event_failure_;  // Of the running stream's ERROR event.
  int parts_ = 0;                            // Of the list that is under way.
  int64_t round_ = 0;                        // Of the list that is, or was, under way.

  // Set before is_broken_off_, which ends the running stream or wait; read after it was cleared.
  std::atomic<bool> is_stopped_ = false;
  std::atomic<int64_t> wanted_round_ = 0;
  StopFlag is_broken_off_;
  mutable Mutex mu_;
  CondVar broken_off_;
  WatchHealth health_ ABSL_GUARDED_BY(mu_);                          // Its silence aside.
  absl::Time heard_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();  // Steady; past: not started.
  std::unique_ptr<Thread> thread_;
};

}  // namespace pmem::extender
