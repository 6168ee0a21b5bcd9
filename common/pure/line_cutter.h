// SPDX-License-Identifier: Apache-2.0
// Cuts a stream that comes in blocks into lines. Pure. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace pmem {

class LineCutter {
 public:
  using OnLine = std::function<absl::Status(std::string_view line)>;

  explicit LineCutter(int64_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // Calls `on_line` for every line that ends in this block, without its "\n" or "\r\n"; empty lines
  // are skipped. Returns the first error of `on_line`, or ResourceExhausted for a line that is too
  // long; then the cutter is of no further use.
  absl::Status Append(std::string_view block, const OnLine& on_line);

  // Whether the stream ended inside a line.
  bool HasRest() const { return !rest_.empty(); }

 private:
  absl::Status Deliver(std::string_view line, const OnLine& on_line) const;

  const int64_t line_bytes_max_;
  std::string rest_;
};

}  // namespace pmem
