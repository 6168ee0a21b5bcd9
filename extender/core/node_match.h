// SPDX-License-Identifier: Apache-2.0
// Whether a pod could run on a node, for the pods that we place ourselves because kube-scheduler
// does not ask us about them (claims that bind immediately, pods with a preset node). The rules are
// those of its in-tree plugins NodeUnschedulable, TaintToleration, NodeAffinity and
// NodeResourcesFit, for cpu and memory. Affinity between pods, spreading, ports and other resources
// are not looked at: the scheduler still has the last word on the pod. Pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "extender/core/kube_objects.h"

namespace pmem::extender {

// In the order in which they are looked for.
enum class NodeMismatch {
  kUnschedulable,  // Cordoned, and the pod does not tolerate that.
  kTaint,          // A NoSchedule or NoExecute taint that no toleration covers.
  kNodeSelector,
  kNodeAffinity,  // requiredDuringSchedulingIgnoredDuringExecution
  kCpu,
  kMemory,
};

// For messages and the explain API: "taint".
std::string_view NodeMismatchName(NodeMismatch mismatch);

// What other pods on a node ask for already.
struct NodeUse {
  int64_t cpu_milli = 0;
  int64_t memory_bytes = 0;
  bool operator==(const NodeUse&) const = default;
};

// nullopt: the pod could run there. A pod that asks for no cpu (memory) fits however little is
// left.
std::optional<NodeMismatch> MatchNode(const Pod& pod, const Node& node, const NodeUse& used);

// Node selector terms (node affinity of pods and PersistentVolumes): true when any of them matches.
// No terms, or only empty ones, match nothing; a term with a requirement that Kubernetes would
// refuse (unknown operator, wrong number of values, Gt of a text) matches nothing either.
bool MatchesAnyTerm(const std::vector<NodeSelectorTerm>& terms, const Node& node);

// An empty key stands for every key, an empty effect for every effect, Exists for every value.
bool Tolerates(const std::vector<Toleration>& tolerations, const Taint& taint);

}  // namespace pmem::extender
