// SPDX-License-Identifier: Apache-2.0
#include "common/io/flags.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/io/http_routes.h"
#include "common/pure/status_macros.h"

namespace pmem {
namespace {

constexpr absl::Duration kDurationMax = absl::Hours(24 * 30);

struct Unit {
  std::string_view name;
  absl::Duration duration;
};
constexpr Unit kUnits[] = {{"h", absl::Hours(1)},
                           {"m", absl::Minutes(1)},
                           {"s", absl::Seconds(1)},
                           {"ms", absl::Milliseconds(1)}};

// Cuts "90" off "90s".
std::string_view TakeWhile(std::string_view* text, bool (*is_wanted)(unsigned char)) {
  size_t size = 0;
  while (size < text->size() && is_wanted(static_cast<unsigned char>((*text)[size]))) ++size;
  const std::string_view taken = text->substr(0, size);
  text->remove_prefix(size);
  return taken;
}

std::string EnvironmentName(const std::string& prefix, std::string_view flag) {
  std::string name(flag.substr(2));  // Without "--".
  absl::AsciiStrToUpper(&name);
  return absl::StrCat(prefix, "_", absl::StrReplaceAll(name, {{"-", "_"}}));
}

std::string MarkdownCell(const std::string& text) {
  return absl::StrReplaceAll(text, {{"|", "\\|"}, {"\n", " "}});
}

std::string OneLine(const std::string& text) { return absl::StrReplaceAll(text, {{"\n", " "}}); }

void PrintMarkdown(const std::vector<FlagDescription>& flags) {
  std::puts("| flag | environment variable | value | default | what |\n|---|---|---|---|---|");
  for (const FlagDescription& flag : flags) {
    std::printf("| `%s` | `%s` | `%s` | %s | %s |\n", flag.name.c_str(), flag.environment.c_str(),
                MarkdownCell(flag.value).c_str(),
                flag.default_text.empty()
                    ? ""
                    : absl::StrCat("`", MarkdownCell(flag.default_text), "`").c_str(),
                MarkdownCell(flag.help).c_str());
  }
}

absl::Status ParseBool(const std::string& text, bool* target) {
  if (text != "true" && text != "false") {
    return absl::InvalidArgumentError("is not true or false");
  }
  *target = text == "true";
  return absl::OkStatus();
}

absl::Status ParseInteger(const std::string& text, int64_t min, int64_t max, int64_t* target) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
    return absl::InvalidArgumentError(
        absl::StrCat("is not a whole number from ", min, " to ", max));
  }
  *target = value;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<absl::Duration> ParseFlagDuration(std::string_view text) {
  const absl::Status error =
      absl::InvalidArgumentError("is not a duration up to 30 days, such as 30s, 1m30s or 500ms");
  if (text.empty() || text.size() > 32) return error;
  absl::Duration sum = absl::ZeroDuration();
  const Unit* next = std::begin(kUnits);
  while (!text.empty()) {
    const std::string_view digits = TakeWhile(&text, absl::ascii_isdigit);
    const std::string_view name = TakeWhile(&text, absl::ascii_isalpha);
    int64_t number = 0;
    if (!absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()), &number)) return error;
    while (next != std::end(kUnits) && next->name != name) ++next;
    if (next == std::end(kUnits) || number > kDurationMax / absl::Milliseconds(1)) return error;
    sum += number * next->duration;
    ++next;
  }
  if (sum > kDurationMax) return error;
  return sum;
}

std::string FormatFlagDuration(absl::Duration duration) {
  std::string out;
  for (const Unit& unit : kUnits) {
    const int64_t number = absl::IDivDuration(duration, unit.duration, &duration);
    if (number > 0)
      absl::StrAppend(&out, number, absl::string_view(unit.name.data(), unit.name.size()));
  }
  return out.empty() ? "0s" : out;
}

class Flags::Impl {
 public:
  explicit Impl(Program program)
      : program_(std::move(program)), app_(program_.description, program_.name) {
    app_.set_version_flag("--version", absl::StrCat(program_.name, " ", program_.version));
    app_.add_flag("--flags-markdown", is_markdown_wanted_)->group("");  // Hidden.
    app_.get_formatter()->column_width(44);
  }

  CLI::Option* Add(FlagDescription flag, std::function<absl::Status(const std::string&)> parse) {
    flag.environment = EnvironmentName(program_.env_prefix, flag.name);
    CLI::Option* option = app_.add_option_function<std::string>(
        flag.name,
        [this, parse = std::move(parse), flag](const std::string& text) {
          const absl::Status status = parse(text);
          if (status.ok()) return;
          const std::string& source = given_.contains(flag.name) ? flag.name : flag.environment;
          throw CLI::ValidationError(source, absl::StrCat("\"", text, "\" ", status.message()));
        },
        flag.help);
    option->envname(flag.environment)->type_name(flag.value)->default_str(flag.default_text);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    flags_.push_back(std::move(flag));
    return option;
  }

  void NoteBool(const std::string& name) { bools_.insert(name); }

  std::optional<int> Parse(int argc, const char* const* argv) {
    std::vector<std::string> arguments = WithBoolValues(argc, argv);
    try {
      app_.parse(arguments);
    } catch (const CLI::ParseError& e) {
      if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app_.exit(e);
      return Reject(e.what());
    }
    if (!is_markdown_wanted_) return std::nullopt;
    PrintMarkdown(flags_);
    return 0;
  }

  int Reject(const std::string& why) const {
    std::fprintf(stderr, "%s: %s (see --help)\n", program_.name.c_str(), OneLine(why).c_str());
    return kBadFlagsExit;
  }

  const std::vector<FlagDescription>& flags() const { return flags_; }

 private:
  // CLI11 reads its default into a flag without a value: a bare one that is false by default would
  // stay false. In CLI11's order: reversed, without the program. Notes which flags are given.
  std::vector<std::string> WithBoolValues(int argc, const char* const* argv) {
    std::vector<std::string> arguments;
    for (int i = argc - 1; i > 0; --i) {
      std::string argument = argv[i];
      const bool is_bare = i + 1 == argc || std::string_view(argv[i + 1]).substr(0, 2) == "--";
      if (is_bare && bools_.contains(argument)) argument += "=true";
      given_.insert(argument.substr(0, argument.find('=')));
      arguments.push_back(std::move(argument));
    }
    return arguments;
  }

  const Program program_;
  CLI::App app_;
  bool is_markdown_wanted_ = false;
  std::set<std::string> bools_;
  std::set<std::string> given_;  // On the command line; values that follow a flag are among them.
  std::vector<FlagDescription> flags_;
};

Flags::Flags(Program program) : impl_(std::make_unique<Impl>(std::move(program))) {}
Flags::~Flags() = default;

void Flags::Text(const std::string& name, std::string* target, const std::string& help,
                 const std::string& value_name) {
  Custom(name, value_name, *target, help, [target](const std::string& text) {
    *target = text;
    return absl::OkStatus();
  });
}

void Flags::HostPort(const std::string& name, std::string* target, const std::string& help) {
  Custom(name, "HOST:PORT", *target, help, [target](const std::string& text) {
    if (!ParseHostPort(text).ok()) return absl::InvalidArgumentError("is not HOST:PORT");
    *target = text;
    return absl::OkStatus();
  });
}

void Flags::Duration(const std::string& name, absl::Duration* target, const std::string& help) {
  Custom(name, "DURATION", FormatFlagDuration(*target), help, [target](const std::string& text) {
    PMEM_ASSIGN_OR_RETURN(*target, ParseFlagDuration(text));
    return absl::OkStatus();
  });
}

void Flags::Integer(const std::string& name, int64_t* target, int64_t min, int64_t max,
                    const std::string& help) {
  Custom(name, "NUMBER", absl::StrCat(*target), help,
         [=](const std::string& text) { return ParseInteger(text, min, max, target); });
}

void Flags::Bool(const std::string& name, bool* target, const std::string& help) {
  impl_
      ->Add({.name = name,
             .value = "true|false",
             .default_text = *target ? "true" : "false",
             .help = help},
            [target](const std::string& text) {
              return ParseBool(text.empty() ? "true" : text, target);
            })
      ->expected(0, 1);
  impl_->NoteBool(name);
}

void Flags::Custom(const std::string& name, const std::string& value_name,
                   const std::string& default_text, const std::string& help,
                   std::function<absl::Status(const std::string&)> parse) {
  impl_->Add({.name = name, .value = value_name, .default_text = default_text, .help = help},
             std::move(parse));
}

std::optional<int> Flags::Parse(int argc, const char* const* argv) {
  return impl_->Parse(argc, argv);
}

int Flags::Reject(const absl::Status& status) const {
  return impl_->Reject(std::string(status.message()));
}

std::vector<FlagDescription> Flags::Describe() const { return impl_->flags(); }

}  // namespace pmem
