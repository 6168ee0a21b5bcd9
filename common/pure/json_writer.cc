// SPDX-License-Identifier: Apache-2.0
#include "common/pure/json_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/check.h"

namespace pmem {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Length of the well-formed UTF-8 sequence at the front of `text` (Unicode 15, table 3-7), or 0.
size_t Utf8Length(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length < 2) return length;
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
  const bool above_unicode = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || above_unicode ? 0 : length;
}

// Characters below 0x80 that JSON does not take as they are.
void AppendEscaped(char c, std::string* out) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      break;
  }
  out->append("\\u00");
  out->push_back(kHexDigits[static_cast<unsigned char>(c) >> 4]);
  out->push_back(kHexDigits[static_cast<unsigned char>(c) & 15]);
}

void AppendQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  while (!text.empty()) {
    const char c = text[0];
    const size_t length = Utf8Length(text);
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) {
      AppendEscaped(c, out);
    } else if (length == 0) {
      out->append(kReplacement);
    } else {
      out->append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out->push_back('"');
}

}  // namespace

std::string JsonQuoted(std::string_view text) {
  std::string out;
  AppendQuoted(text, &out);
  return out;
}

void JsonWriter::BeforeValue() {
  if (levels_.empty()) {
    PMEM_CHECK(!is_done_);
    is_done_ = true;
    return;
  }
  Level& level = levels_.back();
  PMEM_CHECK(level.is_object == has_key_);
  if (!level.is_object && !level.is_empty) text_.push_back(',');
  level.is_empty = false;
  has_key_ = false;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  PMEM_CHECK(!levels_.empty() && levels_.back().is_object && !has_key_);
  if (!levels_.back().is_empty) text_.push_back(',');
  AppendQuoted(name, &text_);
  text_.push_back(':');
  has_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::BeginObject() {
  BeforeValue();
  text_.push_back('{');
  levels_.push_back({.is_object = true});
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  BeforeValue();
  text_.push_back('[');
  levels_.push_back({.is_object = false});
  return *this;
}

JsonWriter& JsonWriter::End(bool is_object, char bracket) {
  PMEM_CHECK(!levels_.empty() && levels_.back().is_object == is_object && !has_key_);
  text_.push_back(bracket);
  levels_.pop_back();
  return *this;
}

JsonWriter& JsonWriter::EndObject() { return End(true, '}'); }
JsonWriter& JsonWriter::EndArray() { return End(false, ']'); }

JsonWriter& JsonWriter::String(std::string_view value) {
  BeforeValue();
  AppendQuoted(value, &text_);
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  BeforeValue();
  text_.append(json);
  return *this;
}

JsonWriter& JsonWriter::Int(int64_t value) {
  BeforeValue();
  absl::StrAppend(&text_, value);
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }
JsonWriter& JsonWriter::Null() { return Raw("null"); }

std::string JsonWriter::Take() {
  PMEM_CHECK(levels_.empty() && is_done_);
  return std::move(text_);
}

}  // namespace pmem
