// SPDX-License-Identifier: Apache-2.0
// Volumes in the JSON file that plays devices. Behind each is a sparse file on a loop device, so
// that formatting, mounting and growing are real. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "capacity-agent/device/volume_maker.h"

namespace pmem::agent {

// Beside FILE: FILE.lock, held while FILE is rewritten (by whoever else rewrites it, too), and the
// folder FILE.volumes with a file for each volume that was opened. Objects for the same FILE, in
// any process, do not disturb each other. Open needs root.
class SimulatedMaker final : public VolumeMaker {
 public:
  explicit SimulatedMaker(std::string path) : path_(std::move(path)) {}

  absl::Status Create(const VolumePlace& place, int64_t bytes, const Work& once_taken) override;
  absl::Status Extend(const VolumePlace& place, int64_t bytes) override;
  absl::StatusOr<std::string> Open(const VolumePlace& place) override;
  absl::Status Close(const VolumePlace& place) override;
  // It has a file only once it was opened. So a driver without root can remove what it made.
  absl::StatusOr<bool> MayHoldData(const VolumePlace& place) override;
  absl::Status Remove(const VolumePlace& place) override;

 private:
  using Edit = std::function<absl::StatusOr<std::string>(std::string_view)>;
  absl::Status Rewrite(const Edit& edit);
  absl::StatusOr<int64_t> BytesOf(const VolumePlace& place);
  absl::StatusOr<std::string> ImagePath(const VolumePlace& place);

  const std::string path_;
};

}  // namespace pmem::agent
