// SPDX-License-Identifier: Apache-2.0
// The one door for JSON that comes from outside: typed, range-checked, and every error carries the
// JSON path of what it is about ("pools[2].total_bytes: 1.5 is not an integer").
//
// What is decided here, once:
//   - a member that is null is absent;
//   - of duplicate members the last one counts;
//   - an integer is written without fraction or exponent and lies in the range asked for;
//   - text that is not UTF-8, or not JSON to its last byte, is an error;
//   - a depth, a number of values or a size above JsonLimits is ResourceExhausted, and is found
//     before more than that is built.
// Every other error is InvalidArgument. Nothing throws.
//
// Pure. A document and its values are immutable: threads may share them. A JsonValue points into
// its JsonDocument and must not outlive it; moving the document keeps its values valid.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pmem {

class JsonTree;

struct JsonLimits {
  int64_t bytes_max = int64_t{64} * 1024 * 1024;
  int64_t depth_max = 64;                          // Nested containers; a scalar alone is depth 0.
  int64_t values_max = int64_t{16} * 1000 * 1000;  // Commas, opening brackets and braces, plus one.
};

class JsonValue {
 public:
  // "" for the root, else as in "pools[2].total_bytes".
  std::string path() const;
  // The error for this value: InvalidArgument "path: message".
  absl::Status Error(std::string_view message) const;

  bool IsObject() const;
  bool IsArray() const;
  bool IsString() const;

  // This value itself.
  absl::StatusOr<std::string> AsString() const;
  absl::StatusOr<int64_t> AsInt(int64_t min = INT64_MIN, int64_t max = INT64_MAX) const;
  absl::StatusOr<bool> AsBool() const;
  // Its elements in order; more than `size_max` is ResourceExhausted.
  absl::StatusOr<std::vector<JsonValue>> AsArray(int64_t size_max = INT64_MAX) const;
  // Its members sorted by name, null ones left out.
  absl::StatusOr<std::vector<std::pair<std::string, JsonValue>>> AsObject() const;

  // Members of an object. An absent member is an error, or nullopt where the name says Optional. A
  // member of the wrong type is an error in both; so is asking a value that is not an object.
  absl::StatusOr<JsonValue> Member(std::string_view name) const;
  absl::StatusOr<std::optional<JsonValue>> OptionalMember(std::string_view name) const;
  absl::StatusOr<std::string> String(std::string_view name) const;
  absl::StatusOr<std::optional<std::string>> OptionalString(std::string_view name) const;
  absl::StatusOr<int64_t> Int(std::string_view name, int64_t min = INT64_MIN,
                              int64_t max = INT64_MAX) const;
  absl::StatusOr<std::optional<int64_t>> OptionalInt(std::string_view name, int64_t min = INT64_MIN,
                                                     int64_t max = INT64_MAX) const;
  absl::StatusOr<bool> Bool(std::string_view name) const;
  absl::StatusOr<std::optional<bool>> OptionalBool(std::string_view name) const;
  absl::StatusOr<std::vector<JsonValue>> Array(std::string_view name,
                                               int64_t size_max = INT64_MAX) const;
  // An absent array is an empty one.
  absl::StatusOr<std::vector<JsonValue>> OptionalArray(std::string_view name,
                                                       int64_t size_max = INT64_MAX) const;

  // The value as one line of JSON, members sorted by name.
  std::string Dump() const;

 private:
  friend class JsonDocument;
  JsonValue(const JsonTree* tree, uint32_t index) : tree_(tree), index_(index) {}
  absl::Status TypeError(std::string_view wanted) const;
  std::string MemberPath(std::string_view name) const;

  const JsonTree* tree_;
  uint32_t index_;
};

class JsonDocument {
 public:
  static absl::StatusOr<JsonDocument> Parse(std::string_view text, const JsonLimits& limits = {});
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonValue root() const;

 private:
  explicit JsonDocument(std::unique_ptr<const JsonTree> tree);
  std::unique_ptr<const JsonTree> tree_;
};

}  // namespace pmem
