// SPDX-License-Identifier: Apache-2.0
#include "extender/wire/json_walk.h"

#include <cstring>

#include "absl/strings/match.h"

namespace pmem::extender::json_walk {
namespace {

absl::string_view Absl(std::string_view text) { return {text.data(), text.size()}; }

absl::Status Invalid(std::string_view where, std::string_view what) {
  return absl::InvalidArgumentError(Concat({where, ": ", what}));
}

// True for null, which is read; InvalidArgument for what only begins like it.
absl::StatusOr<bool> IsNull(ondemand::value& value, std::string_view where) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type)) return Malformed(where, error);
  if (type != ondemand::json_type::null) return false;
  if (TrimRight(value.raw_json_token()) != "null") return Malformed(where, simdjson::N_ATOM_ERROR);
  return true;
}

bool Contains(std::string_view text, char c) {
  return !text.empty() && std::memchr(text.data(), c, text.size()) != nullptr;
}

template <class Opened>
absl::StatusOr<bool> OpenAs(ondemand::value& value, std::string_view where, std::string_view wanted,
                            Opened& out) {
  PMEM_ASSIGN_OR_RETURN(const bool is_null, IsNull(value, where));
  if (is_null) return false;
  const auto error = value.get(out);
  if (error == simdjson::INCORRECT_TYPE) return WrongType(where, wanted);
  if (error) return Malformed(where, error);
  return true;
}

}  // namespace

std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out.append(part);
  return out;
}

std::string Element(std::string_view where, size_t index) {
  return Concat({where, "[", std::to_string(index), "]"});
}

absl::Status Malformed(std::string_view where, simdjson::error_code error) {
  if (error == simdjson::CAPACITY) {
    return absl::ResourceExhaustedError(Concat({where, ": the body is too large"}));
  }
  return Invalid(where, Concat({"malformed JSON: ", simdjson::error_message(error)}));
}

absl::Status WrongType(std::string_view where, std::string_view wanted) {
  return Invalid(where, Concat({"wanted ", wanted}));
}

absl::Status PastLimit(std::string_view where, std::string_view limit_name, size_t limit) {
  return absl::ResourceExhaustedError(
      Concat({where, ": more than ", limit_name, " = ", std::to_string(limit)}));
}

bool KeyIs(std::string_view key, std::string_view wanted) {
  return key == wanted ||
         (key.size() == wanted.size() && absl::EqualsIgnoreCase(Absl(key), Absl(wanted)));
}

absl::StatusOr<bool> Open(ondemand::value value, std::string_view where, ondemand::object& out) {
  return OpenAs(value, where, "an object", out);
}

absl::StatusOr<bool> Open(ondemand::value value, std::string_view where, ondemand::array& out) {
  return OpenAs(value, where, "an array", out);
}

absl::Status Read(ondemand::value value, std::string_view where, std::string& out) {
  std::string_view text;
  PMEM_ASSIGN_OR_RETURN(const bool is_there, OpenAs(value, where, "a string", text));
  if (is_there) out.assign(text);
  return absl::OkStatus();
}

absl::Status Read(ondemand::value value, std::string_view where, bool& out) {
  return OpenAs(value, where, "true or false", out).status();
}

absl::Status Read(ondemand::value value, std::string_view where, int64_t& out) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type)) return Malformed(where, error);
  if (type == ondemand::json_type::string) return WrongType(where, "an integer");
  return OpenAs(value, where, "an integer", out).status();
}

absl::StatusOr<std::string_view> ReadView(ondemand::value value, std::string_view where,
                                          std::deque<std::string>& unescaped) {
  const std::string_view token = TrimRight(value.raw_json_token());
  if (token.empty() || token.front() != '"') return WrongType(where, "a string");
  if (Contains(token, '\\')) {
    std::string_view text;
    if (const auto error = value.get_string().get(text)) return Malformed(where, error);
    return unescaped.emplace_back(text);
  }
  if (token.size() < 2 || token.back() != '"') return Malformed(where, simdjson::STRING_ERROR);
  const std::string_view text = token.substr(1, token.size() - 2);
  if (Contains(text, '"')) return Malformed(where, simdjson::STRING_ERROR);
  return text;
}

std::string_view TrimRight(std::string_view text) {
  const size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

absl::StatusOr<std::string_view> RawJson(ondemand::value value, std::string_view where) {
  ondemand::json_type type;
  if (const auto error = value.type().get(type)) return Malformed(where, error);
  std::string_view raw = value.raw_json_token();
  simdjson::error_code error = simdjson::SUCCESS;
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    error = value.get(object);
    if (!error) error = object.raw_json().get(raw);
  } else if (type == ondemand::json_type::array) {
    ondemand::array array;
    error = value.get(array);
    if (!error) error = array.raw_json().get(raw);
  }
  if (error) return Malformed(where, error);
  return TrimRight(raw);
}

}  // namespace pmem::extender::json_walk
