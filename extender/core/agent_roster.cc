// SPDX-License-Identifier: Apache-2.0
#include "extender/core/agent_roster.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_reader.h"
#include "common/pure/status_macros.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kPodsPrefix = "pods:";
constexpr std::string_view kStaticPrefix = "static:";

// Of two pods of one node the one with the higher rank is asked.
int Rank(const AgentPod& pod) {
  return (pod.phase == "Running" && !pod.pod_ip.empty() ? 2 : 0) + (pod.meta.is_deleting ? 0 : 1);
}

bool IsAskedAlike(const AgentPod& a, const AgentPod& b) {
  return a.node_name == b.node_name && a.pod_ip == b.pod_ip && a.phase == b.phase &&
         a.http_port == b.http_port && a.meta.is_deleting == b.meta.is_deleting;
}

}  // namespace

absl::StatusOr<AgentsFlag> ParseAgentsFlag(std::string_view text) {
  AgentsFlag flag;
  if (text.starts_with(kStaticPrefix) && text.size() > kStaticPrefix.size()) {
    flag.is_static = true;
    flag.file = text.substr(kStaticPrefix.size());
    return flag;
  }
  const size_t slash = text.find('/');
  if (text.starts_with(kPodsPrefix) && slash != std::string_view::npos) {
    flag.kube_namespace = text.substr(kPodsPrefix.size(), slash - kPodsPrefix.size());
    flag.label_selector = text.substr(slash + 1);
    if (!flag.kube_namespace.empty() && !flag.label_selector.empty()) return flag;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("is neither pods:KUBE_NAMESPACE/LABEL_SELECTOR nor static:FILE"));
}

absl::StatusOr<std::vector<AgentEndpoint>> ParseAgentsFile(std::string_view json) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document,
                        JsonDocument::Parse(json, {.bytes_max = kAgentsFileBytesMax}));
  PMEM_ASSIGN_OR_RETURN(const auto members, document.root().AsObject());
  if (static_cast<int64_t>(members.size()) > kAgentsMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(members.size(), " agents are more than ", kAgentsMax));
  }
  std::vector<AgentEndpoint> endpoints;
  for (const auto& [node, value] : members) {
    PMEM_ASSIGN_OR_RETURN(std::string url, value.AsString());
    if (node.empty() || !(absl::StartsWith(url, "http://") || absl::StartsWith(url, "https://"))) {
      return value.Error("is not \"node\": \"http://host:port\"");
    }
    endpoints.push_back({.node = node, .url = std::move(url)});
  }
  return endpoints;
}

void AgentRoster::Replace(std::vector<AgentPod> pods) {
  pods_.clear();
  for (AgentPod& pod : pods) Put(std::move(pod));
}

bool AgentRoster::Put(AgentPod pod) {
  const ObjectKey key = pod.meta.key;
  const auto known = pods_.find(key);
  if (known != pods_.end() && IsAskedAlike(known->second, pod)) return false;
  pods_.insert_or_assign(key, std::move(pod));
  return true;
}

bool AgentRoster::Remove(const ObjectKey& pod) { return pods_.erase(pod) > 0; }

std::vector<AgentEndpoint> AgentRoster::Endpoints(absl::Time now) {
  std::map<std::string, const AgentPod*> by_node;
  for (const auto& [key, pod] : pods_) {
    if (pod.node_name.empty()) continue;
    const AgentPod*& best = by_node[pod.node_name];
    if (best == nullptr || Rank(pod) > Rank(*best)) best = &pod;
    seen_[pod.node_name] = now;
  }
  std::erase_if(seen_, [now](const auto& entry) { return now - entry.second > kAgentGoneGrace; });
  std::vector<AgentEndpoint> endpoints;
  for (const auto& [node, at] : seen_) {
    const auto pod = by_node.find(node);
    endpoints.push_back(pod != by_node.end()
                            ? EndpointOf(*pod->second)
                            : AgentEndpoint{.node = node, .problem = "the agent's pod is gone"});
  }
  return endpoints;
}

AgentEndpoint AgentRoster::EndpointOf(const AgentPod& pod) const {
  AgentEndpoint endpoint{.node = pod.node_name};
  const std::optional<int> port = port_.has_value() ? port_ : pod.http_port;
  if (pod.phase != "Running" || pod.pod_ip.empty()) {
    endpoint.problem =
        absl::StrCat("the agent's pod ", pod.meta.key.name,
                     " is not running: ", pod.phase.empty() ? "no phase" : pod.phase);
  } else if (!port.has_value()) {
    endpoint.problem =
        absl::StrCat("the agent's pod ", pod.meta.key.name, " has no port named http");
  } else {
    const bool is_ipv6 = pod.pod_ip.find(':') != std::string::npos;
    endpoint.url =
        absl::StrCat("http://", is_ipv6 ? "[" : "", pod.pod_ip, is_ipv6 ? "]" : "", ":", *port);
  }
  return endpoint;
}

}  // namespace pmem::extender
