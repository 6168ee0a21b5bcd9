// SPDX-License-Identifier: Apache-2.0
#include "common/io/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/pure/json_writer.h"

namespace pmem {
namespace {

std::atomic<LogLevel> level_now{LogLevel::kInfo};

void AppendQuoted(std::string_view text, std::string* out) {
  if (text.size() <= kLogValueBytesMax) {
    out->append(JsonQuoted(text));
    return;
  }
  size_t end = kLogValueBytesMax;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // Not inside a character.
  out->append(JsonQuoted(absl::StrCat(absl::string_view(text.data(), end), "\u2026")));
}

struct AppendValue {
  std::string* out;
  void operator()(bool value) const { out->append(value ? "true" : "false"); }
  void operator()(int64_t value) const { absl::StrAppend(out, value); }
  void operator()(double value) const {
    if (std::isfinite(value)) {
      absl::StrAppend(out, value);
    } else {
      out->append("null");
    }
  }
  void operator()(std::string_view value) const { AppendQuoted(value, out); }
  void operator()(const std::string& value) const { AppendQuoted(value, out); }
};

void AppendPair(std::string_view key, std::string_view value, std::string* out) {
  AppendQuoted(key, out);
  out->push_back(':');
  AppendQuoted(value, out);
}

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", time, absl::UTCTimeZone());
}

spdlog::logger& StderrLogger() {
  // Leaked on purpose: threads may still log while statics are destroyed.
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("pmem", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    made->set_error_handler([](const std::string&) {});
    return made;
  }();
  return *logger;
}

void Write(LogLevel level, std::string_view component, std::string_view message, LogFields fields) {
  if (!LogEnabled(level)) return;
  try {
    const std::string line = FormatLogLine(absl::Now(), level, component, message, fields);
    StderrLogger().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
  } catch (...) {
    // Out of memory or a closed stderr: the event is lost, the program goes on.
  }
}

}  // namespace

LogField::LogField(std::string_view key, const absl::Status& value)
    : key_(key), value_(value.ToString()) {}

LogField::LogField(std::string_view key, absl::Duration value)
    : key_(key), value_(absl::ToDoubleSeconds(value)) {}

LogField::LogField(std::string_view key, absl::Time value) : key_(key), value_(Rfc3339(value)) {}

void SetLogLevel(LogLevel level) { level_now.store(level, std::memory_order_relaxed); }

bool LogEnabled(LogLevel level) { return level >= level_now.load(std::memory_order_relaxed); }

std::string FormatLogLine(absl::Time time, LogLevel level, std::string_view component,
                          std::string_view message, LogFields fields) {
  std::string out = "{";
  AppendPair("time", Rfc3339(time), &out);
  out.push_back(',');
  AppendPair("level", LevelName(level), &out);
  out.push_back(',');
  AppendPair("component", component, &out);
  out.push_back(',');
  AppendPair("message", message, &out);
  int count = 0;
  for (const LogField& field : fields) {
    if (++count > kLogFieldsMax) break;
    out.push_back(',');
    AppendQuoted(field.key(), &out);
    out.push_back(':');
    std::visit(AppendValue{&out}, field.value());
  }
  out.push_back('}');
  return out;
}

void LogDebug(std::string_view component, std::string_view message, LogFields fields) {
  Write(LogLevel::kDebug, component, message, fields);
}
void LogInfo(std::string_view component, std::string_view message, LogFields fields) {
  Write(LogLevel::kInfo, component, message, fields);
}
void LogWarning(std::string_view component, std::string_view message, LogFields fields) {
  Write(LogLevel::kWarning, component, message, fields);
}
void LogError(std::string_view component, std::string_view message, LogFields fields) {
  Write(LogLevel::kError, component, message, fields);
}

}  // namespace pmem
