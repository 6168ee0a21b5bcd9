// SPDX-License-Identifier: Apache-2.0
#include "common/pure/json_reader.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_tree.h"
#include "common/pure/json_writer.h"
#include "common/pure/status_macros.h"

namespace pmem {
namespace {

// How much of an offending value an error message shows.
constexpr size_t kShownBytesMax = 40;

// In plain ASCII, so that it can be cut anywhere.
std::string Shown(const JsonNode& node) {
  if (node.kind == JsonKind::kObject) return "an object";
  if (node.kind == JsonKind::kArray) return "an array";
  const bool is_string = node.kind == JsonKind::kString;
  std::string text = is_string ? JsonQuoted(node.text()) : std::string(node.text());
  for (char& c : text) {
    if (static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  if (text.size() > kShownBytesMax) text = text.substr(0, kShownBytesMax) + "...";
  return text;
}

}  // namespace

absl::Status JsonValue::Error(std::string_view message) const {
  const std::string where = path();
  return absl::InvalidArgumentError(
      absl::StrCat(where.empty() ? "(root)" : where, ": ", AbslView(message)));
}

absl::Status JsonValue::TypeError(std::string_view wanted) const {
  return Error(Shown(tree_->node(index_)).append(" is not ").append(wanted));
}

std::string JsonValue::path() const { return tree_->PathOf(index_); }

std::string JsonValue::MemberPath(std::string_view name) const {
  const std::string where = path();
  return absl::StrCat(where, where.empty() ? "" : ".", AbslView(name));
}

bool JsonValue::IsObject() const { return tree_->node(index_).kind == JsonKind::kObject; }
bool JsonValue::IsArray() const { return tree_->node(index_).kind == JsonKind::kArray; }
bool JsonValue::IsString() const { return tree_->node(index_).kind == JsonKind::kString; }

absl::StatusOr<std::string> JsonValue::AsString() const {
  if (!IsString()) return TypeError("a string");
  return std::string(tree_->node(index_).text());
}

absl::StatusOr<int64_t> JsonValue::AsInt(int64_t min, int64_t max) const {
  const JsonNode& node = tree_->node(index_);
  if (node.kind != JsonKind::kInteger) return TypeError("an integer");
  int64_t number = 0;
  const auto [end, error] = std::from_chars(node.data, node.data + node.size, number);
  if (error != std::errc() || number < min || number > max) {
    return Error(absl::StrCat(Shown(node), " is not in ", min, "..", max));
  }
  return number;
}

absl::StatusOr<bool> JsonValue::AsBool() const {
  const JsonKind kind = tree_->node(index_).kind;
  if (kind != JsonKind::kTrue && kind != JsonKind::kFalse) return TypeError("true or false");
  return kind == JsonKind::kTrue;
}

absl::StatusOr<std::vector<JsonValue>> JsonValue::AsArray(int64_t size_max) const {
  if (!IsArray()) return TypeError("an array");
  const JsonNode& node = tree_->node(index_);
  if (node.size > size_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path(), ": ", node.size, " elements, at most ", size_max));
  }
  std::vector<JsonValue> elements;
  elements.reserve(node.size);
  for (uint32_t at = index_ + 1; at < node.next; at = tree_->node(at).next) {
    elements.push_back(JsonValue(tree_, at));
  }
  return elements;
}

absl::StatusOr<std::vector<std::pair<std::string, JsonValue>>> JsonValue::AsObject() const {
  if (!IsObject()) return TypeError("an object");
  std::vector<std::pair<std::string, JsonValue>> members;
  for (const auto& [name, value] : tree_->Members(index_)) {
    if (tree_->node(value).kind == JsonKind::kNull) continue;
    members.emplace_back(std::string(name), JsonValue(tree_, value));
  }
  return members;
}

absl::StatusOr<std::optional<JsonValue>> JsonValue::OptionalMember(std::string_view name) const {
  if (!IsObject()) return TypeError("an object");
  const uint32_t found = tree_->FindMember(index_, name);
  if (found == 0 || tree_->node(found).kind == JsonKind::kNull) return std::nullopt;
  return JsonValue(tree_, found);
}

absl::StatusOr<JsonValue> JsonValue::Member(std::string_view name) const {
  PMEM_ASSIGN_OR_RETURN(std::optional<JsonValue> member, OptionalMember(name));
  if (!member) return absl::InvalidArgumentError(absl::StrCat(MemberPath(name), ": missing"));
  return *member;
}

absl::StatusOr<std::string> JsonValue::String(std::string_view name) const {
  PMEM_ASSIGN_OR_RETURN(const JsonValue member, Member(name));
  return member.AsString();
}

absl::StatusOr<int64_t> JsonValue::Int(std::string_view name, int64_t min, int64_t max) const {
  PMEM_ASSIGN_OR_RETURN(const JsonValue member, Member(name));
  return member.AsInt(min, max);
}

absl::StatusOr<bool> JsonValue::Bool(std::string_view name) const {
  PMEM_ASSIGN_OR_RETURN(const JsonValue member, Member(name));
  return member.AsBool();
}

absl::StatusOr<std::vector<JsonValue>> JsonValue::Array(std::string_view name,
                                                        int64_t size_max) const {
  PMEM_ASSIGN_OR_RETURN(const JsonValue member, Member(name));
  return member.AsArray(size_max);
}

absl::StatusOr<std::optional<std::string>> JsonValue::OptionalString(std::string_view name) const {
  PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> member, OptionalMember(name));
  if (!member) return std::nullopt;
  PMEM_ASSIGN_OR_RETURN(std::string text, member->AsString());
  return text;
}

absl::StatusOr<std::optional<int64_t>> JsonValue::OptionalInt(std::string_view name, int64_t min,
                                                              int64_t max) const {
  PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> member, OptionalMember(name));
  if (!member) return std::nullopt;
  PMEM_ASSIGN_OR_RETURN(const int64_t number, member->AsInt(min, max));
  return number;
}

absl::StatusOr<std::optional<bool>> JsonValue::OptionalBool(std::string_view name) const {
  PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> member, OptionalMember(name));
  if (!member) return std::nullopt;
  PMEM_ASSIGN_OR_RETURN(const bool value, member->AsBool());
  return value;
}

absl::StatusOr<std::vector<JsonValue>> JsonValue::OptionalArray(std::string_view name,
                                                                int64_t size_max) const {
  PMEM_ASSIGN_OR_RETURN(const std::optional<JsonValue> member, OptionalMember(name));
  if (!member) return std::vector<JsonValue>();
  return member->AsArray(size_max);
}

std::string JsonValue::Dump() const {
  std::string text;
  tree_->Dump(index_, &text);
  return text;
}

JsonDocument::JsonDocument(std::unique_ptr<const JsonTree> tree) : tree_(std::move(tree)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

JsonValue JsonDocument::root() const { return JsonValue(tree_.get(), 0); }

absl::StatusOr<JsonDocument> JsonDocument::Parse(std::string_view text, const JsonLimits& limits) {
  PMEM_ASSIGN_OR_RETURN(std::unique_ptr<JsonTree> tree, JsonTree::Parse(text, limits));
  return JsonDocument(std::move(tree));
}

}  // namespace pmem
