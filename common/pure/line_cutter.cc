// SPDX-License-Identifier: Apache-2.0
#include "common/pure/line_cutter.h"

#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"

namespace pmem {

absl::Status LineCutter::Append(std::string_view block, const OnLine& on_line) {
  for (size_t end = block.find('\n'); end != std::string_view::npos; end = block.find('\n')) {
    std::string_view line = block.substr(0, end);
    if (!rest_.empty()) {
      rest_.append(line);
      line = rest_;
    }
    PMEM_RETURN_IF_ERROR(Deliver(line, on_line));
    rest_.clear();
    block.remove_prefix(end + 1);
  }
  rest_.append(block);
  if (static_cast<int64_t>(rest_.size()) <= line_bytes_max_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("a line is longer than the limit of ", line_bytes_max_, " bytes"));
}

absl::Status LineCutter::Deliver(std::string_view line, const OnLine& on_line) const {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return absl::OkStatus();
  if (static_cast<int64_t>(line.size()) > line_bytes_max_) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a line is longer than the limit of ", line_bytes_max_, " bytes"));
  }
  return on_line(line);
}

}  // namespace pmem
