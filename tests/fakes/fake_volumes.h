// SPDX-License-Identifier: Apache-2.0
// Persistent memory in a string, read and written like the real one, that fails when a test says
// so.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capacity-agent/core/simulated_edit.h"
#include "capacity-agent/core/simulated_parse.h"
#include "capacity-agent/device/pool_reader.h"
#include "capacity-agent/device/volume_maker.h"
#include "common/pure/status_macros.h"
#include "csi-driver/devices.h"

namespace pmem::driver {

// Shared by readers, makers and the test that owns it.
struct FakeStore {
  std::string json;                     // As in docs/protocol.md.
  absl::Status read_failure;            // Of every reading.
  absl::Status make_failure;            // Of the next call that writes; then it is OK again.
  std::vector<std::string> calls;       // "Create pmemvgregion0/disk-1 4194304"
  std::map<std::string, int> openings;  // Volumes that are open.
  int opens = 0;                        // Calls.
  bool is_ready = false;                // Whatever volume: its device is there without Open.
  bool may_hold_data = true;            // Whatever volume is asked about.
  agent::Work removal;                  // What takes long at each removal, under another name.
};

class FakeStoreReader final : public agent::PoolReader {
 public:
  explicit FakeStoreReader(FakeStore* store) : store_(store) {}
  std::string_view source() const override { return "fake"; }
  absl::StatusOr<agent::DeviceState> Read() override {
    PMEM_RETURN_IF_ERROR(store_->read_failure);
    return agent::ParseSimulatedDevices(store_->json);
  }

 private:
  FakeStore* const store_;
};

class FakeMaker final : public agent::VolumeMaker {
 public:
  explicit FakeMaker(FakeStore* store) : store_(store) {}

  absl::Status Create(const agent::VolumePlace& place, int64_t bytes) {
    return Create(place, bytes, absl::OkStatus);
  }
  absl::Status Create(const agent::VolumePlace& place, int64_t bytes,
                      const agent::Work& once_taken) override {
    PMEM_RETURN_IF_ERROR(
        Write("Create", place, bytes,
              agent::AddSimulatedVolume(store_->json, place.pool, place.name, bytes)));
    absl::Status wanted = once_taken();
    if (!wanted.ok()) Remove(place).IgnoreError();
    return wanted;
  }
  absl::Status Extend(const agent::VolumePlace& place, int64_t bytes) override {
    return Write("Extend", place, bytes,
                 agent::ResizeSimulatedVolume(store_->json, place.pool, place.name, bytes));
  }
  absl::StatusOr<std::string> Open(const agent::VolumePlace& place) override {
    ++store_->opens;
    store_->openings[place.name] = 1;
    return DeviceOf(place.name);
  }
  std::optional<std::string> OpenDevice(const agent::VolumePlace& place) override {
    if (!store_->is_ready) return std::nullopt;
    return DeviceOf(place.name);
  }
  absl::Status Close(const agent::VolumePlace& place) override {
    store_->openings.erase(place.name);
    return absl::OkStatus();
  }
  absl::StatusOr<bool> MayHoldData(const agent::VolumePlace&) override {
    return store_->may_hold_data;
  }
  absl::Status Remove(const agent::VolumePlace& place) override {
    return Write("Remove", place, 0,
                 agent::RemoveSimulatedVolume(store_->json, place.pool, place.name));
  }

  absl::StatusOr<Removal> BeginRemoval(const agent::VolumePlace& place) override {
    if (!store_->removal) return VolumeMaker::BeginRemoval(place);
    agent::VolumePlace begun = place;
    if (!place.name.starts_with("new-")) {
      PMEM_RETURN_IF_ERROR(Disown(place));
      begun.name = "new-" + place.name;
    }
    return Removal{.erase = store_->removal, .finish = [this, begun] { return Remove(begun); }};
  }

  absl::Status Disown(const agent::VolumePlace& place) override {
    if (place.name.starts_with("new-")) return Write("PutAway", place, 0, store_->json);
    const std::string quoted = '"' + place.name + '"';
    std::string after = store_->json;
    if (after.find(quoted) == std::string::npos) return absl::NotFoundError(place.name);
    after.replace(after.find(quoted), quoted.size(), "\"new-" + place.name + '"');
    return Write("Disown", place, 0, std::move(after));
  }

  absl::Status Disable(const agent::VolumePlace& place) override {
    return Write("Disable", place, 0, store_->json);
  }

  static std::string DeviceOf(const std::string& name) { return "/dev/fake/" + name; }

 private:
  absl::Status Write(const std::string& what, const agent::VolumePlace& place, int64_t bytes,
                     absl::StatusOr<std::string> after) {
    store_->calls.push_back(what + " " + place.pool + "/" + place.name +
                            (bytes == 0 ? "" : " " + std::to_string(bytes)));
    PMEM_RETURN_IF_ERROR(std::exchange(store_->make_failure, absl::OkStatus()));
    PMEM_RETURN_IF_ERROR(after.status());
    store_->json = *std::move(after);
    return absl::OkStatus();
  }

  FakeStore* const store_;
};

inline void FillFakeDevices(FakeStore* store, Devices* devices) {
  devices->node = "n1";
  devices->volume_groups = agent::NamePatterns("pmemvgregion*");
  devices->regions = agent::NamePatterns("*");
  devices->readers.push_back(std::make_unique<FakeStoreReader>(store));
  for (const PoolKind kind : {PoolKind::kLvm, PoolKind::kDirect}) {
    devices->makers[kind] = std::make_unique<FakeMaker>(store);
  }
}

}  // namespace pmem::driver
