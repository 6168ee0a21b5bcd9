// SPDX-License-Identifier: Apache-2.0
#include "extender/wire/decode_pod.h"

#include <utility>
#include <vector>

#include "extender/wire/extender_v1.h"

namespace pmem::extender {
namespace {

using json_walk::Element;
using json_walk::ForEachElement;
using json_walk::ForEachField;
using json_walk::KeyIs;
using json_walk::Open;
using json_walk::Read;
namespace ondemand = json_walk::ondemand;

// Deepest nesting of brackets in a piece of JSON.
size_t Depth(std::string_view json) {
  size_t depth = 0;
  size_t deepest = 0;
  bool is_in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (is_in_string) {
      if (c == '\\') ++i;
      if (c == '"') is_in_string = false;
    } else if (c == '"') {
      is_in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

absl::Status DecodeOwner(ondemand::value value, std::string_view where, OwnerReference& out) {
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, where, object));
  if (!is_there) return absl::OkStatus();
  return ForEachField(object, where, [&](std::string_view key, ondemand::value field) {
    if (KeyIs(key, "kind")) return Read(field, "ownerReferences.kind", out.kind);
    if (KeyIs(key, "name")) return Read(field, "ownerReferences.name", out.name);
    if (KeyIs(key, "uid")) return Read(field, "ownerReferences.uid", out.uid);
    if (KeyIs(key, "controller")) return Read(field, "ownerReferences.controller", out.controller);
    return absl::OkStatus();
  });
}

absl::Status DecodeOwners(ondemand::value value, std::vector<OwnerReference>& out) {
  constexpr std::string_view kWhere = "Pod.metadata.ownerReferences";
  out.clear();
  ondemand::array array;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, kWhere, array));
  if (!is_there) return absl::OkStatus();
  return ForEachElement(array, kWhere, "kPodVolumesMax", kPodVolumesMax,
                        [&](size_t index, ondemand::value element) {
                          return DecodeOwner(element, Element(kWhere, index), out.emplace_back());
                        });
}

absl::Status DecodeMetadata(ondemand::value value, Pod& out) {
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "Pod.metadata", object));
  if (!is_there) return absl::OkStatus();
  ObjectMeta& meta = out.meta;
  return ForEachField(object, "Pod.metadata", [&](std::string_view key, ondemand::value field) {
    if (KeyIs(key, "name")) return Read(field, "Pod.metadata.name", meta.key.name);
    if (KeyIs(key, "namespace"))
      return Read(field, "Pod.metadata.namespace", meta.key.kube_namespace);
    if (KeyIs(key, "uid")) return Read(field, "Pod.metadata.uid", meta.uid);
    if (KeyIs(key, "resourceVersion")) {
      return Read(field, "Pod.metadata.resourceVersion", meta.resource_version);
    }
    if (KeyIs(key, "ownerReferences")) return DecodeOwners(field, out.owners);
    if (!KeyIs(key, "deletionTimestamp")) return absl::OkStatus();
    std::string when;
    absl::Status status = Read(field, "Pod.metadata.deletionTimestamp", when);
    meta.is_deleting = !when.empty();
    return status;
  });
}

absl::Status DecodeClaimSource(ondemand::value value, std::string_view where,
                               std::string& claim_name) {
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, where, object));
  if (!is_there) return absl::OkStatus();
  return ForEachField(object, where, [&](std::string_view key, ondemand::value field) {
    return KeyIs(key, "claimName") ? Read(field, where, claim_name) : absl::OkStatus();
  });
}

absl::Status DecodeVolume(ondemand::value value, std::string_view where, PodVolume& out) {
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, where, object));
  if (!is_there) return absl::OkStatus();
  return ForEachField(object, where,
                      [&](std::string_view key, ondemand::value field) -> absl::Status {
                        if (KeyIs(key, "name")) return Read(field, where, out.name);
                        if (KeyIs(key, "persistentVolumeClaim"))
                          return DecodeClaimSource(field, where, out.claim_name);
                        if (!KeyIs(key, "ephemeral")) return absl::OkStatus();
                        ondemand::object source;
                        PMEM_ASSIGN_OR_RETURN(out.is_ephemeral, Open(field, where, source));
                        return absl::OkStatus();
                      });
}

absl::Status DecodeVolumes(ondemand::value value, std::vector<PodVolume>& out) {
  constexpr std::string_view kWhere = "Pod.spec.volumes";
  out.clear();
  ondemand::array array;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, kWhere, array));
  if (!is_there) return absl::OkStatus();
  return ForEachElement(
      array, kWhere, "kPodVolumesMax", kPodVolumesMax,
      [&](size_t index, ondemand::value element) -> absl::Status {
        PodVolume volume;
        PMEM_RETURN_IF_ERROR(DecodeVolume(element, Element(kWhere, index), volume));
        if (volume.is_ephemeral || !volume.claim_name.empty()) out.push_back(std::move(volume));
        return absl::OkStatus();
      });
}

absl::Status DecodeSpec(ondemand::value value, Pod& out) {
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "Pod.spec", object));
  if (!is_there) return absl::OkStatus();
  return ForEachField(object, "Pod.spec", [&](std::string_view key, ondemand::value field) {
    if (KeyIs(key, "volumes")) return DecodeVolumes(field, out.volumes);
    if (KeyIs(key, "nodeName")) return Read(field, "Pod.spec.nodeName", out.node_name);
    if (KeyIs(key, "schedulerName"))
      return Read(field, "Pod.spec.schedulerName", out.scheduler_name);
    return absl::OkStatus();
  });
}

absl::Status DecodeStatus(ondemand::value value, Pod& out) {
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "Pod.status", object));
  if (!is_there) return absl::OkStatus();
  return ForEachField(object, "Pod.status", [&](std::string_view key, ondemand::value field) {
    if (KeyIs(key, "phase")) return Read(field, "Pod.status.phase", out.phase);
    if (!KeyIs(key, "nominatedNodeName")) return absl::OkStatus();
    return Read(field, "Pod.status.nominatedNodeName", out.nominated_node_name);
  });
}

// Measured first, then gone back to: nothing below may be deeper than we say.
absl::Status CheckDepth(ondemand::object& object) {
  std::string_view raw;
  if (const auto error = object.raw_json().get(raw)) return json_walk::Malformed("Pod", error);
  if (Depth(raw) > kPodDepthMax) return json_walk::PastLimit("Pod", "kPodDepthMax", kPodDepthMax);
  if (const auto error = object.reset().error()) return json_walk::Malformed("Pod", error);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> DecodePod(ondemand::value value, Pod& out) {
  out = Pod();
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "Pod", object));
  if (!is_there) return false;
  PMEM_RETURN_IF_ERROR(CheckDepth(object));
  PMEM_RETURN_IF_ERROR(
      ForEachField(object, "Pod", [&](std::string_view key, ondemand::value field) {
        if (KeyIs(key, "metadata")) return DecodeMetadata(field, out);
        if (KeyIs(key, "spec")) return DecodeSpec(field, out);
        if (KeyIs(key, "status")) return DecodeStatus(field, out);
        return absl::OkStatus();
      }));
  for (PodVolume& volume : out.volumes) {
    if (volume.is_ephemeral) volume.claim_name = out.meta.key.name + "-" + volume.name;
  }
  return true;
}

absl::StatusOr<std::string_view> DecodePodUid(ondemand::value value, std::string_view where,
                                              std::deque<std::string>& unescaped) {
  std::string_view uid;
  ondemand::object pod;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, where, pod));
  if (!is_there) return uid;
  const auto on_metadata = [&](std::string_view key, ondemand::value field) -> absl::Status {
    if (!KeyIs(key, "uid")) return absl::OkStatus();
    PMEM_ASSIGN_OR_RETURN(uid, json_walk::ReadView(field, where, unescaped));
    return absl::OkStatus();
  };
  const auto on_pod = [&](std::string_view key, ondemand::value field) -> absl::Status {
    if (!KeyIs(key, "metadata")) return absl::OkStatus();
    ondemand::object metadata;
    PMEM_ASSIGN_OR_RETURN(const bool has_metadata, Open(field, where, metadata));
    return has_metadata ? ForEachField(metadata, where, on_metadata) : absl::OkStatus();
  };
  PMEM_RETURN_IF_ERROR(ForEachField(pod, where, on_pod));
  return uid;
}

}  // namespace pmem::extender
