// SPDX-License-Identifier: Apache-2.0
#include "extender/core/kube_fields.h"

#include <utility>

#include "common/pure/check.h"
#include "common/pure/quantity.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem::extender {
namespace {

JsonValue EmptyObject() {
  static const absl::StatusOr<JsonDocument>* const document =
      new absl::StatusOr<JsonDocument>(JsonDocument::Parse("{}"));
  PMEM_CHECK(document->ok());
  return (*document)->root();
}

absl::StatusOr<std::optional<int64_t>> Quantity(
    const JsonValue& object, std::string_view name,
    absl::StatusOr<int64_t> (*convert)(std::string_view text)) {
  PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> value, object.OptionalMember(name));
  if (!value.has_value()) return std::nullopt;
  std::string text;
  if (value->IsString()) {
    PMEM_ASSIGN_OR_RETURN(text, value->AsString());
  } else {
    PMEM_ASSIGN_OR_RETURN(const int64_t number, value->AsInt(0));
    text = std::to_string(number);
  }
  absl::StatusOr<int64_t> amount = convert(text);
  if (absl::IsOutOfRange(amount.status())) return kBytesMax;
  if (!amount.ok()) {
    const absl::string_view message = amount.status().message();
    return value->Error(std::string_view(message.data(), message.size()));
  }
  return *amount;
}

}  // namespace

absl::StatusOr<JsonValue> Child(const JsonValue& parent, std::string_view name) {
  PMEM_ASSIGN_OR_RETURN(std::optional<JsonValue> child, parent.OptionalMember(name));
  if (!child.has_value()) return EmptyObject();
  if (!child->IsObject()) return child->Error("is not an object");
  return *child;
}

absl::StatusOr<std::string> Text(const JsonValue& object, std::string_view name) {
  PMEM_ASSIGN_OR_RETURN(std::optional<std::string> text, object.OptionalString(name));
  return std::move(text).value_or(std::string());
}

absl::StatusOr<bool> Flag(const JsonValue& object, std::string_view name) {
  PMEM_ASSIGN_OR_RETURN(const std::optional<bool> flag, object.OptionalBool(name));
  return flag.value_or(false);
}

absl::StatusOr<std::map<std::string, std::string>> TextMap(const JsonValue& object,
                                                           std::string_view name) {
  std::map<std::string, std::string> result;
  PMEM_ASSIGN_OR_RETURN(const JsonValue child, Child(object, name));
  PMEM_ASSIGN_OR_RETURN(const auto members, child.AsObject());
  for (const auto& [key, value] : members) {
    PMEM_ASSIGN_OR_RETURN(result[key], value.AsString());
  }
  return result;
}

absl::StatusOr<std::vector<std::string>> TextList(const JsonValue& object, std::string_view name) {
  std::vector<std::string> result;
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> values, object.OptionalArray(name));
  for (const JsonValue& value : values) {
    PMEM_ASSIGN_OR_RETURN(result.emplace_back(), value.AsString());
  }
  return result;
}

absl::StatusOr<std::optional<int64_t>> Bytes(const JsonValue& object, std::string_view name) {
  return Quantity(object, name, &QuantityToBytes);
}

absl::StatusOr<std::optional<int64_t>> Milli(const JsonValue& object, std::string_view name) {
  return Quantity(object, name, &QuantityToMilli);
}

absl::StatusOr<ObjectMeta> Meta(const JsonValue& object) {
  ObjectMeta meta;
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, object.Member("metadata"));
  PMEM_ASSIGN_OR_RETURN(meta.key.name, metadata.String("name"));
  PMEM_ASSIGN_OR_RETURN(meta.key.kube_namespace, Text(metadata, "namespace"));
  PMEM_ASSIGN_OR_RETURN(meta.uid, Text(metadata, "uid"));
  PMEM_ASSIGN_OR_RETURN(meta.resource_version, Text(metadata, "resourceVersion"));
  PMEM_ASSIGN_OR_RETURN(const std::string deletion, Text(metadata, "deletionTimestamp"));
  meta.is_deleting = !deletion.empty();
  return meta;
}

absl::StatusOr<std::vector<OwnerReference>> Owners(const JsonValue& object) {
  std::vector<OwnerReference> owners;
  PMEM_ASSIGN_OR_RETURN(const JsonValue metadata, Child(object, "metadata"));
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries,
                        metadata.OptionalArray("ownerReferences"));
  for (const JsonValue& entry : entries) {
    OwnerReference& owner = owners.emplace_back();
    PMEM_ASSIGN_OR_RETURN(owner.kind, Text(entry, "kind"));
    PMEM_ASSIGN_OR_RETURN(owner.name, Text(entry, "name"));
    PMEM_ASSIGN_OR_RETURN(owner.uid, Text(entry, "uid"));
    PMEM_ASSIGN_OR_RETURN(owner.controller, Flag(entry, "controller"));
  }
  return owners;
}

absl::StatusOr<std::vector<SelectorRequirement>> Requirements(const JsonValue& term,
                                                              std::string_view name) {
  std::vector<SelectorRequirement> requirements;
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries, term.OptionalArray(name));
  for (const JsonValue& entry : entries) {
    SelectorRequirement& requirement = requirements.emplace_back();
    PMEM_ASSIGN_OR_RETURN(requirement.key, Text(entry, "key"));
    PMEM_ASSIGN_OR_RETURN(requirement.op, Text(entry, "operator"));
    PMEM_ASSIGN_OR_RETURN(requirement.values, TextList(entry, "values"));
  }
  return requirements;
}

absl::StatusOr<std::vector<NodeSelectorTerm>> SelectorTerms(const JsonValue& node_selector) {
  std::vector<NodeSelectorTerm> terms;
  PMEM_ASSIGN_OR_RETURN(const std::vector<JsonValue> entries,
                        node_selector.OptionalArray("nodeSelectorTerms"));
  for (const JsonValue& entry : entries) {
    NodeSelectorTerm& term = terms.emplace_back();
    PMEM_ASSIGN_OR_RETURN(term.labels, Requirements(entry, "matchExpressions"));
    PMEM_ASSIGN_OR_RETURN(term.fields, Requirements(entry, "matchFields"));
  }
  return terms;
}

}  // namespace pmem::extender
