// SPDX-License-Identifier: Apache-2.0
#include "extender/core/capacity_objects.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_writer.h"
#include "common/pure/names.h"
#include "common/pure/units.h"

namespace pmem::extender {
namespace {

constexpr size_t kReadableNameMax = 200;  // An object's name has at most 253 bytes.

// FNV-1a: the same in every build, which a library's hash is not.
uint64_t Hash(std::string_view text, uint64_t hash = 14695981039346656037U) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

std::map<std::string, std::string> OurLabels() {
  return {{std::string(kCapacityDriverLabel), std::string(kDriverName)},
          {std::string(kCapacityManagerLabel), std::string(kCapacityManager)}};
}

bool HasOurLabels(const CapacityObject& seen) {
  const auto ours = OurLabels();
  return std::all_of(ours.begin(), ours.end(), [&seen](const auto& label) {
    const auto found = seen.labels.find(label.first);
    return found != seen.labels.end() && found->second == label.second;
  });
}

bool IsOwnedBy(const CapacityObject& seen, const std::string& node_uid) {
  if (node_uid.empty()) return seen.owners.empty();
  return seen.owners.size() == 1 && seen.owners.front().uid == node_uid;
}

// Of a node that we know nothing of, an object that says enough may say what it says.
WantedCapacity AtLeast(WantedCapacity wanted, const CapacityObject& seen) {
  if (wanted.is_known) return wanted;
  const int64_t capacity_bytes = seen.capacity_bytes.value_or(0);
  const int64_t volume_bytes_max = seen.volume_bytes_max.value_or(capacity_bytes);
  wanted.capacity_bytes = std::max(wanted.capacity_bytes, capacity_bytes);
  wanted.volume_bytes_max = std::max(wanted.volume_bytes_max, volume_bytes_max);
  return wanted;
}

bool Says(const CapacityObject& seen, const WantedCapacity& wanted) {
  return seen.capacity_bytes == wanted.capacity_bytes &&
         seen.volume_bytes_max == wanted.volume_bytes_max && HasOurLabels(seen) &&
         IsOwnedBy(seen, wanted.node_uid);
}

// Lower: sooner.
int Urgency(const CapacityChange& change, const SeenCapacities& seen) {
  switch (change.kind) {
    case CapacityChange::Kind::kCreate:
      return change.wanted.volume_bytes_max > 0 ? 0 : 1;
    case CapacityChange::Kind::kReplace:
      return seen.at(change.name).volume_bytes_max.value_or(0) < change.wanted.volume_bytes_max ? 0
                                                                                                : 1;
    case CapacityChange::Kind::kDelete:
      return 2;
  }
  return 2;
}

// In MiB where that is exact: people read it.
std::string SizeText(int64_t bytes) {
  return bytes % kMiB == 0 ? absl::StrCat(bytes / kMiB, "Mi") : absl::StrCat(bytes);
}

}  // namespace

std::string CapacityObjectName(const WantedCapacity& wanted) {
  const uint64_t hash =
      Hash(wanted.topology_value,
           Hash("/", Hash(wanted.topology_key, Hash("/", Hash(wanted.storage_class)))));
  const std::string_view node = wanted.node.empty() ? "all-nodes" : std::string_view(wanted.node);
  const std::string readable = absl::StrCat(wanted.storage_class, ".", AbslView(node));
  return absl::StrCat(readable.size() > kReadableNameMax ? "pmem" : readable,
                      absl::StrFormat(".%016x", hash));
}

bool IsOfSameClassAndNodes(const CapacityObject& seen, const WantedCapacity& wanted) {
  std::map<std::string, std::string> topology;
  if (!wanted.topology_key.empty()) topology = {{wanted.topology_key, wanted.topology_value}};
  return seen.storage_class_name == wanted.storage_class && seen.topology == topology;
}

std::vector<CapacityChange> PlanCapacityChanges(const WantedCapacities& wanted,
                                                const SeenCapacities& seen) {
  using Kind = CapacityChange::Kind;
  std::vector<CapacityChange> changes;
  for (const auto& [name, one] : wanted) {
    const auto it = seen.find(name);
    if (it == seen.end()) {
      const bool is_made = one.is_known || one.volume_bytes_max > 0;
      if (is_made) changes.push_back({.kind = Kind::kCreate, .name = name, .wanted = one});
      continue;
    }
    const ObjectMeta& meta = it->second.meta;
    const WantedCapacity least = AtLeast(one, it->second);
    if (Says(it->second, least)) continue;
    changes.push_back({.kind = Kind::kReplace,
                       .name = name,
                       .wanted = least,
                       .uid = meta.uid,
                       .resource_version = meta.resource_version});
  }
  for (const auto& [name, object] : seen) {
    if (wanted.contains(name) || object.meta.is_deleting) continue;
    changes.push_back({.kind = Kind::kDelete,
                       .name = name,
                       .uid = object.meta.uid,
                       .resource_version = object.meta.resource_version});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [&seen](const CapacityChange& a, const CapacityChange& b) {
                     return Urgency(a, seen) < Urgency(b, seen);
                   });
  return changes;
}

std::string CapacityObjectJson(const CapacityChange& change) {
  const WantedCapacity& wanted = change.wanted;
  JsonWriter json;
  json.BeginObject().String("apiVersion", "storage.k8s.io/v1").String("kind", "CSIStorageCapacity");
  json.Key("metadata").BeginObject();
  json.String("name", change.name);
  if (change.kind == CapacityChange::Kind::kReplace) {
    json.String("uid", change.uid).String("resourceVersion", change.resource_version);
  }
  json.Key("labels").BeginObject();
  for (const auto& [key, value] : OurLabels()) json.String(key, value);
  json.EndObject();
  if (!wanted.node.empty()) {
    // The node's end is the object's end, whoever runs or does not run by then.
    json.Key("ownerReferences").BeginArray().BeginObject();
    json.String("apiVersion", "v1").String("kind", "Node").String("name", wanted.node);
    json.String("uid", wanted.node_uid).EndObject().EndArray();
  }
  json.EndObject();
  json.String("storageClassName", wanted.storage_class);
  json.Key("nodeTopology").BeginObject().Key("matchLabels").BeginObject();
  if (!wanted.topology_key.empty()) json.String(wanted.topology_key, wanted.topology_value);
  json.EndObject().EndObject();
  json.String("capacity", SizeText(wanted.capacity_bytes));
  json.String("maximumVolumeSize", SizeText(wanted.volume_bytes_max)).EndObject();
  return json.Take();
}

std::string CapacityDeleteJson(const CapacityChange& change) {
  JsonWriter json;
  json.BeginObject().String("apiVersion", "v1").String("kind", "DeleteOptions");
  json.Key("preconditions").BeginObject();
  json.String("uid", change.uid).String("resourceVersion", change.resource_version);
  json.EndObject().EndObject();
  return json.Take();
}

}  // namespace pmem::extender
