// SPDX-License-Identifier: Apache-2.0
// Shows who leads: the label kLeaderLabel=leader on the leader's own pod, by which the Service
// selects where kube-scheduler's calls go. Put on while we lead, taken off when we do no more; and
// since a leader that was cut off or stopped cannot take off its own, the one that leads takes it
// off all others of our name. Put right within kLookPause when somebody changes it.
//
// One thread of its own (a PeriodicTask), which is woken when who leads may have changed.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/periodic_task.h"
#include "extender/core/kube_objects.h"
#include "extender/intake/kube_client.h"

namespace pmem::extender {

inline constexpr std::string_view kLeaderLabel = "pmem.csi.alibabacloud.com/role";
inline constexpr std::string_view kLeaderLabelValue = "leader";

class LeaderLabel {
 public:
  static constexpr absl::Duration kPeriod =
      absl::Milliseconds(200);  // While it is not as it should be.
  static constexpr absl::Duration kLookPause = absl::Seconds(2);
  static constexpr absl::Duration kFailurePause = absl::Seconds(1);
  static constexpr absl::Duration kRequestMax = absl::Seconds(2);

  struct Options {
    std::string kube_namespace;
    std::string pod_name;  // Our own.
  };
  // `leads` is asked before every write; thread-safe. `client` and `clock` outlive the label.
  LeaderLabel(Options options, KubeClient* client, const Clock* clock, std::function<bool()> leads);

  void Start() { task_.Start(); }
  // Ends the thread and takes the label off, if we do not lead by then. One request at most.
  void Stop();
  // Who leads has changed: look now.
  void Wake() { task_.Wake(); }
  // One round. Returns how long nothing has to be done if nobody wakes it.
  absl::Duration Tick();

 private:
  void PutRight(bool is_leader, bool is_due);
  absl::Status Show(bool is_leader);
  absl::Status PutOthersRight();
  absl::Status TakeOff(const Pod& pod);

  const Options options_;
  KubeClient* const client_;
  const Clock* const clock_;
  const std::function<bool()> leads_;

  // Of the thread only.
  std::optional<bool> shown_;  // What our pod says, as far as we know.
  absl::Time look_at_ = absl::InfinitePast();
  absl::Time paused_until_ = absl::InfinitePast();
  PeriodicTask task_;
};

}  // namespace pmem::extender
