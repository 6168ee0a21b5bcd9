// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/core/device_choice.h"

namespace pmem::agent {
namespace {

constexpr std::string_view kRealDevices = "real";
constexpr std::string_view kSimulatedPrefix = "simulated:";

}  // namespace

absl::Status ParseDevices(const std::string& text, std::string* simulated_file) {
  if (text == kRealDevices) {
    simulated_file->clear();
    return absl::OkStatus();
  }
  if (!text.starts_with(kSimulatedPrefix) || text.size() == kSimulatedPrefix.size()) {
    return absl::InvalidArgumentError("is neither real nor simulated:FILE");
  }
  *simulated_file = text.substr(kSimulatedPrefix.size());
  return absl::OkStatus();
}

}  // namespace pmem::agent
