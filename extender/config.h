// SPDX-License-Identifier: Apache-2.0
// What pmem-extender is told on its command line and by its environment. docs/flags.md is generated
// from here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/io/log.h"
#include "common/pure/units.h"
#include "extender/core/agent_roster.h"
#include "extender/core/pinning.h"
#include "extender/intake/leader_elector.h"
#include "extender/ledger_service.h"

namespace pmem::extender {

// From SIGTERM to the end, whatever the API server does.
inline constexpr int kStopSecondsMax = 5;

struct ExtenderConfig {
  std::string kubeconfig;  // Empty: in-cluster.
  std::string listen = "0.0.0.0:9120";
  AgentsFlag agents{.kube_namespace = "pmem-system",
                    .label_selector = "app.kubernetes.io/name=pmem-capacity-agent"};
  std::optional<int> agent_port;  // Absent: the container port named "http".
  absl::Duration agent_wait = absl::Seconds(20);
  LedgerServiceOptions service;
  bool is_elected = false;  // --leader-elect: one of several replicas.
  std::string pod_name;     // Of ours, to show on it who leads; empty: on none.
  LeaderElector::Options lease{.kube_namespace = "pmem-system", .lease_name = "pmem-extender"};
  bool has_placement_controller = true;
  absl::Duration placement_settle = absl::Seconds(1);
  bool has_capacity_objects = true;
  int capacity_objects_nodes_max = 50;  // docs/performance.md, "A real kube-scheduler".
  // Of a verb's body: whole Nodes of 8,000. The manifests ask for names, of which 32 MiB hold those
  // of 200,000, the limit of a call, and for a smaller memory limit; docs/operations.md, "Whole
  // Nodes".
  int64_t body_bytes_max = 128 * kMiB;
  LogLevel log_level = LogLevel::kInfo;
  int io_threads = 2;
};

// A config to run with; or the exit code to end with (--help: 0, a bad flag: 2, after one clear
// line).
struct ParsedConfig {
  ExtenderConfig config;
  std::optional<int> exit_code;
};
ParsedConfig ParseConfig(int argc, const char* const* argv);

// No poll is held for longer than a debt stands: the room of one that is over comes back with the
// next answer.
absl::Duration PollWaitOf(const ExtenderConfig& config);
// Without an election nobody waits for a Lease. A process that was killed is followed at once, by
// one whose takeover window is longer by this: for what a pin may take to be written, and
// kube-scheduler for what it asks after filter (httpTimeout as shipped).
inline constexpr absl::Duration kUnelectedGap = absl::Seconds(2);
LedgerServiceOptions ServiceOptionsOf(const ExtenderConfig& config);
PinningOptions PinningOptionsOf(const ExtenderConfig& config);

// Less would undo what the ledger counts on (docs/ledger.md, "What it assumes"). From a filter
// answer until the node that was chosen is heard of: kube-scheduler takes up to httpTimeout for
// what it asks next, 2 s as shipped and 5 s by its own default, and the watch may be 5 s late.
inline constexpr absl::Duration kHoldTtlMin = absl::Seconds(10);
// The watch alone: nothing is decided by the old leader any more.
inline constexpr absl::Duration kTakeoverWindowMin = absl::Seconds(5);

// Values that contradict each other, or that the ledger cannot do with. Pure.
absl::Status Validate(const ExtenderConfig& config);

}  // namespace pmem::extender
