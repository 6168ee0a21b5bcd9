// SPDX-License-Identifier: Apache-2.0
#include "common/pure/reasons.h"

namespace pmem {
namespace {

struct Row {
  std::string_view name;
  std::string_view text;
};

constexpr Row RowOf(Reason reason) {
  switch (reason) {
    case Reason::kFits:
      return {"fits", ""};
    case Reason::kNoAgent:
      return {"no_agent", "no PMEM agent on the node"};
    case Reason::kNoReport:
      return {"no_report", "PMEM of the node is not known yet"};
    case Reason::kStaleReport:
      return {"stale_report", "PMEM agent of the node is silent"};
    case Reason::kNoPool:
      return {"no_pool", "no PMEM pool of the requested kind"};
    case Reason::kUnusablePool:
      return {"unusable_pool", "PMEM pools take no new volumes"};
    case Reason::kNoRoom:
      return {"no_room", "insufficient free PMEM"};
    case Reason::kNoExtent:
      return {"no_extent", "no contiguous PMEM extent is large enough"};
    case Reason::kNoLabelSlot:
      return {"no_label_slot", "no free NVDIMM label slot"};
    case Reason::kHeld:
      return {"held", "free PMEM is held for other pods for now"};
    case Reason::kPinnedElsewhere:
      return {"pinned_elsewhere", "a PMEM claim of the pod is on another node"};
    case Reason::kUnknownKind:
      return {"unknown_kind", "StorageClass asks for no known PMEM kind"};
    case Reason::kNoVolume:
      return {"no_volume", "no PersistentVolume serves the claim, and none is made for it"};
    case Reason::kUnread:
      return {"unread", "the API server did not say what the pod's claims are"};
    case Reason::kTooManyClaims:
      return {"too_many_claims", "the pod has more PMEM claims than are read for one decision"};
  }
  return {"", ""};
}

}  // namespace

std::string_view ReasonName(Reason reason) { return RowOf(reason).name; }
std::string_view ReasonText(Reason reason) { return RowOf(reason).text; }

}  // namespace pmem
