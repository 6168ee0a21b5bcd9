// SPDX-License-Identifier: Apache-2.0
// Devices that are played by a JSON file: for demonstrations, tests and load. Not thread-safe.
#pragma once

#include <string>
#include <utility>

#include "capacity-agent/device/pool_reader.h"

namespace pmem::agent {

// Reads the file anew at each Read. Errors: those of ReadFile and ParseSimulatedDevices.
class SimulatedReader final : public PoolReader {
 public:
  explicit SimulatedReader(std::string path) : path_(std::move(path)) {}

  std::string_view source() const override { return "simulated"; }
  absl::StatusOr<DeviceState> Read() override;

 private:
  const std::string path_;
};

}  // namespace pmem::agent
