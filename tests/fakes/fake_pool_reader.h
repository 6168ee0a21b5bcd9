// SPDX-License-Identifier: Apache-2.0
// Devices that say what a test puts into them.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "capacity-agent/device/pool_reader.h"

namespace pmem::agent {

// What the reader answers next, shared with the test that owns it.
struct FakeDevices {
  absl::StatusOr<DeviceState> answer = DeviceState();
  int reads = 0;
};

class FakePoolReader final : public PoolReader {
 public:
  // Of all kinds, or of `kind` alone.
  FakePoolReader(std::string source, FakeDevices* devices,
                 std::optional<PoolKind> kind = std::nullopt)
      : source_(std::move(source)), devices_(devices), kind_(kind) {}
  std::string_view source() const override { return source_; }
  bool Reads(PoolKind kind) const override { return kind_.value_or(kind) == kind; }
  absl::StatusOr<DeviceState> Read() override {
    ++devices_->reads;
    return devices_->answer;
  }

 private:
  const std::string source_;
  FakeDevices* const devices_;
  const std::optional<PoolKind> kind_;
};

}  // namespace pmem::agent
