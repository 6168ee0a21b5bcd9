// SPDX-License-Identifier: Apache-2.0
// Command-line flags. flags.cc is the only file that includes CLI11; config.cc and main.cc, and
// what they share (log_flag.h), are the only callers. Every flag "--some-name" also has the
// environment variable <env_prefix>_SOME_NAME, which counts when the flag is not given, and shows
// with its default in --help. Environment variables of other names are ignored. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pmem {

// "30s", "1m30s", "500ms"; h, m, s, ms with whole numbers, each unit at most once and from large to
// small, at most 30 days. "0s" is a duration, "0" and "" are not. Pure.
absl::StatusOr<absl::Duration> ParseFlagDuration(std::string_view text);

// The inverse: "1m30s".
std::string FormatFlagDuration(absl::Duration duration);

struct FlagDescription {
  std::string name;          // "--listen"
  std::string environment;   // "PMEM_AGENT_LISTEN"
  std::string value;         // What it takes: "HOST:PORT", "DURATION", "binpack|spread"
  std::string default_text;  // Empty: none.
  std::string help;
  bool operator==(const FlagDescription&) const = default;
};

class Flags {
 public:
  struct Program {
    std::string name;         // "pmem-extender"
    std::string description;  // One sentence.
    std::string version;
    std::string env_prefix;  // "PMEM_EXTENDER"
  };
  explicit Flags(Program program);
  ~Flags();

  // Each target holds the default and must outlive Parse.
  void Text(const std::string& name, std::string* target, const std::string& help,
            const std::string& value_name = "TEXT");
  void HostPort(const std::string& name, std::string* target, const std::string& help);
  void Duration(const std::string& name, absl::Duration* target, const std::string& help);
  void Integer(const std::string& name, int64_t* target, int64_t min, int64_t max,
               const std::string& help);
  void Bool(const std::string& name, bool* target,
            const std::string& help);  // Also without "=true".

  template <typename T>
  struct Choice {
    std::string text;
    T value;
  };
  template <typename T>
  void Enum(const std::string& name, T* target, const std::vector<Choice<T>>& choices,
            const std::string& help);

  // Anything else: `parse` returns an error whose message says what is wrong with the text.
  void Custom(const std::string& name, const std::string& value_name,
              const std::string& default_text, const std::string& help,
              std::function<absl::Status(const std::string&)> parse);

  // Nothing: run. A number: end with it. --help, --version and --flags-markdown (which prints the
  // table of docs/flags.md) have written to stdout and give 0; anything wrong gives kBadFlagsExit
  // and one line on stderr.
  std::optional<int> Parse(int argc, const char* const* argv);
  static constexpr int kBadFlagsExit = 2;

  // The one line for a configuration whose values contradict each other, and the exit code.
  int Reject(const absl::Status& status) const;

  std::vector<FlagDescription> Describe() const;  // In the order of the calls.

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

template <typename T>
void Flags::Enum(const std::string& name, T* target, const std::vector<Choice<T>>& choices,
                 const std::string& help) {
  std::string all;
  std::string default_text;
  for (const Choice<T>& choice : choices) {
    all += (all.empty() ? "" : "|") + choice.text;
    if (choice.value == *target) default_text = choice.text;
  }
  Custom(name, all, default_text, help, [target, choices, all](const std::string& text) {
    for (const Choice<T>& choice : choices) {
      if (choice.text != text) continue;
      *target = choice.value;
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError("is not one of " + all);
  });
}

}  // namespace pmem
