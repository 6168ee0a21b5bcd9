// SPDX-License-Identifier: Apache-2.0
// Why a node is refused: a closed enum. Its texts are constant, because kube-scheduler patches and
// requeues a pod whenever a message changes, and counts nodes by message. Numbers belong to the
// explain API, metrics and logs. Pure, thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace pmem {

enum class Reason : uint8_t {
  kFits,             // Not refused.
  kNoAgent,          // No agent is known there: not a PMEM node, as far as we can see.
  kNoReport,         // An agent is expected but has not reported yet.
  kStaleReport,      // Its agent has been silent for too long.
  kNoPool,           // It reports no pool of the kind that is asked for.
  kUnusablePool,     // Its pools of that kind take no new volumes (read-only, unhealthy, ...).
  kNoRoom,           // Too few free bytes in its pools.
  kNoExtent,         // Enough free bytes in a region, but not in one piece.
  kNoLabelSlot,      // No free slot in the label area of the region.
  kHeld,             // Fits, but for now the room is held for pods whose node is not known yet.
  kPinnedElsewhere,  // Another claim of the pod already has its place on another node.
  kUnknownKind,      // The StorageClass asks for neither lvm nor direct.
  kNoVolume,         // Nobody makes a volume for such a claim, and none that is there serves it.
  kUnread,           // The API server did not say what the pod's claims are.
  kTooManyClaims,    // More than are read for one decision.
};

inline constexpr std::array kReasons = {
    Reason::kFits,        Reason::kNoAgent,      Reason::kNoReport,        Reason::kStaleReport,
    Reason::kNoPool,      Reason::kUnusablePool, Reason::kNoRoom,          Reason::kNoExtent,
    Reason::kNoLabelSlot, Reason::kHeld,         Reason::kPinnedElsewhere, Reason::kUnknownKind,
    Reason::kNoVolume,    Reason::kUnread,       Reason::kTooManyClaims,
};

// Metric label and REST value: "no_room". kFits is "fits".
std::string_view ReasonName(Reason reason);

// What kube-scheduler shows in the pod's condition. kFits has an empty text.
std::string_view ReasonText(Reason reason);

// True: a retry may succeed without anything being freed (goes to FailedNodes). False: only more
// room helps, preemption does not (goes to FailedAndUnresolvableNodes).
constexpr bool IsForNow(Reason reason) {
  return reason == Reason::kHeld || reason == Reason::kUnread;
}

}  // namespace pmem
