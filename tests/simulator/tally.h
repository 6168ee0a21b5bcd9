// SPDX-License-Identifier: Apache-2.0
// What is counted over many worlds.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/time/time.h"

namespace pmem::extender::simulator {

// Why a pod that fitted had no node, at one moment.
enum class Cause {
  kBackoff,       // The ledger would say yes; the scheduler has not asked again yet.
  kUndecided,     // Room is held for pods whose attempt is under way.
  kAbandoned,     // Room is held for attempts that were given up without a word.
  kTakeover,      // Room is held for what a leader before may have decided.
  kDebt,          // A creation could still be under way.
  kBlind,         // More happened than is kept account of; or PersistentVolumes are held.
  kReservation,   // Room is kept for the rest of half-provisioned pods.
  kSilentAgent,   // The agent has not spoken for too long, or not at all yet.
  kReportBehind,  // What was freed on the node has not been reported yet.
  kWatchBehind,   // What the objects say has not been heard yet.
  kNobody,        // No replica leads, or the one that does waits for its lists.
};
inline constexpr size_t kCauses = 11;
std::string_view CauseText(Cause cause);

// One pod, from a refusal although it fitted until it was answered a node, or needed none any more.
// Only the time in which it fitted is counted.
struct Refusal {
  uint64_t seed = 0;                           // Of its world.
  std::array<absl::Duration, kCauses> lasted;  // By cause.
  absl::Duration Whole() const;
  // How long the answer would have been wrong whenever asked for.
  absl::Duration ByUs() const { return Whole() - lasted[static_cast<size_t>(Cause::kBackoff)]; }
};

struct Tally {
  int64_t worlds = 0;
  int64_t pods = 0;
  int64_t placed = 0;
  int64_t accepted = 0;          // Claims that were given a node.
  int64_t over_committed = 0;    // Must be 0.
  int64_t failed_by_us = 0;      // Creations. Must be 0.
  int64_t leaks = 0;             // Must be 0.
  int64_t stranded = 0;          // Pods that fit and were not placed. Must be 0.
  int64_t failed_excused = 0;    // Creations that failed as somebody took the room by hand.
  int64_t failed_by_device = 0;  // ... as the node chose another pool than would have done.
  int64_t refusals = 0;          // Filter answers without a node.
  int64_t events = 0;            // Applied to a ledger.
  int64_t steps = 0;             // Of the agenda.
  int64_t checks = 0;            // Of all invariants.
  std::vector<Refusal> false_refusals;
  void Add(const Tally& other);
};

// Several lines, to be read by people.
void Print(const Tally& tally, double seconds);

}  // namespace pmem::extender::simulator
