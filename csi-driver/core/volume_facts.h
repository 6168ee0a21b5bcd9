// SPDX-License-Identifier: Apache-2.0
// What is known of a volume without its devices, and whether it may be promised to grow. Pure,
// thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/pure/capacity_report.h"
#include "csi-driver/core/creation.h"

namespace pmem::driver {

struct VolumeFacts {
  std::optional<PoolKind> kind;  // None: nobody says; the volume's own node knows.
  int64_t bytes = 0;             // 0: likewise.
  bool operator==(const VolumeFacts&) const = default;
};

// From the PersistentVolume of that name: kind as CreateVolume wrote it into volumeAttributes, and
// spec.capacity. No facts when it stands for another volume. InvalidArgument for what is none.
absl::StatusOr<VolumeFacts> FactsOf(std::string_view persistent_volume_json, std::string_view id);

// The bytes that the volume will have; its node rounds them up to whole steps of its pool, and
// judges its room. OutOfRange for a direct volume that is asked to grow, past the limit and past
// what any node has; InvalidArgument for negative numbers.
absl::StatusOr<int64_t> PromisedBytes(const VolumeFacts& facts, std::string_view id,
                                      const SizeRange& range);

}  // namespace pmem::driver
