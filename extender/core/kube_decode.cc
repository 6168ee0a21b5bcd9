// SPDX-License-Identifier: Apache-2.0
#include "extender/core/kube_decode.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"
#include "extender/core/kube_fields.h"
#include "extender/core/pod_decode.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kSnapshotGroup = "snapshot.storage.k8s.io";
constexpr std::string_view kVersionTooLarge = "ResourceVersionTooLarge";
constexpr int64_t kRetryAfterSecondsMax = int64_t{24} * 3600;

// Which object it was, as far as that can be read.
absl::Status NameObject(const absl::Status& error, const JsonValue& object) {
  const absl::StatusOr<ObjectMeta> meta = Meta(object);
  if (!meta.ok()) return error;
  return Annotate(error, absl::StrCat(meta->key.kube_namespace,
                                      meta->key.kube_namespace.empty() ? "" : "/", meta->key.name));
}

absl::StatusOr<std::vector<Taint>> Taints(const JsonValue& spec) {
  std::vector<Taint> taints;
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries, spec.OptionalArray("taints"));
  for (const JsonValue& entry : entries) {
    Taint& taint = taints.emplace_back();
    PMEM_ASSIGN_OR_RETURN(taint.key, Text(entry, "key"));
    PMEM_ASSIGN_OR_RETURN(taint.value, Text(entry, "value"));
    PMEM_ASSIGN_OR_RETURN(taint.effect, Text(entry, "effect"));
  }
  return taints;
}

// Whether the manager of one of the entries is a scheduler and owns the selected-node annotation.
// Schedulers write under the name of their program: "kube-scheduler", or another one with that
// word.
absl::StatusOr<bool> IsPinnedByScheduler(const JsonValue& metadata) {
  PMEM_ASSIGN_OR_RETURN(const auto entries, metadata.OptionalArray("managedFields"));
  for (const JsonValue& entry : entries) {
    PMEM_ASSIGN_OR_RETURN(const std::string manager, Text(entry, "manager"));
    if (manager.find("scheduler") == std::string::npos) continue;
    PMEM_ASSIGN_OR_RETURN(const JsonValue fields, Child(entry, "fieldsV1"));
    PMEM_ASSIGN_OR_RETURN(const JsonValue of_metadata, Child(fields, "f:metadata"));
    PMEM_ASSIGN_OR_RETURN(const JsonValue annotations, Child(of_metadata, "f:annotations"));
    PMEM_ASSIGN_OR_RETURN(const auto owned, annotations.OptionalMember(absl::StrCat(
                                                "f:", AbslView(kSelectedNodeAnnotation))));
    if (owned.has_value()) return true;
  }
  return false;
}

bool IsMarkOfOurs(std::string_view pinned_by, std::string_view node) {
  if (pinned_by == kPinnedByUsBefore) return true;
  return pinned_by.starts_with(kPinnedByUsTo) && pinned_by.substr(kPinnedByUsTo.size()) == node;
}

absl::Status ReadClaimMetadata(const JsonValue& object, Claim* claim) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, Child(object, "metadata"));
  PMEM_ASSIGN_OR_RETURN(claim->labels, TextMap(metadata, "labels"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> annotations,
                        metadata.OptionalMember("annotations"));
  claim->has_annotations = annotations.has_value();
  if (!annotations.has_value()) return absl::OkStatus();
  PMEM_ASSIGN_OR_RETURN(const auto selected_node,
                        annotations->OptionalString(kSelectedNodeAnnotation));
  claim->selected_node = selected_node.value_or("");
  claim->has_empty_selected_node = selected_node == "";
  PMEM_ASSIGN_OR_RETURN(const std::string pinned_by, Text(*annotations, kPinnedByAnnotation));
  claim->is_pinned_by_us = IsMarkOfOurs(pinned_by, claim->selected_node);
  if (!claim->selected_node.empty()) {
    PMEM_ASSIGN_OR_RETURN(claim->is_pinned_by_scheduler, IsPinnedByScheduler(metadata));
  }
  PMEM_ASSIGN_OR_RETURN(claim->storage_provisioner,
                        Text(*annotations, kStorageProvisionerAnnotation));
  if (claim->storage_provisioner.empty()) {
    PMEM_ASSIGN_OR_RETURN(claim->storage_provisioner,
                          Text(*annotations, kStorageProvisionerAnnotationBeta));
  }
  PMEM_ASSIGN_OR_RETURN(claim->storage_class_name,
                        annotations->OptionalString(kClassAnnotationBeta));
  return absl::OkStatus();
}

// A kind of another group than Kubernetes' own may have a populator, whatever its name.
absl::StatusOr<DataSource> ReadDataSource(const JsonValue& spec) {
  PMEM_ASSIGN_OR_RETURN(std::optional<JsonValue> source, spec.OptionalMember("dataSource"));
  if (!source) {
    PMEM_ASSIGN_OR_RETURN(source, spec.OptionalMember("dataSourceRef"));
  }
  if (!source) return DataSource::kNone;
  PMEM_ASSIGN_OR_RETURN(const std::string group, Text(*source, "apiGroup"));
  PMEM_ASSIGN_OR_RETURN(const std::string kind, Text(*source, "kind"));
  const bool is_volume = (group.empty() && kind == "PersistentVolumeClaim") ||
                         (group == kSnapshotGroup && kind == "VolumeSnapshot");
  return is_volume ? DataSource::kVolume : DataSource::kPopulator;
}

// Access modes, volume mode and attributes. `Object`: Claim or PersistentVolume.
template <class Object>
absl::Status ReadModes(const JsonValue& spec, Object* object) {
  PMEM_ASSIGN_OR_RETURN(const std::vector<std::string> modes, TextList(spec, "accessModes"));
  for (const std::string& mode : modes) object->access_modes.Add(mode);
  PMEM_ASSIGN_OR_RETURN(const std::string volume_mode, Text(spec, "volumeMode"));
  object->is_block = volume_mode == "Block";
  PMEM_ASSIGN_OR_RETURN(object->volume_attributes_class, Text(spec, "volumeAttributesClassName"));
  return absl::OkStatus();
}

absl::Status ReadClaimSpec(const JsonValue& spec, Claim* claim) {
  if (!claim->storage_class_name) {
    PMEM_ASSIGN_OR_RETURN(claim->storage_class_name, spec.OptionalString("storageClassName"));
  }
  PMEM_ASSIGN_OR_RETURN(claim->volume_name, Text(spec, "volumeName"));
  PMEM_RETURN_IF_ERROR(ReadModes(spec, claim));
  PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> selector, spec.OptionalMember("selector"));
  claim->has_selector = selector.has_value();
  PMEM_ASSIGN_OR_RETURN(claim->data_source, ReadDataSource(spec));
  PMEM_ASSIGN_OR_RETURN(const JsonValue resources, Child(spec, "resources"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue requests, Child(resources, "requests"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> bytes, Bytes(requests, "storage"));
  claim->requested_bytes = bytes.value_or(0);
  return absl::OkStatus();
}

absl::StatusOr<std::string> VolumeClassName(const JsonValue& object, const JsonValue& spec) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, Child(object, "metadata"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue annotations, Child(metadata, "annotations"));
  PMEM_ASSIGN_OR_RETURN(const auto old, annotations.OptionalString(kClassAnnotationBeta));
  return old ? *old : Text(spec, "storageClassName");
}

absl::Status ReadClaimRef(const JsonValue& spec, PersistentVolume* volume) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue reference, Child(spec, "claimRef"));
  PMEM_ASSIGN_OR_RETURN(volume->claim.kube_namespace, Text(reference, "namespace"));
  PMEM_ASSIGN_OR_RETURN(volume->claim.name, Text(reference, "name"));
  PMEM_ASSIGN_OR_RETURN(volume->claim_uid, Text(reference, "uid"));
  return absl::OkStatus();
}

// The one node that an affinity names, or "" when it names none or several.
std::string SingleNode(const std::vector<NodeSelectorTerm>& terms) {
  if (terms.size() != 1) return "";
  const auto names_one = [](const SelectorRequirement& requirement) {
    return requirement.op == "In" && requirement.values.size() == 1;
  };
  for (const SelectorRequirement& field : terms[0].fields) {
    if (field.key == "metadata.name" && names_one(field)) return field.values[0];
  }
  for (const SelectorRequirement& label : terms[0].labels) {
    const bool is_node = label.key == kHostnameLabel || label.key == kTopologyNodeKey;
    if (is_node && names_one(label)) return label.values[0];
  }
  return "";
}

absl::Status ReadNodeAffinity(const JsonValue& spec, PersistentVolume* volume) {
  PMEM_ASSIGN_OR_RETURN(const JsonValue affinity, Child(spec, "nodeAffinity"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> required,
                        affinity.OptionalMember("required"));
  if (!required.has_value()) return absl::OkStatus();
  PMEM_ASSIGN_OR_RETURN(const std::vector<NodeSelectorTerm> terms, SelectorTerms(*required));
  volume->affinity_node = SingleNode(terms);
  return absl::OkStatus();
}

// As external-provisioner does, a term is compared with what the driver says of its node, not with
// the labels of the Node object: that is one key, whose value is the node's name. A term that asks
// for anything else, a zone say, is met nowhere, though nodes have the label; nor is an empty one.
absl::Status AddAllowedNodes(const JsonValue& term, std::vector<std::string>* nodes) {
  PMEM_ASSIGN_OR_RETURN(const std::vector<SelectorRequirement> wanted,
                        Requirements(term, "matchLabelExpressions"));
  if (wanted.size() != 1 || wanted[0].key != kTopologyNodeKey) return absl::OkStatus();
  nodes->insert(nodes->end(), wanted[0].values.begin(), wanted[0].values.end());
  if (nodes->size() <= kAllowedNodesMax) return absl::OkStatus();
  return term.Error(absl::StrCat("with it more than ", kAllowedNodesMax, " nodes are named"));
}

absl::Status ReadAllowedNodes(const JsonValue& object, StorageClass* storage_class) {
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> terms,
                        object.OptionalArray("allowedTopologies"));
  if (terms.empty()) return absl::OkStatus();
  std::vector<std::string> nodes;
  for (const JsonValue& term : terms) PMEM_RETURN_IF_ERROR(AddAllowedNodes(term, &nodes));
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  storage_class->allowed_nodes = std::move(nodes);
  return absl::OkStatus();
}

absl::StatusOr<WatchEventType> EventType(const JsonValue& event) {
  PMEM_ASSIGN_OR_RETURN(const std::string name, event.String("type"));
  if (name == "ADDED") return WatchEventType::kAdded;
  if (name == "MODIFIED") return WatchEventType::kModified;
  if (name == "DELETED") return WatchEventType::kDeleted;
  if (name == "BOOKMARK") return WatchEventType::kBookmark;
  if (name == "ERROR") return WatchEventType::kError;
  return absl::InvalidArgumentError(absl::StrCat("type: \"", name, "\" is no watch event"));
}

absl::StatusOr<ApiFailure> ReadFailure(const JsonValue& status) {
  ApiFailure failure;
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> code, status.OptionalInt("code", 0, 999));
  failure.code = static_cast<int>(code.value_or(0));
  PMEM_ASSIGN_OR_RETURN(failure.reason, Text(status, "reason"));
  PMEM_ASSIGN_OR_RETURN(failure.message, Text(status, "message"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue details, Child(status, "details"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> seconds,
                        details.OptionalInt("retryAfterSeconds", 0, kRetryAfterSecondsMax));
  failure.retry_after = absl::Seconds(seconds.value_or(0));
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> causes, details.OptionalArray("causes"));
  for (const JsonValue& cause : causes) {
    PMEM_ASSIGN_OR_RETURN(const std::string reason, Text(cause, "reason"));
    if (reason == kVersionTooLarge) failure.is_too_large_version = true;
  }
  return failure;
}

}  // namespace

template <>
absl::StatusOr<Node> DecodeObject<Node>(const JsonValue& object) {
  Node node;
  PMEM_ASSIGN_OR_RETURN(node.meta, Meta(object));
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, Child(object, "metadata"));
  PMEM_ASSIGN_OR_RETURN(node.labels, TextMap(metadata, "labels"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, Child(object, "spec"));
  PMEM_ASSIGN_OR_RETURN(node.taints, Taints(spec));
  PMEM_ASSIGN_OR_RETURN(node.is_unschedulable, Flag(spec, "unschedulable"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue status, Child(object, "status"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue allocatable, Child(status, "allocatable"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> cpu, Milli(allocatable, "cpu"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> memory, Bytes(allocatable, "memory"));
  node.allocatable_cpu_milli = cpu.value_or(0);
  node.allocatable_memory_bytes = memory.value_or(0);
  return node;
}

template <>
absl::StatusOr<Pod> DecodeObject<Pod>(const JsonValue& object) {
  return DecodePod(object);
}

template <>
absl::StatusOr<AgentPod> DecodeObject<AgentPod>(const JsonValue& object) {
  return DecodeAgentPod(object);
}

template <>
absl::StatusOr<Claim> DecodeObject<Claim>(const JsonValue& object) {
  Claim claim;
  PMEM_ASSIGN_OR_RETURN(claim.meta, Meta(object));
  PMEM_ASSIGN_OR_RETURN(claim.owners, Owners(object));
  PMEM_RETURN_IF_ERROR(ReadClaimMetadata(object, &claim));
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, Child(object, "spec"));
  PMEM_RETURN_IF_ERROR(ReadClaimSpec(spec, &claim));
  PMEM_ASSIGN_OR_RETURN(const JsonValue status, Child(object, "status"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue capacity, Child(status, "capacity"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> bytes, Bytes(capacity, "storage"));
  claim.capacity_bytes = bytes.value_or(0);
  PMEM_ASSIGN_OR_RETURN(const JsonValue allocated, Child(status, "allocatedResources"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> begun, Bytes(allocated, "storage"));
  claim.allocated_bytes = begun.value_or(0);
  return claim;
}

template <>
absl::StatusOr<PersistentVolume> DecodeObject<PersistentVolume>(const JsonValue& object) {
  PersistentVolume volume;
  PMEM_ASSIGN_OR_RETURN(volume.meta, Meta(object));
  PMEM_ASSIGN_OR_RETURN(const JsonValue spec, Child(object, "spec"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue csi, Child(spec, "csi"));
  PMEM_ASSIGN_OR_RETURN(const std::string driver, Text(csi, "driver"));
  volume.is_ours = driver == kDriverName;
  PMEM_ASSIGN_OR_RETURN(volume.csi_volume_handle, Text(csi, "volumeHandle"));
  PMEM_ASSIGN_OR_RETURN(volume.storage_class_name, VolumeClassName(object, spec));
  PMEM_ASSIGN_OR_RETURN(const JsonValue capacity, Child(spec, "capacity"));
  PMEM_ASSIGN_OR_RETURN(const std::optional<int64_t> bytes, Bytes(capacity, "storage"));
  volume.capacity_bytes = bytes.value_or(0);
  PMEM_RETURN_IF_ERROR(ReadModes(spec, &volume));
  PMEM_RETURN_IF_ERROR(ReadClaimRef(spec, &volume));
  PMEM_RETURN_IF_ERROR(ReadNodeAffinity(spec, &volume));
  PMEM_ASSIGN_OR_RETURN(const JsonValue status, Child(object, "status"));
  PMEM_ASSIGN_OR_RETURN(const std::string phase, Text(status, "phase"));
  volume.is_pending = phase.empty() || phase == "Pending";
  volume.is_taken = !volume.is_pending && phase != "Available";
  return volume;
}

template <>
absl::StatusOr<StorageClass> DecodeObject<StorageClass>(const JsonValue& object) {
  StorageClass storage_class;
  PMEM_ASSIGN_OR_RETURN(storage_class.meta, Meta(object));
  PMEM_ASSIGN_OR_RETURN(storage_class.provisioner, Text(object, "provisioner"));
  PMEM_ASSIGN_OR_RETURN(const std::string mode, Text(object, "volumeBindingMode"));
  storage_class.is_wait_for_first_consumer = mode == "WaitForFirstConsumer";
  PMEM_ASSIGN_OR_RETURN(storage_class.parameters, TextMap(object, "parameters"));
  PMEM_RETURN_IF_ERROR(ReadAllowedNodes(object, &storage_class));
  return storage_class;
}

template <>
absl::StatusOr<CapacityObject> DecodeObject<CapacityObject>(const JsonValue& object) {
  CapacityObject capacity;
  PMEM_ASSIGN_OR_RETURN(capacity.meta, Meta(object));
  PMEM_ASSIGN_OR_RETURN(capacity.owners, Owners(object));
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, Child(object, "metadata"));
  PMEM_ASSIGN_OR_RETURN(capacity.labels, TextMap(metadata, "labels"));
  PMEM_ASSIGN_OR_RETURN(capacity.storage_class_name, Text(object, "storageClassName"));
  PMEM_ASSIGN_OR_RETURN(const JsonValue topology, Child(object, "nodeTopology"));
  PMEM_ASSIGN_OR_RETURN(capacity.topology, TextMap(topology, "matchLabels"));
  // An amount that somebody wrote and we cannot read is one to be written anew, not an error.
  capacity.capacity_bytes = Bytes(object, "capacity").value_or(std::nullopt);
  capacity.volume_bytes_max = Bytes(object, "maximumVolumeSize").value_or(std::nullopt);
  return capacity;
}

template <class T>
absl::StatusOr<T> DecodeObject(std::string_view json) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::Parse(json));
  return DecodeObject<T>(document.root());
}

template <class T>
absl::StatusOr<DecodedList<T>> DecodeList(std::string_view json) {
  DecodedList<T> list;
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document,
                        JsonDocument::Parse(json, {.bytes_max = kWatchLineBytesMax}));
  const JsonValue root = document.root();
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, root.Member("metadata"));
  PMEM_ASSIGN_OR_RETURN(list.resource_version, Text(metadata, "resourceVersion"));
  PMEM_ASSIGN_OR_RETURN(list.continue_token, Text(metadata, "continue"));
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> items, root.OptionalArray("items"));
  list.objects.reserve(items.size());
  for (const JsonValue& item : items) {
    absl::StatusOr<T> object = DecodeObject<T>(item);
    if (object.ok()) {
      list.objects.push_back(*std::move(object));
    } else {
      list.errors.push_back(NameObject(object.status(), item));
    }
  }
  return list;
}

template <class T>
absl::StatusOr<DecodedItem<T>> DecodeItem(std::string_view json) {
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document,
                        JsonDocument::Parse(json, {.bytes_max = kWatchLineBytesMax}));
  DecodedItem<T> item{.object = DecodeObject<T>(document.root())};
  if (!item.object.ok()) item.object = NameObject(item.object.status(), document.root());
  return item;
}

template <class T>
absl::StatusOr<DecodedEvent<T>> DecodeWatchEvent(std::string_view line) {
  DecodedEvent<T> event;
  PMEM_ASSIGN_OR_RETURN(const JsonDocument document,
                        JsonDocument::Parse(line, {.bytes_max = kWatchLineBytesMax}));
  PMEM_ASSIGN_OR_RETURN(event.type, EventType(document.root()));
  PMEM_ASSIGN_OR_RETURN(const JsonValue object, document.root().Member("object"));
  if (event.type == WatchEventType::kError) {
    PMEM_ASSIGN_OR_RETURN(event.failure, ReadFailure(object));
    return event;
  }
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, object.Member("metadata"));
  PMEM_ASSIGN_OR_RETURN(event.resource_version, Text(metadata, "resourceVersion"));
  if (event.type == WatchEventType::kBookmark) return event;
  event.object = DecodeObject<T>(object);
  if (event.object.ok()) return event;
  absl::StatusOr<ObjectMeta> meta = Meta(object);
  if (event.type == WatchEventType::kDeleted && meta.ok()) {
    event.object = T{.meta = *std::move(meta)};
  } else {
    event.object = NameObject(event.object.status(), object);
  }
  return event;
}

ApiFailure DecodeFailure(int http_status, std::string_view body) {
  ApiFailure failure;
  const absl::StatusOr<JsonDocument> document = JsonDocument::Parse(body);
  // What a proxy says in JSON is not the API server's word.
  if (document.ok() && document->root().IsObject() &&
      Text(document->root(), "kind").value_or("") == "Status") {
    absl::StatusOr<ApiFailure> read = ReadFailure(document->root());
    if (read.ok()) failure = *std::move(read);
  }
  failure.code = http_status;
  return failure;
}

#define PMEM_DECODE_INSTANTIATE(T)                                         \
  template absl::StatusOr<T> DecodeObject<T>(std::string_view);            \
  template absl::StatusOr<DecodedList<T>> DecodeList<T>(std::string_view); \
  template absl::StatusOr<DecodedItem<T>> DecodeItem<T>(std::string_view); \
  template absl::StatusOr<DecodedEvent<T>> DecodeWatchEvent<T>(std::string_view)

PMEM_DECODE_INSTANTIATE(Node);
PMEM_DECODE_INSTANTIATE(Pod);
PMEM_DECODE_INSTANTIATE(Claim);
PMEM_DECODE_INSTANTIATE(PersistentVolume);
PMEM_DECODE_INSTANTIATE(StorageClass);
PMEM_DECODE_INSTANTIATE(CapacityObject);
PMEM_DECODE_INSTANTIATE(AgentPod);

}  // namespace pmem::extender
