// SPDX-License-Identifier: Apache-2.0
// Which VolumeGroups and regions are ours, by name: shell patterns of '*' and '?'. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pmem::agent {

// Whether `pattern` covers the whole of `name`. Time is at most name x pattern, whatever the
// pattern.
bool MatchesPattern(std::string_view name, std::string_view pattern);

// A list: a name is covered when one pattern of it covers it. An empty list covers nothing.
class NamePatterns {
 public:
  NamePatterns() = default;
  // "a*,b?": separated by commas; empty parts are dropped.
  explicit NamePatterns(std::string_view comma_separated);

  bool Cover(std::string_view name) const;
  const std::vector<std::string>& patterns() const { return patterns_; }

 private:
  std::vector<std::string> patterns_;
};

}  // namespace pmem::agent
