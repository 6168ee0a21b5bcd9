// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/boot_id.h"

#include <time.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/io/files.h"
#include "common/pure/capacity_report.h"
#include "common/pure/check.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {

absl::StatusOr<std::string> ReadBootId(const std::string& path) {
  PMEM_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kReportNameBytesMax));
  absl::StripAsciiWhitespace(&text);
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
  });
  if (text.empty() || !is_plain) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a boot id"));
  }
  return text;
}

int64_t MicrosecondsSinceBoot() {
  timespec now = {};
  PMEM_CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
  return std::max<int64_t>(1, int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000);
}

}  // namespace pmem::agent
