// SPDX-License-Identifier: Apache-2.0
// The writes of capacity objects that the API server has refused: one that will be refused again (a
// quota, a policy, an object that cannot be changed so) is not to keep the others from being
// written, nor to be tried all the time. Each is left alone for kRefusedPauseMin, doubled up to
// kRefusedPauseMax with each refusal. Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/time/time.h"
#include "extender/core/capacity_objects.h"

namespace pmem::extender {

inline constexpr absl::Duration kRefusedPauseMin = absl::Seconds(1);
inline constexpr absl::Duration kRefusedPauseMax = absl::Minutes(1);
// More than there are objects of a few classes with one a node.
inline constexpr size_t kRefusedWritesMax = 16384;

class RefusedWrites {
 public:
  bool MayTry(const CapacityChange& change, absl::Time now) const;
  // It was refused. Returns for how long it is left alone; nothing is noted and none returned when
  // too many are remembered.
  std::optional<absl::Duration> Note(const CapacityChange& change, absl::Time now);
  // Forgets objects for which `plan`, all that has to be written, has nothing: they are as they
  // should be.
  void KeepOnly(const std::vector<CapacityChange>& plan);

 private:
  // Each kind by itself: that an object may not be replaced says nothing of whether it may be made
  // anew. An object is remembered with all its kinds as long as it has to be written at all, so
  // that one that is made and refused by turns is not tried all the time either.
  using Key = std::pair<std::string, CapacityChange::Kind>;
  struct Refusal {
    absl::Time again_at;
    absl::Duration pause;
  };
  absl::btree_map<Key, Refusal> refusals_;
};

}  // namespace pmem::extender
