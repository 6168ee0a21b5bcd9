// SPDX-License-Identifier: Apache-2.0
#include "extender/core/pod_decode.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"
#include "extender/core/kube_fields.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kAgentPortName = "http";

struct Requests {
  int64_t cpu_milli = 0;
  int64_t memory_bytes = 0;
};

Requests Add(const Requests& a, const Requests& b) {
  return {.cpu_milli = AddBytes(a.cpu_milli, b.cpu_milli),
          .memory_bytes = AddBytes(a.memory_bytes, b.memory_bytes)};
}

Requests Max(const Requests& a, const Requests& b) {
  return {.cpu_milli = std::max(a.cpu_milli, b.cpu_milli),
          .memory_bytes = std::max(a.memory_bytes, b.memory_bytes)};
}

absl::StatusOr<Requests> ReadAmounts(const JsonValue& parent, std::string_view name) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue amounts, Child(parent, name));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> cpu, Milli(amounts, "cpu"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> memory, Bytes(amounts, "memory"));
  return Requests{.cpu_milli = cpu.value_or(0), .memory_bytes = memory.value_or(0)};
}

absl::StatusOr<Requests> ReadRequests(const JsonValue& container) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue resources, Child(container, "resources"));
  return ReadAmounts(resources, "requests");
}

// As the scheduler counts: init containers run one after the other, those that restart always
// (sidecars) go on beside everything that starts after them.
absl::StatusOr<Requests> SumContainers(const JsonValue& spec) {
  Requests sidecars;
  Requests starting;
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> init, spec.OptionalArray("initContainers"));
  for (const JsonValue& container : init) {
    PMEM_ASSIGN_OR_RETURN(const Requests own, ReadRequests(container));
    PMEM_ASSIGN_OR_RETURN(const std::string restart, Text(container, "restartPolicy"));
    const Requests together = Add(sidecars, own);
    starting = Max(starting, together);
    if (restart == "Always") sidecars = together;
  }
  Requests running = sidecars;
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> main, spec.OptionalArray("containers"));
  for (const JsonValue& container : main) {
    PMEM_ASSIGN_OR_RETURN(const Requests own, ReadRequests(container));
    running = Add(running, own);
  }
  return Max(running, starting);
}

absl::Status ReadPodRequests(const JsonValue& spec, Pod* pod) {
  PMEM_ASSIGN_OR_RETURN(Requests sum, SumContainers(spec));
  // Requests of the pod as a whole, where given, stand in for the containers'.
  PMEM_ASSIGN_OR_RETURN(const Requests whole, ReadRequests(spec));
  if (whole.cpu_milli > 0) sum.cpu_milli = whole.cpu_milli;
  if (whole.memory_bytes > 0) sum.memory_bytes = whole.memory_bytes;
  PMEM_ASSIGN_OR_RETURN(const Requests overhead, ReadAmounts(spec, "overhead"));
  sum = Add(sum, overhead);
  pod->requested_cpu_milli = sum.cpu_milli;
  pod->requested_memory_bytes = sum.memory_bytes;
  return absl::OkStatus();
}

absl::Status ReadVolumes(const JsonValue& spec, Pod* pod) {
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries, spec.OptionalArray("volumes"));
  for (const JsonValue& entry : entries) {
    PodVolume volume;
    PMEM_ASSIGN_OR_RETURN(volume.name, Text(entry, "name"));
    PMEM_ASSIGN_OR_RETURN(const JsonValue source, Child(entry, "persistentVolumeClaim"));
    PMEM_ASSIGN_OR_RETURN(volume.claim_name, Text(source, "claimName"));
    PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> ephemeral,
                          entry.OptionalMember("ephemeral"));
    if (ephemeral.has_value()) {
      volume.is_ephemeral = true;
      volume.claim_name = absl::StrCat(pod->meta.key.name, "-", volume.name);
    }
    if (!volume.claim_name.empty()) pod->volumes.push_back(std::move(volume));
  }
  return absl::OkStatus();
}

absl::Status ReadNodeAffinity(const JsonValue& spec, Pod* pod) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue affinity, Child(spec, "affinity"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue node_affinity, Child(affinity, "nodeAffinity"));
  PMEM_ASSIGN_OR_RETURN(
      const std::optional<JsonValue> required,
      node_affinity.OptionalMember("requiredDuringSchedulingIgnoredDuringExecution"));
  if (!required.has_value()) return absl::OkStatus();
  PMEM_ASSIGN_OR_RETURN(pod->required_node_affinity, SelectorTerms(*required));
  return absl::OkStatus();
}

absl::Status ReadTolerations(const JsonValue& spec, Pod* pod) {
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries, spec.OptionalArray("tolerations"));
  for (const JsonValue& entry : entries) {
    Toleration& toleration = pod->tolerations.emplace_back();
    PMEM_ASSIGN_OR_RETURN(toleration.key, Text(entry, "key"));
    PMEM_ASSIGN_OR_RETURN(toleration.op, Text(entry, "operator"));
    PMEM_ASSIGN_OR_RETURN(toleration.value, Text(entry, "value"));
    PMEM_ASSIGN_OR_RETURN(toleration.effect, Text(entry, "effect"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<int>> AgentPort(const JsonValue& spec) {
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> containers, spec.OptionalArray("containers"));
  for (const JsonValue& container : containers) {
    PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> ports, container.OptionalArray("ports"));
    for (const JsonValue& port : ports) {
      PMEM_ASSIGN_OR_RETURN(const std::string name, Text(port, "name"));
      if (name != kAgentPortName) continue;
      PMEM_ASSIGN_OR_RETURN(const int64_t number, port.Int("containerPort", 1, 65535));
      return static_cast<int>(number);
    }
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Pod> DecodePod(const JsonValue& object) {
  Pod pod;
  PMEM_ASSIGN_OR_RETURN(pod.meta, Meta(object));
  PMEM_ASSIGN_OR_RETURN(pod.owners, Owners(object));
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, Child(object, "spec"));
  PMEM_ASSIGN_OR_RETURN(pod.scheduler_name, Text(spec, "schedulerName"));
  PMEM_ASSIGN_OR_RETURN(pod.node_name, Text(spec, "nodeName"));
  PMEM_ASSIGN_OR_RETURN(pod.node_selector, TextMap(spec, "nodeSelector"));
  PMEM_RETURN_IF_ERROR(ReadVolumes(spec, &pod));
  PMEM_RETURN_IF_ERROR(ReadNodeAffinity(spec, &pod));
  PMEM_RETURN_IF_ERROR(ReadTolerations(spec, &pod));
  PMEM_RETURN_IF_ERROR(ReadPodRequests(spec, &pod));
  PMEM_ASSIGN_OR_RETURN(const JsonValue status, Child(object, "status"));
  PMEM_ASSIGN_OR_RETURN(pod.phase, Text(status, "phase"));
  PMEM_ASSIGN_OR_RETURN(pod.nominated_node_name, Text(status, "nominatedNodeName"));
  return pod;
}

absl::StatusOr<AgentPod> DecodeAgentPod(const JsonValue& object) {
  AgentPod pod;
  PMEM_ASSIGN_OR_RETURN(pod.meta, Meta(object));
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, Child(object, "spec"));
  PMEM_ASSIGN_OR_RETURN(pod.node_name, Text(spec, "nodeName"));
  PMEM_ASSIGN_OR_RETURN(pod.http_port, AgentPort(spec));
  PMEM_ASSIGN_OR_RETURN(const JsonValue status, Child(object, "status"));
  PMEM_ASSIGN_OR_RETURN(pod.phase, Text(status, "phase"));
  PMEM_ASSIGN_OR_RETURN(pod.pod_ip, Text(status, "podIP"));
  return pod;
}

}  // namespace pmem::extender
