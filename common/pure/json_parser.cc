// SPDX-License-Identifier: Apache-2.0
#include "common/pure/json_parser.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"
#include "common/pure/utf8.h"

namespace pmem {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// A number with an exponent, or with more digits than this, may be larger than a double.
constexpr size_t kPlainDigitsMax = 300;
constexpr uint32_t kSurrogatesBegin = 0xD800;
constexpr uint32_t kLowSurrogatesBegin = 0xDC00;
constexpr uint32_t kSurrogatesEnd = 0xE000;

// Characters that a string does not take as they are, or not without a look.
constexpr std::array<bool, 256> MakeSpecial() {
  std::array<bool, 256> special{};
  for (size_t c = 0; c < special.size(); ++c) special[c] = c < 0x20 || c >= 0x80;
  special['"'] = special['\\'] = true;
  return special;
}
constexpr std::array<bool, 256> kSpecial = MakeSpecial();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendUtf8(uint32_t code, std::string* out) {
  const auto push = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  const auto push_rest = [push, code](int shift) { push(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) return push(code);
  if (code < 0x800) {
    push(0xC0 | (code >> 6));
  } else if (code < 0x10000) {
    push(0xE0 | (code >> 12));
    push_rest(6);
  } else {
    push(0xF0 | (code >> 18));
    push_rest(12);
    push_rest(6);
  }
  push_rest(0);
}

// Takes "XXXX" from the front. False: it is not there.
bool TakeHex(std::string_view* text, uint32_t* code) {
  if (text->size() < 4) return false;
  const char* const end = text->data() + 4;
  const auto [read, error] = std::from_chars(text->data(), end, *code, 16);
  text->remove_prefix(4);
  return error == std::errc() && read == end;
}

// Takes what follows "\u". False: it is no character.
bool TakeCode(std::string_view* text, uint32_t* code) {
  if (!TakeHex(text, code)) return false;
  if (*code < kSurrogatesBegin || *code >= kSurrogatesEnd) return true;
  uint32_t low = 0;
  if (*code >= kLowSurrogatesBegin || !text->starts_with("\\u")) return false;
  text->remove_prefix(2);
  if (!TakeHex(text, &low) || low < kLowSurrogatesBegin || low >= kSurrogatesEnd) return false;
  *code = 0x10000 + ((*code - kSurrogatesBegin) << 10) + (low - kLowSurrogatesBegin);
  return true;
}

}  // namespace

absl::StatusOr<std::string> JsonUnescaped(std::string_view text) {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const absl::Status no_escape = absl::InvalidArgumentError("no escape");
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = text.find('\\');
    out.append(text.substr(0, plain));
    if (plain == std::string_view::npos) break;
    text.remove_prefix(plain + 1);
    if (text.empty()) return no_escape;
    const char escape = text[0];
    text.remove_prefix(1);
    uint32_t code = 0;
    if (const size_t found = kEscapes.find(escape); found != std::string_view::npos) {
      out.push_back(kMeanings[found]);
    } else if (escape == 'u' && TakeCode(&text, &code)) {
      AppendUtf8(code, &out);
    } else {
      return no_escape;
    }
  }
  return out;
}

JsonParser::JsonParser(const JsonLimits& limits, JsonTree* tree)
    : limits_(limits),
      tree_(tree),
      begin_(tree->text_.data()),
      end_(begin_ + tree->text_.size()),
      at_(begin_) {}

absl::Status JsonParser::Run() {
  if (tree_->text_.starts_with(kByteOrderMark)) at_ += kByteOrderMark.size();
  PMEM_RETURN_IF_ERROR(Value());
  while (!open_.empty()) PMEM_RETURN_IF_ERROR(Next());
  SkipSpace();
  return at_ == end_ ? absl::OkStatus() : Malformed();
}

absl::Status JsonParser::Next() {
  const uint32_t index = open_.back();
  const bool is_object = tree_->nodes_[index].kind == JsonKind::kObject;
  SkipSpace();
  if (Take(is_object ? '}' : ']')) {
    tree_->nodes_[index].next = static_cast<uint32_t>(tree_->nodes_.size());
    open_.pop_back();
    return absl::OkStatus();
  }
  if (tree_->nodes_[index].size++ > 0) {
    if (!Take(',')) return Malformed();
    PMEM_RETURN_IF_ERROR(CountValue());
    SkipSpace();
  }
  if (is_object) {
    if (!Take('"')) return Malformed();
    PMEM_RETURN_IF_ERROR(String());
    SkipSpace();
    if (!Take(':')) return Malformed();
  }
  return Value();
}

absl::Status JsonParser::Value() {
  SkipSpace();
  switch (*at_) {
    case '"':
      ++at_;
      return String();
    case '{':
      return Open(JsonKind::kObject);
    case '[':
      return Open(JsonKind::kArray);
    case 't':
      return Word("true", JsonKind::kTrue);
    case 'f':
      return Word("false", JsonKind::kFalse);
    case 'n':
      return Word("null", JsonKind::kNull);
    default:
      return Number();
  }
}

absl::Status JsonParser::Open(JsonKind kind) {
  ++at_;
  if (static_cast<int64_t>(open_.size()) >= limits_.depth_max) {
    return absl::ResourceExhaustedError(absl::StrCat("JSON nested more than ", limits_.depth_max,
                                                     " deep at byte ", at_ - begin_ - 1));
  }
  open_.push_back(static_cast<uint32_t>(tree_->nodes_.size()));
  Add(kind, {});
  return CountValue();
}

absl::Status JsonParser::CountValue() {
  if (++values_ <= limits_.values_max) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("JSON of more than ", limits_.values_max, " values at byte ", at_ - begin_ - 1));
}

absl::Status JsonParser::String() {
  const char* const first = at_;
  bool has_escapes = false;
  while (true) {
    while (!kSpecial[static_cast<unsigned char>(*at_)]) ++at_;
    if (*at_ == '"') break;
    if (*at_ == '\\') {
      has_escapes = true;
      at_ += 2;  // The quote behind it ends nothing; what it means is looked at below.
      if (at_ > end_) at_ = end_;
      continue;
    }
    const bool is_beyond_ascii = static_cast<unsigned char>(*at_) >= 0x80;
    const size_t length = is_beyond_ascii ? Utf8Length({at_, static_cast<size_t>(end_ - at_)}) : 0;
    if (length == 0) return Malformed();
    at_ += length;
  }
  const std::string_view text(first, static_cast<size_t>(at_ - first));
  if (has_escapes) {
    absl::StatusOr<std::string> meant = JsonUnescaped(text);
    if (!meant.ok()) return Malformed();
    Add(JsonKind::kString, tree_->unescaped_.emplace_back(*std::move(meant)));
  } else {
    Add(JsonKind::kString, text);
  }
  ++at_;
  return absl::OkStatus();
}

absl::Status JsonParser::Word(std::string_view word, JsonKind kind) {
  for (const char c : word) {
    if (!Take(c)) return Malformed();
  }
  Add(kind, word);
  return absl::OkStatus();
}

bool JsonParser::SkipDigits() {
  const char* const first = at_;
  while (IsDigit(*at_)) ++at_;
  return at_ != first;
}

absl::Status JsonParser::Number() {
  const char* const first = at_;
  bool has_exponent = false;
  JsonKind kind = JsonKind::kInteger;
  Take('-');
  if (!Take('0') && !SkipDigits()) return Malformed();
  if (Take('.')) {
    kind = JsonKind::kFraction;
    if (!SkipDigits()) return Malformed();
  }
  if (Take('e') || Take('E')) {
    kind = JsonKind::kFraction;
    has_exponent = true;
    if (!Take('+')) Take('-');
    if (!SkipDigits()) return Malformed();
  }
  const std::string_view text(first, static_cast<size_t>(at_ - first));
  const bool may_be_too_large = has_exponent || text.size() > kPlainDigitsMax;
  if (may_be_too_large && std::isinf(std::strtod(std::string(text).c_str(), nullptr))) {
    return absl::InvalidArgumentError("a number is larger than any that is meant, like 1e999");
  }
  Add(kind, text);
  return absl::OkStatus();
}

absl::Status JsonParser::Malformed() const {
  return absl::InvalidArgumentError(absl::StrCat("not JSON at byte ", at_ - begin_ + 1));
}

void JsonParser::SkipSpace() {
  while (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t') ++at_;
}

bool JsonParser::Take(char c) {
  if (*at_ != c) return false;
  ++at_;
  return true;
}

void JsonParser::Add(JsonKind kind, std::string_view text) {
  tree_->nodes_.push_back({.data = text.data(),
                           .size = static_cast<uint32_t>(text.size()),
                           .next = static_cast<uint32_t>(tree_->nodes_.size() + 1),
                           .kind = kind});
}

}  // namespace pmem
