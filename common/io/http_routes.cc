// SPDX-License-Identifier: Apache-2.0
#include "common/io/http_routes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"

namespace pmem {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

absl::Status BadAddress(std::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", View(text), "\" is not HOST:PORT (\"127.0.0.1:9090\")"));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return BadAddress(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find_first_of(":[]/ ") != std::string_view::npos) {
    return BadAddress(text);
  }
  const bool is_number = !port.empty() && port.size() <= 5 &&
                         port.find_first_not_of("0123456789") == std::string_view::npos;
  HostPort result{.host = std::string(host)};
  if (host.empty() || !is_number || !absl::SimpleAtoi(View(port), &result.port) ||
      result.port > 65535) {
    return BadAddress(text);
  }
  return result;
}

absl::StatusOr<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
      if (low < 0) return absl::InvalidArgumentError("a '%' is not followed by two hex digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return absl::InvalidArgumentError("a NUL is not allowed");
    out.push_back(c);
  }
  return out;
}

absl::StatusOr<std::map<std::string, std::string>> ParseQuery(std::string_view text) {
  // Each takes more than a hundred bytes, of which it sent two.
  if (std::count(text.begin(), text.end(), '&') >= kQueryPairsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("a query of more than ", kQueryPairsMax, " parts"));
  }
  std::map<std::string, std::string> result;
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    std::string pair(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    for (char& c : pair) {
      if (c == '+') c = ' ';
    }
    const size_t equals = std::min(pair.find('='), pair.size());
    PMEM_ASSIGN_OR_RETURN(std::string name,
                          PercentDecode(std::string_view(pair).substr(0, equals)));
    PMEM_ASSIGN_OR_RETURN(
        std::string value,
        PercentDecode(std::string_view(pair).substr(std::min(equals + 1, pair.size()))));
    result.insert_or_assign(std::move(name), std::move(value));
  }
  return result;
}

void RouteTable::Add(std::string method, std::string path, Route route) {
  body_bytes_max_ = std::max(body_bytes_max_, route.body_bytes_max);
  paths_[std::move(path)].insert_or_assign(std::move(method), std::move(route));
}

RouteTable::Match RouteTable::Find(std::string_view method, std::string_view path) const {
  auto it = paths_.find(path);
  while (it == paths_.end() && path.size() > 1) {
    // "/a/b/c" is below "/a/b/", then below "/a/", then below "/".
    const std::string_view trimmed = path.back() == '/' ? path.substr(0, path.size() - 1) : path;
    const size_t slash = trimmed.rfind('/');
    if (slash == std::string_view::npos) break;
    path = path.substr(0, slash + 1);
    it = paths_.find(path);
  }
  if (it == paths_.end()) return {};
  Match match{.path = &it->first};
  const auto route = it->second.find(method);
  if (route != it->second.end()) {
    match.route = &route->second;
    return match;
  }
  for (const auto& [name, unused] : it->second) {
    absl::StrAppend(&match.allow, match.allow.empty() ? "" : ", ", name);
  }
  return match;
}

}  // namespace pmem
