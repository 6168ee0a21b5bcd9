// SPDX-License-Identifier: Apache-2.0
#include "extender/config.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/io/flags.h"
#include "common/io/log_flag.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"
#include "extender/wire/extender_v1.h"

namespace pmem::extender {
namespace {

void AddPlaces(Flags& flags, ExtenderConfig& config) {
  flags.Text("--kubeconfig", &config.kubeconfig,
             "How to reach the API server; empty: as a pod of the cluster.", "FILE");
  flags.HostPort("--listen", &config.listen, "Where verbs, REST and metrics are served, on IPv4.");
  flags.Custom(
      "--agents", "pods:KUBE_NAMESPACE/LABEL_SELECTOR|static:FILE",
      "pods:pmem-system/app.kubernetes.io/name=pmem-capacity-agent",
      "Where the node agents are found; FILE: {\"<node>\": \"http://host:port[/prefix]\"}.",
      [&config](const std::string& text) {
        absl::StatusOr<AgentsFlag> agents = ParseAgentsFlag(text);
        absl::Status status = agents.status();
        if (status.ok()) config.agents = *std::move(agents);
        return status;
      });
  flags.Custom("--agent-port", "PORT", "", "Port of every agent pod; default: its port named http.",
               [&config](const std::string& text) {
                 int port = 0;
                 if (!absl::SimpleAtoi(text, &port) || port < 1 || port > 65535) {
                   return absl::InvalidArgumentError("is not a port number");
                 }
                 config.agent_port = port;
                 return absl::OkStatus();
               });
}

void AddPatience(Flags& flags, ExtenderConfig& config) {
  LedgerOptions& ledger = config.service.ledger;
  flags.Duration("--agent-silence-max", &ledger.agent_silence_max,
                 "A node whose agent was silent for longer takes no new PMEM volume.");
  flags.Duration("--agent-wait", &config.agent_wait,
                 "How long an agent may hold a poll when nothing changes.");
  flags.Duration("--hold-ttl", &ledger.hold_ttl,
                 "How long room is held for a pod when nothing says where it went.");
  flags.Duration("--hold-wait-max", &config.service.hold_wait_max,
                 "How long a filter call waits for others' holds to end before it refuses.");
  flags.Duration("--debt-grace", &ledger.debt_grace,
                 "How long a claim that lost its node keeps its room there. An agent's answer may "
                 "speak of up to 12s before: less is for tests.");
  flags.Duration("--drift-grace", &ledger.drift_grace,
                 "How long a report and what else is known must differ to be told of as a drift.");
  flags.Duration("--takeover-window", &ledger.takeover_window,
                 "How long after a start, or a change of leader, pending pods are taken as decided "
                 "elsewhere; without --leader-elect 2s longer.");
  flags.Duration("--agents-wait-max", &config.service.agents_wait_max,
                 "How long a start waits for agents that have not reported yet.");
  flags.Duration("--placement-settle", &config.placement_settle,
                 "How long an Immediate claim waits for a pod before it is placed without one.");
}

void AddChoices(Flags& flags, ExtenderConfig& config, int64_t* candidates_max,
                int64_t* plain_pod_score) {
  flags.Enum<Strategy>("--score", &config.service.verbs.strategy,
                       {{"binpack", Strategy::kBinpack}, {"spread", Strategy::kSpread}},
                       "Which nodes are best: the fullest that fit, or the emptiest.");
  flags.Integer(
      "--max-candidates", candidates_max, 0, 100000,
      "Nodes that a filter answer names at most, half of them the best; 0: all that fit.");
  flags.Integer("--plain-pod-score", plain_pod_score, 0, kScoreMax,
                "Score of nodes without PMEM for pods that need none; 0: no preference.");
}

void AddLeadership(Flags& flags, ExtenderConfig& config) {
  flags.Bool("--leader-elect", &config.is_elected,
             "Several replicas run: only the holder of the Lease decides and writes.");
  flags.Text("--lease-kube-namespace", &config.lease.kube_namespace,
             "Where the Lease, our pods and our capacity objects are.", "NAME");
  flags.Text("--pod-name", &config.pod_name,
             "Our own pod, which is labelled while we lead; empty: no pod is.", "NAME");
  flags.Text("--lease-name", &config.lease.lease_name, "Name of the Lease.", "NAME");
  flags.Text("--identity", &config.lease.timing.identity,
             "Of this replica, unique among them; empty: host name and process id.", "NAME");
  flags.Duration("--lease-duration", &config.lease.timing.lease_duration,
                 "How long a Lease that is not renewed is respected.");
  flags.Duration(
      "--lease-renew-deadline", &config.lease.timing.renew_deadline,
      "How long the leader tries to renew before it stops leading. What is left of the Lease "
      "then, and --takeover-window, less 5s, is what a pin of ours may take to be written: "
      "1s at least.");
  flags.Duration("--lease-retry-period", &config.lease.timing.retry_period,
                 "How long between two tries.");
}

void AddControllers(Flags& flags, ExtenderConfig& config, int64_t* objects_nodes_max) {
  flags.Bool("--placement-controller", &config.has_placement_controller,
             "Write selected-node where the scheduler does not, and take away pins that lead "
             "nowhere. Without it events are written, and refused pods woken up, all the same.");
  flags.Bool("--capacity-objects", &config.has_capacity_objects,
             "Write CSIStorageCapacity objects; false only with spec.storageCapacity false in the "
             "CSIDriver.");
  flags.Integer("--capacity-objects-nodes-max", objects_nodes_max, 0, 100000,
                "With PMEM on more nodes one capacity object a class stands for all of them: "
                "kube-scheduler looks through all objects for each node.");
}

void AddProcess(Flags& flags, ExtenderConfig& config, int64_t* body_max_mib, int64_t* io_threads) {
  flags.Integer(
      "--body-max-mib", body_max_mib, 1, int64_t{kExtenderBodyBytesMax} / kMiB,
      "Largest body of a scheduler's call in MiB; whole Nodes need 16 for each 1,000, and "
      "more memory (docs/operations.md).");
  AddLogLevelFlag(&flags, &config.log_level);
  flags.Integer("--io-threads", io_threads, 2, 256,
                "Threads that serve HTTP, beside one for a call that waits.");
}

absl::Status ValidateMin(std::string_view flag, absl::Duration value, absl::Duration min) {
  if (value >= min) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(AbslView(flag), " ", FormatFlagDuration(value),
                                                 " is less than ", FormatFlagDuration(min),
                                                 ": room could be promised to two pods"));
}

std::string DefaultIdentity() {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, "_", getpid());
}

}  // namespace

ParsedConfig ParseConfig(int argc, const char* const* argv) {
  ParsedConfig parsed;
  ExtenderConfig& config = parsed.config;
  int64_t candidates_max = config.service.verbs.candidates_max;
  int64_t plain_pod_score = config.service.verbs.plain_pod_score;
  int64_t objects_nodes_max = config.capacity_objects_nodes_max;
  int64_t body_max_mib = config.body_bytes_max / kMiB;
  int64_t io_threads = config.io_threads;
  Flags flags({.name = "pmem-extender",
               .description = "Places PersistentVolumeClaims on nodes with persistent memory.",
               .version = PMEM_VERSION,
               .env_prefix = "PMEM_EXTENDER"});
  AddPlaces(flags, config);
  AddPatience(flags, config);
  AddChoices(flags, config, &candidates_max, &plain_pod_score);
  AddLeadership(flags, config);
  AddControllers(flags, config, &objects_nodes_max);
  AddProcess(flags, config, &body_max_mib, &io_threads);
  parsed.exit_code = flags.Parse(argc, argv);
  config.service.verbs.candidates_max = static_cast<int>(candidates_max);
  config.service.verbs.plain_pod_score = static_cast<int>(plain_pod_score);
  config.capacity_objects_nodes_max = static_cast<int>(objects_nodes_max);
  config.body_bytes_max = body_max_mib * kMiB;
  config.io_threads = static_cast<int>(io_threads);
  if (parsed.exit_code) return parsed;
  if (config.lease.timing.identity.empty()) config.lease.timing.identity = DefaultIdentity();
  if (const absl::Status status = Validate(config); !status.ok()) {
    parsed.exit_code = flags.Reject(status);
  }
  return parsed;
}

absl::Duration PollWaitOf(const ExtenderConfig& config) {
  return std::min(config.agent_wait, config.service.ledger.debt_grace);
}

LedgerServiceOptions ServiceOptionsOf(const ExtenderConfig& config) {
  LedgerServiceOptions options = config.service;
  if (!config.is_elected) options.ledger.takeover_window += kUnelectedGap;
  return options;
}

PinningOptions PinningOptionsOf(const ExtenderConfig& config) {
  PinningOptions options{.writes_pins = config.has_placement_controller,
                         .strategy = config.service.verbs.strategy,
                         .settle = config.placement_settle};
  const LeaderState::Options& timing = config.lease.timing;
  options.lead_gap =
      config.is_elected ? timing.lease_duration - timing.renew_deadline : absl::ZeroDuration();
  return options;
}

absl::Status Validate(const ExtenderConfig& config) {
  const absl::Duration silence = config.service.ledger.agent_silence_max;
  if (config.agent_wait * 2 > silence) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--agent-silence-max ", FormatFlagDuration(silence), " is less than twice --agent-wait ",
        FormatFlagDuration(config.agent_wait), ": an idle agent would look dead"));
  }
  PMEM_RETURN_IF_ERROR(config.lease.timing.Validate());
  if (config.service.ledger.hold_ttl <= config.service.hold_wait_max) {
    return absl::InvalidArgumentError("--hold-ttl must be longer than --hold-wait-max");
  }
  const LedgerOptions ledger = ServiceOptionsOf(config).ledger;
  PMEM_RETURN_IF_ERROR(ValidateMin("--hold-ttl", ledger.hold_ttl, kHoldTtlMin));
  PMEM_RETURN_IF_ERROR(
      ValidateMin("--takeover-window", config.service.ledger.takeover_window, kTakeoverWindowMin));
  const absl::Duration pin_deadline =
      PinDeadlineBesideOthers(ledger, PinningOptionsOf(config).lead_gap);
  if (config.has_placement_controller && pin_deadline < PinTimes::kDeadlineMin) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--lease-duration less --lease-renew-deadline, and --takeover-window, must be ",
        FormatFlagDuration(ledger.hold_grace + PinTimes::kDeadlineMin),
        " together: what the old leader writes last must be heard of before the new one decides"));
  }
  return absl::OkStatus();
}

}  // namespace pmem::extender
