// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/core/mount_table.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/pure/absl_view.h"

namespace pmem::driver {
namespace {

// A line: id parent major:minor root path options [tags…] - type source options
constexpr size_t kNumberField = 2;
constexpr size_t kRootField = 3;
constexpr size_t kPathField = 4;
constexpr size_t kOptionsField = 5;

bool IsOctal(char c) { return c >= '0' && c <= '7'; }

// "\040" -> " "
std::string Unescaped(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && IsOctal(text[i + 1]) && IsOctal(text[i + 2]) &&
        IsOctal(text[i + 3])) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// One line's mount and its path; nothing for a line that is none.
std::optional<std::pair<std::string, Mount>> ReadLine(absl::string_view line) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
  const auto separator = std::find(fields.begin(), fields.end(), "-");
  if (fields.size() <= kOptionsField || fields.end() - separator < 2) return std::nullopt;
  const std::vector<absl::string_view> options = absl::StrSplit(fields[kOptionsField], ',');
  return std::pair(
      Unescaped(StdView(fields[kPathField])),
      Mount{.device_number = std::string(fields[kNumberField]),
            .root = Unescaped(StdView(fields[kRootField])),
            .type = std::string(*(separator + 1)),
            .is_read_only = std::find(options.begin(), options.end(), "ro") != options.end()});
}

}  // namespace

std::optional<Mount> FindMount(std::string_view table, std::string_view path) {
  std::optional<Mount> topmost;
  for (const absl::string_view line : absl::StrSplit(AbslView(table), '\n', absl::SkipEmpty())) {
    auto read = ReadLine(line);
    if (read && read->first == path) topmost = std::move(read->second);
  }
  return topmost;
}

std::vector<std::string> MountedNodes(std::string_view table) {
  std::vector<std::string> paths;
  for (const absl::string_view line : absl::StrSplit(AbslView(table), '\n', absl::SkipEmpty())) {
    auto read = ReadLine(line);
    if (!read || read->second.root == "/") continue;
    if (read->second.type != "devtmpfs" && read->second.type != "tmpfs") continue;
    paths.push_back(std::move(read->first));
  }
  return paths;
}

}  // namespace pmem::driver
