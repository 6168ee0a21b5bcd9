// SPDX-License-Identifier: Apache-2.0
#include "common/pure/list_cutter.h"

#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"

namespace pmem {
namespace {

constexpr std::string_view kItems = "\"items\"";

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

absl::Status ListCutter::Append(std::string_view block, const OnItem& on_item) {
  size_t at = 0;
  while (at < block.size()) {
    if (!is_in_items_) {
      PMEM_RETURN_IF_ERROR(ReadFrame(block[at++]));
      continue;
    }
    if (!is_in_item_) {
      PMEM_RETURN_IF_ERROR(BeginItem(block[at]));
      if (!is_in_item_) {
        ++at;
        continue;
      }
    }
    const size_t end = EndOfItem(block, at);
    std::string_view item = block.substr(at, end - at);
    at = end;
    if (rest_.size() + item.size() > item_bytes_max_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("an item is longer than the limit of ", item_bytes_max_, " bytes"));
    }
    if (is_in_item_ || !rest_.empty()) item = rest_.append(item);
    if (is_in_item_) break;
    PMEM_RETURN_IF_ERROR(on_item(item));
    rest_.clear();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ListCutter::Frame() const {
  if (!is_whole_) return absl::InvalidArgumentError("the list ended before its last bracket");
  return frame_;
}

// One byte outside of the items.
absl::Status ListCutter::ReadFrame(char c) {
  if (is_whole_) {
    if (IsSpace(c)) return absl::OkStatus();
    return absl::InvalidArgumentError("there is something after the list");
  }
  if (frame_.size() >= item_bytes_max_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "what is around the items is longer than the limit of ", item_bytes_max_, " bytes"));
  }
  if (is_in_text_) {
    is_in_text_ = c != '"' || is_escaped_;
    is_escaped_ = c == '\\' && !is_escaped_;
  } else if (c == '"') {
    is_in_text_ = true;
  } else if (c == '{' || c == '[') {
    is_in_items_ = c == '[' && ItemsBegin();
    ++depth_;
  } else if (c == '}' || c == ']') {
    is_whole_ = --depth_ <= 0;
  }
  frame_.push_back(c);
  return absl::OkStatus();
}

// Whether the bracket that comes is that of the list's "items".
bool ListCutter::ItemsBegin() const {
  if (depth_ != 1) return false;
  std::string_view before = frame_;
  while (!before.empty() && IsSpace(before.back())) before.remove_suffix(1);
  if (!before.ends_with(':')) return false;
  before.remove_suffix(1);
  while (!before.empty() && IsSpace(before.back())) before.remove_suffix(1);
  return before.ends_with(kItems);
}

// The byte after the last item, or the first of the next.
absl::Status ListCutter::BeginItem(char c) {
  if (c == ',' || IsSpace(c)) return absl::OkStatus();
  if (c == ']') {
    is_in_items_ = false;
    return ReadFrame(c);
  }
  if (c != '{') return absl::InvalidArgumentError("an item of the list is no object");
  is_in_item_ = true;
  return absl::OkStatus();
}

// Behind the item's last bracket, or the end of `text`. The brackets of the list around it stay
// counted while the item's own are.
size_t ListCutter::EndOfItem(std::string_view text, size_t begin) {
  constexpr int kAround = 2;
  for (size_t i = begin; i < text.size(); ++i) {
    if (is_in_text_) {
      // Most bytes are within quotes.
      while (!is_escaped_ && i < text.size() && text[i] != '"' && text[i] != '\\') ++i;
      if (i == text.size()) break;
      is_in_text_ = is_escaped_ || text[i] != '"';
      is_escaped_ = !is_escaped_ && text[i] == '\\';
      continue;
    }
    switch (text[i]) {
      case '"':
        is_in_text_ = true;
        break;
      case '{':
      case '[':
        ++depth_;
        break;
      case '}':
      case ']':
        if (--depth_ == kAround) {
          is_in_item_ = false;
          return i + 1;
        }
        break;
      default:
        break;
    }
  }
  return text.size();
}

}  // namespace pmem
