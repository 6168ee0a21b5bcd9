// SPDX-License-Identifier: Apache-2.0
// Behind json_reader.h: a JSON text taken apart into one flat list, without an allocation for each
// value. Immutable once parsed; pure.
//
//   {"a":[1,"x"],"b":null}   ->   object 0 (next 7), "a" 1, array 2 (next 5), 1 3, "x" 4, "b" 5,
//                                 null 6
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/pure/json_reader.h"

namespace pmem {

enum class JsonKind : uint8_t {
  kNull,
  kTrue,
  kFalse,
  kInteger,
  kFraction,
  kString,
  kArray,
  kObject
};

struct JsonNode {
  const char* data = nullptr;  // Strings: unescaped. Numbers: in decimal.
  uint32_t size = 0;           // Bytes of data; containers: how many elements or members.
  uint32_t next = 0;           // Index behind this value and all that is in it.
  JsonKind kind = JsonKind::kNull;

  std::string_view text() const { return {data, size}; }
};

class JsonTree {
 public:
  // Errors as in json_reader.h.
  static absl::StatusOr<std::unique_ptr<JsonTree>> Parse(std::string_view text,
                                                         const JsonLimits& limits);
  JsonTree(const JsonTree&) = delete;
  JsonTree& operator=(const JsonTree&) = delete;

  // 0 is the root. In an array the first element is at +1, the one after it at its `next`; in an
  // object each member is a string, its name, and a value.
  const JsonNode& node(uint32_t index) const { return nodes_[index]; }
  // Of an object; of members with the same name the last. 0: it has none.
  uint32_t FindMember(uint32_t object, std::string_view name) const;
  // Where the node is, as in "pools[2].total_bytes"; "" for the root.
  std::string PathOf(uint32_t index) const;
  // One line, members sorted by name, of those with the same name the last.
  void Dump(uint32_t index, std::string* out) const;
  // Names and values sorted by name, of those with the same name the last.
  std::vector<std::pair<std::string_view, uint32_t>> Members(uint32_t object) const;

 private:
  friend class TreeFiller;
  explicit JsonTree(size_t text_bytes);
  friend absl::Status FillTree(std::string_view text, const JsonLimits& limits, JsonTree* tree);
  void Clear();
  uint32_t Add(JsonKind kind, std::string_view text);  // Returns its index.
  uint32_t CountChild(uint32_t container) { return ++nodes_[container].size; }  // Returns all.
  void Close(uint32_t container) { nodes_[container].next = static_cast<uint32_t>(nodes_.size()); }

  std::vector<JsonNode> nodes_;
  // Of strings and numbers, one behind the other. As large as the text from the start: it holds no
  // more than that, and is not moved.
  std::string bytes_;
};

}  // namespace pmem
