// SPDX-License-Identifier: Apache-2.0
#include "common/pure/json_reader.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"

namespace pmem {
namespace {

using nlohmann::json;

// How much of an offending value an error message shows.
constexpr size_t kShownBytesMax = 40;

std::string Shown(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  std::string text = value.dump(-1, ' ', /*ensure_ascii=*/true);
  if (text.size() > kShownBytesMax) text = text.substr(0, kShownBytesMax) + "...";
  return text;
}

// Counts containers and values without building them. It and the parser read the same strings up to
// the first syntax error, where the parser stops, so nothing past the limits is ever built.
absl::Status CheckLimits(std::string_view text, const JsonLimits& limits) {
  const int64_t bytes = static_cast<int64_t>(text.size());
  if (bytes > limits.bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("JSON of ", bytes, " bytes, at most ", limits.bytes_max));
  }
  int64_t depth = 0;
  int64_t values = 1;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == ']' || c == '}') --depth;
    if (c == '[' || c == '{') ++depth;
    if (c == '[' || c == '{' || c == ',') ++values;
    if (depth > limits.depth_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("JSON nested more than ", limits.depth_max, " deep at byte ", i));
    }
    if (values > limits.values_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("JSON of more than ", limits.values_max, " values at byte ", i));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status JsonValue::Error(std::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(path_.empty() ? "(root)" : path_, ": ", AbslView(message)));
}

absl::Status JsonValue::TypeError(std::string_view wanted) const {
  return Error(std::string(Shown(*value_)).append(" is not ").append(wanted));
}

std::string JsonValue::MemberPath(std::string_view name) const {
  return path_.empty() ? std::string(name) : absl::StrCat(path_, ".", AbslView(name));
}

bool JsonValue::IsObject() const { return value_->is_object(); }
bool JsonValue::IsArray() const { return value_->is_array(); }
bool JsonValue::IsString() const { return value_->is_string(); }

absl::StatusOr<std::string> JsonValue::AsString() const {
  if (!value_->is_string()) return TypeError("a string");
  return value_->get_ref<const std::string&>();
}

absl::StatusOr<int64_t> JsonValue::AsInt(int64_t min, int64_t max) const {
  if (!value_->is_number_integer()) return TypeError("an integer");
  const bool above_int64 =
      value_->is_number_unsigned() && value_->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  const int64_t number = above_int64 ? INT64_MAX : value_->get<int64_t>();
  if (above_int64 || number < min || number > max) {
    return Error(absl::StrCat(Shown(*value_), " is not in ", min, "..", max));
  }
  return number;
}

absl::StatusOr<bool> JsonValue::AsBool() const {
  if (!value_->is_boolean()) return TypeError("true or false");
  return value_->get<bool>();
}

absl::StatusOr<std::vector<JsonValue>> JsonValue::AsArray(int64_t size_max) const {
  if (!value_->is_array()) return TypeError("an array");
  const int64_t size = static_cast<int64_t>(value_->size());
  if (size > size_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path_, ": ", size, " elements, at most ", size_max));
  }
  std::vector<JsonValue> elements;
  elements.reserve(value_->size());
  for (const json& element : *value_) {
    elements.push_back(JsonValue(&element, absl::StrCat(path_, "[", elements.size(), "]")));
  }
  return elements;
}

absl::StatusOr<std::vector<std::pair<std::string, JsonValue>>> JsonValue::AsObject() const {
  if (!value_->is_object()) return TypeError("an object");
  std::vector<std::pair<std::string, JsonValue>> members;
  for (const auto& [name, member] : value_->items()) {
    if (!member.is_null()) members.emplace_back(name, JsonValue(&member, MemberPath(name)));
  }
  return members;
}

absl::StatusOr<std::optional<JsonValue>> JsonValue::OptionalMember(std::string_view name) const {
  if (!value_->is_object()) return TypeError("an object");
  const auto found = value_->find(name);
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return JsonValue(&*found, MemberPath(name));
}

absl::StatusOr<JsonValue> JsonValue::Member(std::string_view name) const {
  PMEM_ASSIGN_OR_RETURN(std::optional<JsonValue> member, OptionalMember(name));
  if (!member) return absl::InvalidArgumentError(absl::StrCat(MemberPath(name), ": missing"));
  return *std::move(member);
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
  return value_->dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

JsonDocument::JsonDocument(std::unique_ptr<json> root) : root_(std::move(root)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

JsonValue JsonDocument::root() const { return JsonValue(root_.get(), ""); }

absl::StatusOr<JsonDocument> JsonDocument::Parse(std::string_view text, const JsonLimits& limits) {
  PMEM_RETURN_IF_ERROR(CheckLimits(text, limits));
  // The parser takes it for the end of the text.
  if (const size_t at = text.find('\0'); at != text.npos) {
    return absl::InvalidArgumentError(absl::StrCat("not JSON at byte ", at + 1));
  }
  try {
    return JsonDocument(std::make_unique<json>(json::parse(text.begin(), text.end())));
  } catch (const json::parse_error& error) {
    return absl::InvalidArgumentError(absl::StrCat("not JSON at byte ", error.byte));
  } catch (const json::out_of_range&) {
    return absl::InvalidArgumentError("a number is larger than any that is meant, like 1e999");
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("not usable JSON: error ", error.id));
  }
}

}  // namespace pmem
