// SPDX-License-Identifier: Apache-2.0
// Checks a JSON value against a schema of an OpenAPI document: the keywords that
// extender/openapi.json uses for answers. An unknown keyword is an error, so that none is taken for
// checked.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/pure/json_reader.h"

namespace pmem {

class SchemaCheck {
 public:
  // `document` must outlive the check.
  explicit SchemaCheck(const JsonDocument* document) : document_(document) {}

  // Complaints about `value`; none: it is as components.schemas.<name> says.
  std::vector<std::string> Check(const JsonValue& value, const std::string& name) {
    complaints_.clear();
    Visit(value, *Named(name));
    return complaints_;
  }

 private:
  absl::StatusOr<JsonValue> Named(const std::string& name) const {
    return document_->root().Member("components")->Member("schemas")->Member(name);
  }

  void Complain(const JsonValue& value, const std::string& what) {
    complaints_.push_back(value.path() + ": " + what);
  }

  static bool IsOfType(const JsonValue& value, const std::string& type) {
    if (type == "object") return value.IsObject();
    if (type == "array") return value.IsArray();
    if (type == "string") return value.IsString();
    if (type == "boolean") return value.AsBool().ok();
    if (type == "integer") return value.AsInt().ok();
    return type == "null" && value.Dump() == "null";
  }

  void VisitType(const JsonValue& value, const JsonValue& type) {
    if (type.IsString()) {
      if (!IsOfType(value, *type.AsString())) Complain(value, "is not " + *type.AsString());
      return;
    }
    bool is_any = false;
    const auto types = *type.AsArray();
    for (const JsonValue& one : types) is_any |= IsOfType(value, *one.AsString());
    if (!is_any) Complain(value, "is of none of the types");
  }

  void VisitMembers(const JsonValue& value, const JsonValue& properties, bool is_closed) {
    const auto members = value.AsObject();
    if (!members.ok()) return;
    for (const auto& [name, member] : *members) {
      const auto schema = *properties.OptionalMember(name);
      if (schema) {
        Visit(member, *schema);
      } else if (is_closed) {
        Complain(member, "is not described");
      }
    }
  }

  void Visit(const JsonValue& value, const JsonValue& schema) {
    if (const auto ref = *schema.OptionalString("$ref")) {
      return Visit(value, *Named(ref->substr(ref->rfind('/') + 1)));
    }
    const auto keywords = *schema.AsObject();
    for (const auto& [keyword, wanted] : keywords) VisitKeyword(value, schema, keyword, wanted);
  }

  void VisitKeyword(const JsonValue& value, const JsonValue& schema, const std::string& keyword,
                    const JsonValue& wanted) {
    static const std::set<std::string> kNotes = {"description", "additionalProperties"};
    if (keyword == "type") {
      VisitType(value, wanted);
    } else if (keyword == "enum") {
      VisitEnum(value, wanted);
    } else if (keyword == "required") {
      VisitRequired(value, wanted);
    } else if (keyword == "properties") {
      const auto open = schema.OptionalBool("additionalProperties");
      VisitMembers(value, wanted, open.ok() && open->has_value() && !**open);
    } else if (keyword == "items") {
      const auto elements = value.AsArray();
      if (elements.ok()) {
        for (const JsonValue& element : *elements) Visit(element, wanted);
      }
    } else if (keyword == "minimum") {
      const auto number = value.AsInt();
      if (number.ok() && *number < *wanted.AsInt()) Complain(value, "is below the minimum");
    } else if (keyword == "maxItems") {
      if (!value.AsArray(*wanted.AsInt()).ok()) Complain(value, "has too many elements");
    } else if (!kNotes.contains(keyword)) {
      Complain(value, "cannot be checked for " + keyword);
    }
  }

  void VisitEnum(const JsonValue& value, const JsonValue& wanted) {
    const auto choices = *wanted.AsArray();
    for (const JsonValue& choice : choices) {
      if (choice.Dump() == value.Dump()) return;
    }
    Complain(value, value.Dump() + " is not among the choices");
  }

  void VisitRequired(const JsonValue& value, const JsonValue& wanted) {
    if (!value.IsObject()) return;
    const std::string text = value.Dump();
    const auto names = *wanted.AsArray();
    for (const JsonValue& name : names) {
      // A null member counts as there.
      if (text.find("\"" + *name.AsString() + "\":") == std::string::npos) {
        Complain(value, "lacks " + *name.AsString());
      }
    }
  }

  const JsonDocument* const document_;
  std::vector<std::string> complaints_;
};

}  // namespace pmem
