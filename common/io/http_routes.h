// SPDX-License-Identifier: Apache-2.0
// What http_server.cc decides without a socket: addresses, percent-decoding and the route table.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/io/http_server.h"

namespace pmem {

struct HostPort {
  std::string host;  // Without brackets: "::1".
  int port = 0;
  bool operator==(const HostPort&) const = default;
};

// "HOST:PORT" or "[V6]:PORT", port 0 to 65535. InvalidArgument otherwise.
absl::StatusOr<HostPort> ParseHostPort(std::string_view text);

// InvalidArgument for a '%' without two hex digits and for a NUL.
absl::StatusOr<std::string> PercentDecode(std::string_view text);

// What a query may have of "a=1" between its '&'.
inline constexpr int kQueryPairsMax = 64;

// "a=1&b=x%20y": percent-decoded, '+' is a space, the last one of a name wins. InvalidArgument for
// what PercentDecode refuses, and for more than kQueryPairsMax.
absl::StatusOr<std::map<std::string, std::string>> ParseQuery(std::string_view text);

// Read-only, and then thread-safe, once it is filled.
class RouteTable {
 public:
  struct Route {
    HttpHandler handler;
    int64_t body_bytes_max = 0;
    bool is_probe = false;  // Answered also when too many requests are open.
  };
  struct Match {
    const Route* route = nullptr;       // Null: no such path, or another method.
    const std::string* path = nullptr;  // As registered; null: no such path.
    std::string allow;                  // The methods of that path, when the method is another one.
  };

  void Add(std::string method, std::string path, Route route);
  Match Find(std::string_view method, std::string_view path) const;
  int64_t body_bytes_max() const { return body_bytes_max_; }  // Of all routes the largest.

 private:
  using Methods = std::map<std::string, Route, std::less<>>;
  std::map<std::string, Methods, std::less<>> paths_;
  int64_t body_bytes_max_ = 0;
};

}  // namespace pmem
