// SPDX-License-Identifier: Apache-2.0
#include "extender/core/json_cut.h"

namespace pmem::extender {
namespace {

// Behind the string that begins before `at`; npos: it does not end.
size_t EndOfString(std::string_view json, size_t at) {
  for (at = json.find_first_of("\"\\", at); at != std::string_view::npos;
       at = json.find_first_of("\"\\", at)) {
    if (json[at] == '"') return at + 1;
    at += 2;
  }
  return std::string_view::npos;
}

// Where the array that begins before `at` has its closing bracket; npos: nowhere.
size_t EndOfArray(std::string_view json, size_t at) {
  int depth = 1;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = EndOfString(json, at + 1);
      continue;
    }
    if (c == '[') ++depth;
    if (c == ']' && --depth == 0) return at;
    ++at;
  }
  return std::string_view::npos;
}

}  // namespace

// Inside of a string every quote has a backslash before it, so that what looks like the member is
// the member.
std::string WithoutArrays(std::string_view json, std::string_view member) {
  const std::string begin = "\"" + std::string(member) + "\":[";
  std::string out;
  for (size_t found = json.find(begin); found != std::string_view::npos; found = json.find(begin)) {
    const size_t end = EndOfArray(json, found + begin.size());
    if (end == std::string_view::npos) break;
    out.append(json.substr(0, found + begin.size()));
    json.remove_prefix(end);
  }
  return out.append(json);
}

}  // namespace pmem::extender
