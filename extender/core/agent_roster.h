// SPDX-License-Identifier: Apache-2.0
// Which nodes have an agent and where it is asked: from the agents' pods, or from the static file.
// Pure; AgentRoster is not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "extender/core/kube_decode.h"

namespace pmem::extender {

inline constexpr int64_t kAgentsFileBytesMax = int64_t{8} * 1024 * 1024;
inline constexpr int64_t kAgentsMax = 20'000;
// A node whose agent pod is gone counts as having an agent for so long: a DaemonSet update deletes
// the old pod before it makes the new one.
inline constexpr absl::Duration kAgentGoneGrace = absl::Minutes(1);

struct AgentEndpoint {
  std::string node;
  std::string url;      // "http://10.0.0.7:9090[/prefix]"; empty: it cannot be asked now.
  std::string problem;  // Why it cannot.
  bool operator==(const AgentEndpoint&) const = default;
};

// Where the flag --agents says that agents are found.
struct AgentsFlag {
  bool is_static = false;
  std::string file;            // static:FILE
  std::string kube_namespace;  // pods:KUBE_NAMESPACE/LABEL_SELECTOR
  std::string label_selector;
  bool operator==(const AgentsFlag&) const = default;
};

// InvalidArgument in one line.
absl::StatusOr<AgentsFlag> ParseAgentsFlag(std::string_view text);

// {"<node>": "http://host:port[/prefix]"}. Sorted by node. InvalidArgument with the JSON path,
// ResourceExhausted beyond kAgentsMax.
absl::StatusOr<std::vector<AgentEndpoint>> ParseAgentsFile(std::string_view json);

class AgentRoster {
 public:
  // `port` of every agent; absent: the container port named "http".
  explicit AgentRoster(std::optional<int> port) : port_(port) {}

  void Replace(std::vector<AgentPod> pods);
  // Both return false when nothing has changed that Endpoints looks at: most news of a pod tell of
  // its conditions.
  bool Put(AgentPod pod);
  bool Remove(const ObjectKey& pod);

  // One per node, sorted. Of several pods of a node a running one that is not being deleted is
  // taken.
  std::vector<AgentEndpoint> Endpoints(absl::Time now);

 private:
  AgentEndpoint EndpointOf(const AgentPod& pod) const;

  const std::optional<int> port_;
  std::map<ObjectKey, AgentPod> pods_;
  std::map<std::string, absl::Time> seen_;  // Nodes that have, or lately had, a pod.
};

}  // namespace pmem::extender
