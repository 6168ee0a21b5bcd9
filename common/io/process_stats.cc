// SPDX-License-Identifier: Apache-2.0
#include "common/io/process_stats.h"

#include <dirent.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/io/files.h"

namespace pmem {
namespace {

constexpr int64_t kProcFileBytesMax = int64_t{1024} * 1024;

// The numbers of /proc/self/stat from the third field on: the second, the name, may hold anything.
std::vector<double> StatFields() {
  std::vector<double> fields;
  const absl::StatusOr<std::string> text = ReadFile("/proc/self/stat", kProcFileBytesMax);
  if (!text.ok() || text->rfind(')') == std::string::npos) return fields;
  for (const absl::string_view field :
       absl::StrSplit(text->substr(text->rfind(')') + 1), ' ', absl::SkipWhitespace())) {
    double value = 0;
    if (!absl::SimpleAtod(field, &value)) value = 0;
    fields.push_back(value);
  }
  return fields;
}

double BootTimeSeconds() {
  const absl::StatusOr<std::string> text = ReadFile("/proc/stat", kProcFileBytesMax);
  if (!text.ok()) return 0;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    double seconds = 0;
    if (absl::ConsumePrefix(&line, "btime ") && absl::SimpleAtod(line, &seconds)) return seconds;
  }
  return 0;
}

int64_t OpenFds() {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc/self/fd"), ::closedir);
  if (!dir) return 0;
  int64_t count = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // Without the one that lists.
}

}  // namespace

ProcessStats ReadProcessStats() {
  // Fields as numbered in proc(5), which counts from 1.
  constexpr size_t kFirst = 3, kUtime = 14, kStime = 15, kThreads = 20, kStart = 22, kRss = 24;
  const std::vector<double> fields = StatFields();
  if (fields.size() <= kRss - kFirst) return {};
  const auto field = [&fields](size_t number) { return fields[number - kFirst]; };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return {.cpu_seconds = (field(kUtime) + field(kStime)) / ticks,
          .resident_bytes = static_cast<int64_t>(field(kRss)) * ::sysconf(_SC_PAGESIZE),
          .open_fds = OpenFds(),
          .threads = static_cast<int64_t>(field(kThreads)),
          .start_time_seconds = BootTimeSeconds() + field(kStart) / ticks};
}

}  // namespace pmem
