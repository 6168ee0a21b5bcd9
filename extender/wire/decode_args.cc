// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "extender/wire/decode_pod.h"
#include "extender/wire/decoder_impl.h"
#include "extender/wire/extender_v1.h"
#include "extender/wire/json_walk.h"
#include "extender/wire/names_tail.h"

namespace pmem::extender {
namespace {

using json_walk::Element;
using json_walk::ForEachElement;
using json_walk::ForEachField;
using json_walk::KeyIs;
using json_walk::Open;
namespace ondemand = json_walk::ondemand;

absl::Status CheckName(std::string_view name, std::string_view where) {
  if (name.empty()) return json_walk::WrongType(where, "a node name, got an empty string");
  if (name.size() <= kNodeNameBytesMax) return absl::OkStatus();
  return json_walk::PastLimit(where, "kNodeNameBytesMax", kNodeNameBytesMax);
}

absl::Status DecodeName(ondemand::value value, Candidates& out) {
  PMEM_ASSIGN_OR_RETURN(const std::string_view name,
                        json_walk::ReadView(value, "name", out.unescaped));
  PMEM_RETURN_IF_ERROR(CheckName(name, "name"));
  out.names.push_back(name);
  return absl::OkStatus();
}

absl::Status DecodeNames(ondemand::array array, Candidates& out) {
  return ForEachElement(array, "NodeNames", "kNodesPerRequestMax", kNodesPerRequestMax,
                        [&](size_t index, ondemand::value element) {
                          absl::Status status = DecodeName(element, out);
                          if (status.ok()) return status;
                          return Annotate(status, Element("NodeNames", index));
                        });
}

// The first metadata.name. The cursor stays where it was found: the caller goes on from the object.
absl::StatusOr<std::string_view> FindName(ondemand::object& object, std::string_view member,
                                          std::deque<std::string>& unescaped) {
  for (auto field : object) {
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return json_walk::Malformed("", error);
    if (!KeyIs(key, member)) continue;
    ondemand::value value;
    if (const auto error = field.value().get(value)) return json_walk::Malformed("", error);
    if (member == "name") return json_walk::ReadView(value, "metadata.name", unescaped);
    ondemand::object metadata;
    PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "metadata", metadata));
    if (is_there) return FindName(metadata, "name", unescaped);
  }
  return json_walk::WrongType("metadata.name", "a node name, got nothing");
}

absl::Status DecodeNode(ondemand::value value, Candidates& out) {
  ondemand::object object;
  if (value.get(object)) return json_walk::WrongType("item", "a Node object");
  PMEM_ASSIGN_OR_RETURN(const std::string_view name, FindName(object, "metadata", out.unescaped));
  PMEM_RETURN_IF_ERROR(CheckName(name, "metadata.name"));
  std::string_view raw;
  if (const auto error = object.raw_json().get(raw)) return json_walk::Malformed("item", error);
  out.names.push_back(name);
  out.nodes.push_back(json_walk::TrimRight(raw));
  return absl::OkStatus();
}

absl::Status DecodeItems(ondemand::value value, Candidates& out) {
  out.names.clear();
  out.nodes.clear();
  ondemand::array array;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "Nodes.items", array));
  if (!is_there) return absl::OkStatus();
  return ForEachElement(array, "Nodes.items", "kNodesPerRequestMax", kNodesPerRequestMax,
                        [&](size_t index, ondemand::value element) {
                          absl::Status status = DecodeNode(element, out);
                          if (status.ok()) return status;
                          return Annotate(status, Element("Nodes.items", index));
                        });
}

// "member":value, of the NodeList, as it was sent; strings, objects and null only.
absl::Status KeepListMember(std::string_view member, ondemand::value value, std::string& head) {
  const std::string where = json_walk::Concat({"Nodes.", member});
  PMEM_ASSIGN_OR_RETURN(const std::string_view raw, json_walk::RawJson(value, where));
  const bool is_string = raw.size() >= 2 && raw.front() == '"' && raw.back() == '"';
  const bool is_object = raw.size() >= 2 && raw.front() == '{' && raw.back() == '}';
  if (raw != "null" && !(member == "metadata" ? is_object : is_string)) {
    return json_walk::WrongType(where, member == "metadata" ? "an object" : "a string");
  }
  head.append(json_walk::Concat({"\"", member, "\":", raw, ","}));
  return absl::OkStatus();
}

absl::Status DecodeNodeList(ondemand::object object, Candidates& out) {
  return ForEachField(object, "Nodes", [&](std::string_view key, ondemand::value value) {
    if (KeyIs(key, "items")) return DecodeItems(value, out);
    for (const std::string_view member : {"kind", "apiVersion", "metadata"}) {
      if (KeyIs(key, member)) return KeepListMember(member, value, out.list_head);
    }
    return absl::OkStatus();
  });
}

struct Sent {
  Pod pod;
  bool has_pod = false;
  std::optional<Candidates> names, nodes;
  bool is_unread = false;  // A list was left in `raw`.
};

absl::Status DecodeNodeNames(ondemand::value value, bool reads, std::optional<Candidates>& out) {
  out.reset();
  ondemand::array array;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "NodeNames", array));
  if (!is_there) return absl::OkStatus();
  out.emplace();
  if (const auto error = array.raw_json().get(out->raw)) {
    return json_walk::Malformed("NodeNames", error);
  }
  out->raw = json_walk::TrimRight(out->raw);
  if (!reads || ReadPlainNames(out->raw, out->names)) return absl::OkStatus();
  out->names.clear();
  out->raw = {};
  if (array.reset().error()) return json_walk::WrongType("NodeNames", "an array");
  return DecodeNames(array, *out);
}

absl::Status DecodeNodes(ondemand::value value, bool reads, std::optional<Candidates>& out) {
  out.reset();
  ondemand::object object;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, Open(value, "Nodes", object));
  if (!is_there) return absl::OkStatus();
  out.emplace().is_full = true;
  if (reads) return DecodeNodeList(object, *out);
  const auto error = object.raw_json().get(out->raw);
  return error ? json_walk::Malformed("Nodes", error) : absl::OkStatus();
}

bool Reads(ReadCandidates when, const Pod& pod) {
  return when == ReadCandidates::kAlways || !pod.volumes.empty();
}

absl::Status DecodeMember(std::string_view key, ondemand::value value, ReadCandidates when,
                          Sent& sent) {
  if (KeyIs(key, "Pod")) {
    PMEM_ASSIGN_OR_RETURN(sent.has_pod, DecodePod(value, sent.pod));
    return absl::OkStatus();
  }
  const bool reads = !sent.has_pod || Reads(when, sent.pod);
  const bool is_names = KeyIs(key, "NodeNames");
  if (!is_names && !KeyIs(key, "Nodes")) return absl::OkStatus();
  if (!reads) sent.is_unread = true;
  return is_names ? DecodeNodeNames(value, reads, sent.names)
                  : DecodeNodes(value, reads, sent.nodes);
}

// What was sent in the first `size` bytes of `body`.
template <class Parser>
absl::StatusOr<Sent> DecodeMembers(Parser& parser, std::string& body, size_t size,
                                   ReadCandidates when) {
  Sent sent;
  PMEM_RETURN_IF_ERROR(parser.ForEachMember(body, size, "ExtenderArgs",
                                            [&](std::string_view key, ondemand::value value) {
                                              return DecodeMember(key, value, when, sent);
                                            }));
  return sent;
}

// The same for a body whose names are at its end. Nothing: they are not, or something is wrong with
// them; who reads the whole body finds out what.
template <class Parser>
std::optional<Sent> DecodeBeforeNames(Parser& parser, std::string& body, ReadCandidates when) {
  const std::string_view tail = FindNamesTail(body);
  if (tail.empty()) return std::nullopt;
  absl::StatusOr<Sent> sent = [&] {
    const WithoutNames cut(body, tail);
    return DecodeMembers(parser, body, cut.size(), when);
  }();
  if (!sent.ok()) return std::nullopt;
  sent->names.emplace().raw = tail;
  if (Reads(when, sent->pod) && !ReadPlainNames(tail, sent->names->names)) return std::nullopt;
  return *std::move(sent);
}

}  // namespace

absl::StatusOr<ExtenderArgs> ExtenderDecoder::DecodeArgs(std::string& body, ReadCandidates when) {
  Impl::Pad(body);
  std::optional<Sent> sent = DecodeBeforeNames(*impl_, body, when);
  if (!sent) {
    PMEM_ASSIGN_OR_RETURN(sent, DecodeMembers(*impl_, body, body.size(), when));
  }
  if (!sent->has_pod) return json_walk::WrongType("ExtenderArgs.Pod", "a pod, got none");
  // The lists came behind another pod, without claims, than the one that counts.
  if (sent->is_unread && Reads(when, sent->pod)) return DecodeArgs(body, ReadCandidates::kAlways);
  if (!sent->names && !sent->nodes) {
    return json_walk::WrongType("ExtenderArgs", "Nodes or NodeNames, got neither");
  }
  ExtenderArgs args{.pod = std::move(sent->pod),
                    .candidates = std::move(sent->names ? *sent->names : *sent->nodes)};
  args.candidates.raw = json_walk::TrimRight(args.candidates.raw);
  return args;
}

}  // namespace pmem::extender
