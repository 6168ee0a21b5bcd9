// SPDX-License-Identifier: Apache-2.0
// One JSON line per event on stderr: {"time":…,"level":…,"component":…,"message":…, fields…}.
// log.cc is the only file that includes spdlog.
//
// Levels: debug = every request and decision; info = state changes an operator wants to see;
// warning = we go on, degraded; error = something needs a person. Shells log; core code returns
// reasons.
//
// Thread-safe, never throws. A line is bounded: kLogValueBytesMax per text, kLogFieldsMax fields;
// what is cut ends in "…". Text that is not UTF-8 is shown with U+FFFD.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace pmem {

inline constexpr int kLogFieldsMax = 32;
inline constexpr int kLogValueBytesMax = 2048;

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// One key and value. Lives for the call only: texts are not copied.
class LogField {
 public:
  using Value = std::variant<bool, int64_t, double, std::string_view, std::string>;

  LogField(std::string_view key, bool value) : key_(key), value_(value) {}
  LogField(std::string_view key, std::integral auto value)
      : key_(key), value_(static_cast<int64_t>(value)) {}
  LogField(std::string_view key, std::floating_point auto value)
      : key_(key), value_(static_cast<double>(value)) {}
  LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  LogField(std::string_view key, const char* value) : key_(key), value_(std::string_view(value)) {}
  LogField(std::string_view key, const std::string& value)
      : key_(key), value_(std::string_view(value)) {}
  LogField(std::string_view key, const absl::Status& value);
  LogField(std::string_view key, absl::Duration value);  // As seconds, a number.
  LogField(std::string_view key, absl::Time value);      // RFC 3339, UTC.

  std::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  std::string_view key_;
  Value value_;
};

using LogFields = std::initializer_list<LogField>;

// Events below `level` are dropped. Initially kInfo.
void SetLogLevel(LogLevel level);

// Whether an event of this level would be written; for callers whose fields are costly to make.
bool LogEnabled(LogLevel level);

void LogDebug(std::string_view component, std::string_view message, LogFields fields = {});
void LogInfo(std::string_view component, std::string_view message, LogFields fields = {});
void LogWarning(std::string_view component, std::string_view message, LogFields fields = {});
void LogError(std::string_view component, std::string_view message, LogFields fields = {});

// The line without its newline. Pure.
std::string FormatLogLine(absl::Time time, LogLevel level, std::string_view component,
                          std::string_view message, LogFields fields);

}  // namespace pmem
