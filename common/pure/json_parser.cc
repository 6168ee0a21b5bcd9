// SPDX-License-Identifier: Apache-2.0
#include "common/pure/json_parser.h"

#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include <simdjson.h>

namespace pmem {
namespace {

absl::Status NotJson(size_t byte) {
  return absl::InvalidArgumentError(absl::StrCat("not JSON at byte ", byte));
}

}  // namespace

// What nlohmann's parser calls, in the order of the text; false ends it. The names are its.
// NOLINTBEGIN(readability-identifier-naming)
class TreeFiller {
 public:
  TreeFiller(const JsonLimits& limits, JsonTree* tree) : limits_(limits), tree_(tree) {}
  const absl::Status& status() const { return status_; }

  bool null() { return Scalar(JsonKind::kNull, "null"); }
  bool boolean(bool value) {
    return value ? Scalar(JsonKind::kTrue, "true") : Scalar(JsonKind::kFalse, "false");
  }
  bool number_integer(int64_t value) {
    return Scalar(JsonKind::kInteger, absl::AlphaNum(value).Piece());
  }
  bool number_unsigned(uint64_t value) {
    return Scalar(JsonKind::kInteger, absl::AlphaNum(value).Piece());
  }
  // Also an integer that is too large for the above.
  bool number_float(double /*value*/, const std::string& written) {
    const bool is_integer = written.find_first_of(".eE") == std::string::npos;
    return Scalar(is_integer ? JsonKind::kInteger : JsonKind::kFraction, written);
  }
  bool string(std::string_view value) {
    return Scalar(JsonKind::kString, {value.data(), value.size()});
  }
  bool binary(const std::vector<uint8_t>& /*value*/) { return false; }  // Not in texts.

  bool start_object(size_t /*unknown*/) { return Open(JsonKind::kObject); }
  bool start_array(size_t /*unknown*/) { return Open(JsonKind::kArray); }
  bool key(std::string_view name) {
    if (!CountChild()) return false;
    tree_->Add(JsonKind::kString, name);
    return true;
  }
  bool end_object() { return Close(); }
  bool end_array() { return Close(); }

  bool parse_error(size_t byte, const std::string& /*token*/, const nlohmann::json::exception& e) {
    constexpr int kNumberTooLarge = 406;
    status_ = e.id == kNumberTooLarge ? absl::InvalidArgumentError(absl::StrCat(
                                            "a number before byte ", byte, " is too large"))
                                      : NotJson(byte);
    return false;
  }

 private:
  bool Scalar(JsonKind kind, absl::string_view text) {
    if (!CountElement()) return false;
    tree_->Add(kind, {text.data(), text.size()});
    return true;
  }

  bool Open(JsonKind kind) {
    if (!CountElement()) return false;
    if (static_cast<int64_t>(open_.size()) >= limits_.depth_max) {
      status_ = absl::ResourceExhaustedError(
          absl::StrCat("JSON nested more than ", limits_.depth_max, " deep"));
      return false;
    }
    open_.push_back(tree_->Add(kind, {}));
    return CountValue();
  }

  bool Close() {
    tree_->Close(open_.back());
    open_.pop_back();
    return true;
  }

  // A member was counted with its name.
  bool CountElement() {
    return open_.empty() || tree_->node(open_.back()).kind == JsonKind::kObject || CountChild();
  }
  bool CountChild() { return tree_->CountChild(open_.back()) == 1 || CountValue(); }

  bool CountValue() {
    if (++values_ <= limits_.values_max) return true;
    status_ = absl::ResourceExhaustedError(
        absl::StrCat("JSON of more than ", limits_.values_max, " values"));
    return false;
  }

  const JsonLimits limits_;
  JsonTree* const tree_;
  std::vector<uint32_t> open_;  // Containers that have not ended.
  int64_t values_ = 1;
  absl::Status status_;
};
// NOLINTEND(readability-identifier-naming)

namespace {

// simdjson's values, told as nlohmann's parser would. False: the filler wants no more, or it is one
// of the few values that simdjson does not keep as they are written (see *is_inexact).
// NOLINTNEXTLINE(misc-no-recursion): as deep as the filler lets it.
bool Tell(const simdjson::dom::element& value, TreeFiller* filler, bool* is_inexact) {
  switch (value.type()) {
    case simdjson::dom::element_type::NULL_VALUE:
      return filler->null();
    case simdjson::dom::element_type::BOOL:
      return filler->boolean(bool(value));
    case simdjson::dom::element_type::INT64:
      return filler->number_integer(int64_t(value));
    case simdjson::dom::element_type::UINT64:
      return filler->number_unsigned(uint64_t(value));
    case simdjson::dom::element_type::DOUBLE:
      *is_inexact = true;
      return false;
    case simdjson::dom::element_type::STRING:
      return filler->string(std::string_view(value));
    case simdjson::dom::element_type::ARRAY:
      if (!filler->start_array(0)) return false;
      for (const simdjson::dom::element element : simdjson::dom::array(value)) {
        if (!Tell(element, filler, is_inexact)) return false;
      }
      return filler->end_array();
    case simdjson::dom::element_type::OBJECT:
      if (!filler->start_object(0)) return false;
      for (const auto& [name, member] : simdjson::dom::object(value)) {
        if (!filler->key(name) || !Tell(member, filler, is_inexact)) return false;
      }
      return filler->end_object();
  }
  return false;
}

// nullopt: it has to be read exactly.
std::optional<absl::Status> FillFast(std::string_view text, const JsonLimits& limits,
                                     JsonTree* tree) {
  if (text.empty()) return std::nullopt;  // It may be nowhere, from where simdjson must not copy.
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  TreeFiller filler(limits, tree);
  bool is_inexact = false;
  Tell(root, &filler, &is_inexact);
  if (is_inexact) return std::nullopt;
  return filler.status();
}

absl::Status FillExactly(std::string_view text, const JsonLimits& limits, JsonTree* tree) {
  // The parser would take it for the end of the text.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) return NotJson(nul + 1);
  TreeFiller filler(limits, tree);
  nlohmann::json::sax_parse(text, &filler);
  return filler.status();
}

}  // namespace

absl::Status FillTree(std::string_view text, const JsonLimits& limits, JsonTree* tree) {
  try {
    if (auto status = FillFast(text, limits, tree)) return *std::move(status);
    tree->Clear();
    return FillExactly(text, limits, tree);
  } catch (const std::exception& e) {
    return absl::InternalError(e.what());
  }
}

}  // namespace pmem
