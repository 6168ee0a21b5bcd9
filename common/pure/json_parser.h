// SPDX-License-Identifier: Apache-2.0
// For json_tree only: fills a tree from its text, in one pass. Used once; pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/pure/json_tree.h"

namespace pmem {

class JsonParser {
 public:
  JsonParser(const JsonLimits& limits, JsonTree* tree);
  // Errors: InvalidArgument with the byte, ResourceExhausted.
  absl::Status Run();

 private:
  absl::Status Next();  // Of the innermost open container: its next child, or its end.
  absl::Status Value();
  absl::Status Open(JsonKind kind);
  absl::Status String();
  absl::Status Word(std::string_view word, JsonKind kind);
  absl::Status Number();
  bool SkipDigits();
  absl::Status CountValue();
  absl::Status Malformed() const;
  void SkipSpace();
  bool Take(char c);
  void Add(JsonKind kind, std::string_view text);

  const JsonLimits limits_;
  JsonTree* const tree_;
  // `end_` points at the NUL behind the text, which is part of no value: it need not be asked for.
  const char* const begin_;
  const char* const end_;
  const char* at_;
  std::vector<uint32_t> open_;  // Containers that have not ended.
  int64_t values_ = 1;
};

// What the inside of a JSON string with escapes means. InvalidArgument: an escape is none.
absl::StatusOr<std::string> JsonUnescaped(std::string_view text);

}  // namespace pmem
