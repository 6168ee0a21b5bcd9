// SPDX-License-Identifier: Apache-2.0
#include "common/pure/json_tree.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/check.h"
#include "common/pure/json_parser.h"
#include "common/pure/json_writer.h"
#include "common/pure/status_macros.h"

namespace pmem {
namespace {

// Kubernetes objects have about one value in so many bytes.
constexpr size_t kBytesPerNode = 20;

}  // namespace

absl::StatusOr<std::unique_ptr<JsonTree>> JsonTree::Parse(std::string_view text,
                                                          const JsonLimits& limits) {
  const int64_t bytes = static_cast<int64_t>(text.size());
  const int64_t bytes_max =
      std::min(limits.bytes_max, int64_t{std::numeric_limits<uint32_t>::max()});
  if (bytes > bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("JSON of ", bytes, " bytes, at most ", bytes_max));
  }
  std::unique_ptr<JsonTree> tree(new JsonTree(text.size()));
  PMEM_RETURN_IF_ERROR(FillTree(text, limits, tree.get()));
  return tree;
}

JsonTree::JsonTree(size_t text_bytes) {
  nodes_.reserve(text_bytes / kBytesPerNode + 1);
  bytes_.reserve(text_bytes);
}

void JsonTree::Clear() {
  nodes_.clear();
  bytes_.clear();
}

uint32_t JsonTree::Add(JsonKind kind, std::string_view text) {
  PMEM_CHECK(bytes_.size() + text.size() <= bytes_.capacity());
  const char* const data = bytes_.data() + bytes_.size();
  bytes_.append(text);
  const auto index = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back(
      {.data = data, .size = static_cast<uint32_t>(text.size()), .next = index + 1, .kind = kind});
  return index;
}

uint32_t JsonTree::FindMember(uint32_t object, std::string_view name) const {
  uint32_t found = 0;
  for (uint32_t at = object + 1; at < nodes_[object].next; at = nodes_[at + 1].next) {
    if (nodes_[at].text() == name) found = at + 1;
  }
  return found;
}

std::string JsonTree::PathOf(uint32_t index) const {
  std::string path;
  uint32_t at = 0;
  while (at != index) {
    const bool is_object = nodes_[at].kind == JsonKind::kObject;
    size_t number = 0;
    uint32_t child = at + 1 + (is_object ? 1 : 0);
    for (; nodes_[child].next <= index; ++number) {
      child = nodes_[child].next + (is_object ? 1 : 0);
    }
    if (is_object) {
      absl::StrAppend(&path, path.empty() ? "" : ".", AbslView(nodes_[child - 1].text()));
    } else {
      absl::StrAppend(&path, "[", number, "]");
    }
    at = child;
  }
  return path;
}

std::vector<std::pair<std::string_view, uint32_t>> JsonTree::Members(uint32_t object) const {
  std::vector<std::pair<std::string_view, uint32_t>> members;
  members.reserve(nodes_[object].size);
  for (uint32_t at = object + 1; at < nodes_[object].next; at = nodes_[at + 1].next) {
    members.emplace_back(nodes_[at].text(), at + 1);
  }
  // By name, the last of a name first: the later ones of each name fall out.
  std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second > b.second;
  });
  const auto is_same = [](const auto& a, const auto& b) { return a.first == b.first; };
  members.erase(std::unique(members.begin(), members.end(), is_same), members.end());
  return members;
}

// Only as deep as JsonLimits let the text be.
// NOLINTNEXTLINE(misc-no-recursion)
void JsonTree::Dump(uint32_t index, std::string* out) const {
  const JsonNode& node = nodes_[index];
  if (node.kind == JsonKind::kString) {
    out->append(JsonQuoted(node.text()));
  } else if (node.kind == JsonKind::kObject) {
    char before = '{';
    for (const auto& [name, value] : Members(index)) {
      out->push_back(before);
      out->append(JsonQuoted(name)).push_back(':');
      Dump(value, out);
      before = ',';
    }
    out->append(before == '{' ? "{}" : "}");
  } else if (node.kind == JsonKind::kArray) {
    char before = '[';
    for (uint32_t at = index + 1; at < node.next; at = nodes_[at].next) {
      out->push_back(before);
      Dump(at, out);
      before = ',';
    }
    out->append(before == '[' ? "[]" : "]");
  } else {
    out->append(node.text());
  }
}

}  // namespace pmem
