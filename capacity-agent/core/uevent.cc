// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/uevent.h"

#include <algorithm>

namespace pmem::agent {
namespace {

// The value of one "NAME=value" part; empty when there is none.
std::string_view Value(std::string_view message, std::string_view name) {
  while (!message.empty()) {
    const size_t end = std::min(message.find('\0'), message.size());
    const std::string_view part = message.substr(0, end);
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') {
      return part.substr(name.size() + 1);
    }
    message.remove_prefix(std::min(end + 1, message.size()));
  }
  return {};
}

}  // namespace

bool IsDeviceChange(std::string_view message) {
  const std::string_view subsystem = Value(message, "SUBSYSTEM");
  if (subsystem == "nd" || subsystem == "dax") return true;
  if (subsystem != "block") return false;
  const std::string_view device = Value(message, "DEVNAME");
  return device.starts_with("pmem") || device.starts_with("dm-");
}

}  // namespace pmem::agent
