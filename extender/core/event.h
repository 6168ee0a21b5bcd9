// SPDX-License-Identifier: Apache-2.0
// Everything that can happen to the ledger. The intake emits these, in each stream's own order.
//
// Delivery: at least once, late, possibly lost; per Kubernetes kind in the watch's order; agents'
// reports in any order. Relisted replaces all objects of its kind. Pure values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/pure/capacity_report.h"
#include "extender/core/kube_objects.h"

namespace pmem::extender {

// What is listed whole: the kinds of API objects that are watched, and the nodes with an agent.
enum class ObjectKind { kAgents, kClaims, kNodes, kPods, kStorageClasses, kVolumes };
inline constexpr ObjectKind kObjectKinds[] = {ObjectKind::kAgents,         ObjectKind::kClaims,
                                              ObjectKind::kNodes,          ObjectKind::kPods,
                                              ObjectKind::kStorageClasses, ObjectKind::kVolumes};

// As it is published (readiness, logs, metrics).
constexpr std::string_view ObjectKindName(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kAgents:
      return "agents";
    case ObjectKind::kClaims:
      return "claims";
    case ObjectKind::kNodes:
      return "nodes";
    case ObjectKind::kPods:
      return "pods";
    case ObjectKind::kStorageClasses:
      return "storageclasses";
    case ObjectKind::kVolumes:
      return "persistentvolumes";
  }
  return "";
}

template <class T>
struct Seen {  // Added or modified.
  T object;
};

template <class T>
struct Gone {  // Deleted, or no longer in the watched set (a pod that was bound).
  T last;      // The last state, as the watch delivered it.
};

template <class T>
struct Relisted {  // The whole set, at the start and whenever a watch had to begin anew.
  std::vector<T> objects;
  // Of the list: what is known of a later version was read since. Empty: not known.
  std::string version = {};
  // It is earlier than what the watch told before: the API server's data was restored from a
  // backup, and no version that is known means anything any more.
  bool is_set_back = false;
};

// The list that the last Relisted of this kind came from was begun when lists of `round` had been
// asked for already (Ledger::AwaitLists): it misses nothing that was written before.
struct Listed {
  ObjectKind kind = ObjectKind::kClaims;  // kClaims or kPods.
  int64_t round = 0;
};

// An agent answered with a report.
struct ReportReceived {
  std::shared_ptr<const CapacityReport> report;
};

// An agent said that its last report still holds (304).
struct AgentConfirmed {
  std::string node;
  std::optional<int64_t> generation = std::nullopt;  // Of that report; unknown: of ours.
};

// An agent did not answer, or answered nonsense. Its last report stands until it is too old.
struct AgentFailed {
  std::string node;
  std::string message;
};

// The whole set of nodes on which agents are expected (from agent pods or the static file). A node
// that is not in it has no agent: its capacity is unknown.
struct AgentsListed {
  std::vector<std::string> nodes;  // Sorted, unique.
};

using Event =
    std::variant<Seen<Node>, Gone<Node>, Relisted<Node>,                                      //
                 Seen<Pod>, Gone<Pod>, Relisted<Pod>,                                         //
                 Seen<Claim>, Gone<Claim>, Relisted<Claim>,                                   //
                 Seen<PersistentVolume>, Gone<PersistentVolume>, Relisted<PersistentVolume>,  //
                 Seen<StorageClass>, Gone<StorageClass>, Relisted<StorageClass>,              //
                 Listed, ReportReceived, AgentConfirmed, AgentFailed, AgentsListed>;

// Where the intake puts events. Implemented by the ledger service, and by tests. Thread-safe.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Emit(Event event) = 0;
};

}  // namespace pmem::extender
