// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <optional>
#include <utility>

#include "extender/wire/decode_pod.h"
#include "extender/wire/decoder_impl.h"
#include "extender/wire/extender_v1.h"
#include "extender/wire/json_walk.h"

namespace pmem::extender {
namespace {

using json_walk::ForEachElement;
using json_walk::ForEachField;
using json_walk::KeyIs;
using json_walk::Open;
namespace ondemand = json_walk::ondemand;

enum class VictimForm { kWholePods, kUids };

using Unescaped = std::deque<std::string>;

// The UID of one victim: {"UID":"..."} or a whole pod.
absl::StatusOr<std::string_view> DecodeVictim(ondemand::value value, VictimForm form,
                                              Unescaped& unescaped) {
  if (form == VictimForm::kWholePods) return DecodePodUid(value, "Pods", unescaped);
  std::string_view uid;
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "Pods", object));
  if (!is_there) return uid;
  PMEM_RETURN_IF_ERROR(ForEachField(
      object, "Pods", [&](std::string_view key, ondemand::value field) -> absl::Status {
        if (!KeyIs(key, "UID")) return absl::OkStatus();
        PMEM_ASSIGN_OR_RETURN(uid, json_walk::ReadView(field, "Pods.UID", unescaped));
        return absl::OkStatus();
      }));
  return uid;
}

absl::Status DecodeVictimList(ondemand::value value, VictimForm form, NodeVictims& out,
                              Unescaped& unescaped) {
  out.pod_uids.clear();
  ondemand::array array;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "Pods", array));
  if (!is_there) return absl::OkStatus();
  return ForEachElement(array, "Pods", "kVictimsPerNodeMax", kVictimsPerNodeMax,
                        [&](size_t, ondemand::value element) -> absl::Status {
                          PMEM_ASSIGN_OR_RETURN(const std::string_view uid,
                                                DecodeVictim(element, form, unescaped));
                          if (uid.empty()) return json_walk::WrongType("Pods", "pods with a UID");
                          out.pod_uids.push_back(uid);
                          return absl::OkStatus();
                        });
}

absl::Status DecodeVictims(ondemand::value value, VictimForm form, NodeVictims& out,
                           Unescaped& unescaped) {
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "victims", object));
  if (!is_there) return absl::OkStatus();
  return ForEachField(object, "victims", [&](std::string_view key, ondemand::value field) {
    if (KeyIs(key, "Pods")) return DecodeVictimList(field, form, out, unescaped);
    if (!KeyIs(key, "NumPDBViolations")) return absl::OkStatus();
    return json_walk::Read(field, "NumPDBViolations", out.pdb_violations);
  });
}

// A key as a view into the body, or into `unescaped` when it had escapes: `unescaped_key` lives in
// the parser, which the next body overwrites.
absl::StatusOr<std::string_view> ReadKey(ondemand::field& field, Unescaped& unescaped) {
  const char* const raw = field.key().raw();
  std::string_view key;
  if (const auto error = field.unescaped_key().get(key)) return json_walk::Malformed("", error);
  const bool is_plain = std::memcmp(raw, key.data(), key.size()) == 0 && raw[key.size()] == '"';
  if (is_plain) return std::string_view(raw, key.size());
  return unescaped.emplace_back(key);
}

struct VictimMap {
  std::vector<NodeVictims> nodes;
  Unescaped unescaped;
};

absl::Status DecodeVictimMap(ondemand::value value, VictimForm form, std::string_view where,
                             std::optional<VictimMap>& out) {
  out.reset();
  ondemand::object map;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, where, map));
  if (!is_there) return absl::OkStatus();
  out.emplace();
  for (auto entry : map) {
    ondemand::field field;
    if (const auto error = std::move(entry).get(field)) return json_walk::Malformed(where, error);
    if (out->nodes.size() == kNodesPerRequestMax) {
      return json_walk::PastLimit(where, "kNodesPerRequestMax", kNodesPerRequestMax);
    }
    PMEM_ASSIGN_OR_RETURN(const std::string_view node, ReadKey(field, out->unescaped));
    if (node.empty() || node.size() > kNodeNameBytesMax) {
      return json_walk::WrongType(where, "node names of 1 to kNodeNameBytesMax bytes");
    }
    out->nodes.push_back(NodeVictims{.node = node, .pod_uids = {}, .pdb_violations = 0});
    const absl::Status status =
        DecodeVictims(field.value(), form, out->nodes.back(), out->unescaped);
    if (!status.ok()) return Annotate(status, json_walk::Concat({where, "[", node, "]"}));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PreemptionArgs> ExtenderDecoder::DecodePreemption(std::string& body) {
  PreemptionArgs args;
  bool has_pod = false;
  std::optional<VictimMap> pods, uids;
  const auto on_member = [&](std::string_view key, ondemand::value value) -> absl::Status {
    if (KeyIs(key, "NodeNameToMetaVictims")) {
      return DecodeVictimMap(value, VictimForm::kUids, "NodeNameToMetaVictims", uids);
    }
    if (KeyIs(key, "NodeNameToVictims")) {
      return DecodeVictimMap(value, VictimForm::kWholePods, "NodeNameToVictims", pods);
    }
    if (!KeyIs(key, "Pod")) return absl::OkStatus();
    PMEM_ASSIGN_OR_RETURN(has_pod, DecodePod(value, args.pod));
    return absl::OkStatus();
  };
  Impl::Pad(body);
  PMEM_RETURN_IF_ERROR(
      impl_->ForEachMember(body, body.size(), "ExtenderPreemptionArgs", on_member));
  if (!has_pod) return json_walk::WrongType("ExtenderPreemptionArgs.Pod", "a pod, got none");
  if (!pods && !uids) {
    return json_walk::WrongType("ExtenderPreemptionArgs",
                                "NodeNameToMetaVictims or NodeNameToVictims, got neither");
  }
  VictimMap& chosen = uids ? *uids : *pods;
  args.nodes = std::move(chosen.nodes);
  args.unescaped = std::move(chosen.unescaped);
  return args;
}

}  // namespace pmem::extender
