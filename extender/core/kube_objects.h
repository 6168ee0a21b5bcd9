// SPDX-License-Identifier: Apache-2.0
// The few fields of Kubernetes objects that we use. Decoded by kube_decode, never the raw JSON.
// Values; pure. Names are the API's own.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/pure/capacity_report.h"

namespace pmem::extender {

struct ObjectKey {
  std::string kube_namespace;  // Empty for cluster-scoped kinds.
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};

struct OwnerReference {
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
  bool operator==(const OwnerReference&) const = default;
};

struct ObjectMeta {
  ObjectKey key;
  std::string uid;
  std::string resource_version;  // Opaque but for the comparison of docs/protocol.md.
  bool is_deleting = false;      // deletionTimestamp is set.
  bool operator==(const ObjectMeta&) const = default;
};

struct Taint {
  std::string key, value, effect;
  bool operator==(const Taint&) const = default;
};

struct Toleration {
  std::string key, op, value, effect;  // op: "Exists" or "Equal" (empty: Equal).
  bool operator==(const Toleration&) const = default;
};

// One matchExpressions entry of a node selector term.
struct SelectorRequirement {
  std::string key;
  std::string op;  // In, NotIn, Exists, DoesNotExist, Gt, Lt
  std::vector<std::string> values;
  bool operator==(const SelectorRequirement&) const = default;
};

// Requirements are ANDed, terms are ORed. `fields` match metadata.name only. A term without any
// requirement matches nothing (as in Kubernetes).
struct NodeSelectorTerm {
  std::vector<SelectorRequirement> labels;
  std::vector<SelectorRequirement> fields;
  bool operator==(const NodeSelectorTerm&) const = default;
};

struct Node {
  ObjectMeta meta;
  std::map<std::string, std::string> labels;
  std::vector<Taint> taints;
  bool is_unschedulable = false;
  int64_t allocatable_cpu_milli = 0;
  int64_t allocatable_memory_bytes = 0;
  bool operator==(const Node&) const = default;
};

// A volume of a pod that refers to a claim.
struct PodVolume {
  std::string name;           // Of the volume in the pod.
  std::string claim_name;     // For an ephemeral volume: <pod>-<volume>.
  bool is_ephemeral = false;  // The claim must be controlled by the pod's UID.
  bool operator==(const PodVolume&) const = default;
};

struct Pod {
  ObjectMeta meta;
  std::string scheduler_name;
  std::string node_name;            // spec.nodeName; empty: not bound.
  std::string nominated_node_name;  // status.nominatedNodeName
  std::string phase;
  std::vector<PodVolume> volumes;  // Only those that refer to claims, in the pod's order.
  std::map<std::string, std::string> node_selector;
  std::optional<std::vector<NodeSelectorTerm>> required_node_affinity;  // Absent: any node.
  std::vector<Toleration> tolerations;
  std::vector<OwnerReference> owners;
  int64_t requested_cpu_milli = 0;  // Sum over containers (init containers: their maximum).
  int64_t requested_memory_bytes = 0;
  bool operator==(const Pod&) const = default;
};

// spec.accessModes: a set.
class AccessModes {
 public:
  AccessModes() = default;
  AccessModes(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) Add(name);
  }
  void Add(std::string_view name) {
    const auto* const at = std::find(std::begin(kNames), std::end(kNames), name);
    bits_.set(static_cast<size_t>(at - std::begin(kNames)));
  }
  // Of a mode that we do not know nobody can tell.
  bool HasAll(const AccessModes& wanted) const {
    return !wanted.bits_.test(kUnknown) && (wanted.bits_ & ~bits_).none();
  }
  bool operator==(const AccessModes&) const = default;

 private:
  static constexpr std::string_view kNames[] = {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany",
                                                "ReadWriteOncePod"};
  static constexpr size_t kUnknown = std::size(kNames);
  std::bitset<kUnknown + 1> bits_;
};

// What a claim wants its volume filled from: spec.dataSource, else spec.dataSourceRef.
enum class DataSource : uint8_t {
  kNone,
  // A snapshot or another claim. external-provisioner makes such volumes itself, where the driver
  // can: ours cannot.
  kVolume,
  // Anything else. external-provisioner makes none: a populator, where there is one, makes another
  // claim like it, fills that one's volume, and gives it to this one.
  kPopulator,
};

// PersistentVolumeClaim. There are tens of thousands: facts are kept, not their texts.
struct Claim {
  ObjectMeta meta;
  std::map<std::string, std::string> labels;
  std::optional<std::string> storage_class_name;
  int64_t requested_bytes = 0;   // spec.resources.requests.storage, rounded up.
  int64_t capacity_bytes = 0;    // status.capacity.storage; 0 while unbound.
  int64_t allocated_bytes = 0;   // status.allocatedResources.storage: an expansion has been begun.
  std::string volume_name;       // spec.volumeName
  std::string selected_node;     // volume.kubernetes.io/selected-node
  bool is_pinned_by_us = false;  // pmem.csi.alibabacloud.com/pinned-by says so of selected_node.
  // A scheduler wrote selected-node, as the API server noted in metadata.managedFields.
  bool is_pinned_by_scheduler = false;
  std::string storage_provisioner;  // volume.kubernetes.io/storage-provisioner, or the beta key.
  AccessModes access_modes;
  bool is_block = false;      // spec.volumeMode is Block.
  bool has_selector = false;  // spec.selector: only pre-provisioned PersistentVolumes match.
  DataSource data_source = DataSource::kNone;
  std::string volume_attributes_class;  // spec.volumeAttributesClassName
  bool has_annotations = false;  // metadata.annotations exists at all (matters for JSON patch).
  bool has_empty_selected_node = false;  // The annotation is there, and says nothing; as above.
  std::vector<OwnerReference> owners;
  bool operator==(const Claim&) const = default;
};

struct PersistentVolume {
  ObjectMeta meta;
  bool is_ours = false;  // spec.csi.driver is our driver.
  std::string csi_volume_handle;
  std::string storage_class_name;
  int64_t capacity_bytes = 0;
  AccessModes access_modes;
  bool is_block = false;                // spec.volumeMode is Block.
  std::string volume_attributes_class;  // spec.volumeAttributesClassName
  bool is_taken = false;  // status.phase says so: it is there, neither Available nor Pending.
  // Nor Available yet: no scheduler gives it to a claim, from one moment to the next one may.
  bool is_pending = false;
  ObjectKey claim;  // spec.claimRef; name empty: none.
  std::string claim_uid;
  // The one node that spec.nodeAffinity.required names; empty: none or several. Absent: no
  // affinity.
  std::optional<std::string> affinity_node;
  bool operator==(const PersistentVolume&) const = default;
};

struct StorageClass {
  ObjectMeta meta;
  std::string provisioner;
  bool is_wait_for_first_consumer = false;
  std::map<std::string, std::string> parameters;
  // Of a class of ours: the nodes that allowedTopologies leave, sorted, each once. Absent: all.
  // Only for pins that we write ourselves. kube-scheduler's volume binding looks at
  // allowedTopologies on its own, so neither the verbs nor capacity objects need to.
  std::optional<std::vector<std::string>> allowed_nodes;
  bool Allows(const std::string& node) const {
    return !allowed_nodes || std::binary_search(allowed_nodes->begin(), allowed_nodes->end(), node);
  }
  bool operator==(const StorageClass&) const = default;
};

// CSIStorageCapacity. Sizes that are absent, or that are no amount, are nullopt.
struct CapacityObject {
  ObjectMeta meta;
  std::map<std::string, std::string> labels;
  std::vector<OwnerReference> owners;
  std::string storage_class_name;
  std::map<std::string, std::string> topology;  // nodeTopology.matchLabels
  std::optional<int64_t> capacity_bytes;
  std::optional<int64_t> volume_bytes_max;  // maximumVolumeSize
  bool operator==(const CapacityObject&) const = default;
};

}  // namespace pmem::extender
