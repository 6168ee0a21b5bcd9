// SPDX-License-Identifier: Apache-2.0
#include "extender/core/pin_check.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "extender/core/known_nodes.h"

namespace pmem::extender {
namespace {

// Agents start late and fall silent, or cannot read a pool for a moment; that is no reason to
// complain at once.
bool IsMatterOfTime(Reason reason) {
  return reason == Reason::kNoAgent || reason == Reason::kNoReport ||
         reason == Reason::kStaleReport || reason == Reason::kUnusablePool;
}

}  // namespace

void PinCheck::CheckHandPin(const Claim& claim) const {
  const Claim* current = ledger_.cache().FindClaim(claim.meta.uid);
  const ClaimPlace* place = ledger_.FindPlace(claim.meta.uid);
  if (current == nullptr || IsBound(*current) || (place != nullptr && !place->is_counted)) return;
  const std::optional<Item> item = ItemOf(claim, ledger_.cache());
  if (!item || ledger_.cache().FindNode(claim.selected_node) == nullptr) return;
  const Reason reason = JudgePin(*item, claim);
  if (reason != Reason::kFits && !IsMatterOfTime(reason)) TellUnfit(claim, reason);
}

void PinCheck::CheckPin(const Claim& claim) const {
  const ClaimPlace* place = ledger_.FindPlace(claim.meta.uid);
  if (place == nullptr) return;
  const std::string& node = claim.selected_node;
  const bool is_gone = ledger_.cache().FindNode(node) == nullptr;
  // A volume that the last report of a node listed went with it.
  const bool is_lost = is_gone && !ledger_.nodes().HasAgent(ledger_.nodes().FindId(node));
  if (!place->is_counted && !is_lost) return;
  const Reason reason = JudgePin(place->item, claim);
  if (!is_gone && reason == Reason::kFits) return;
  const absl::Time bad_since = memory_.Since("pin/" + claim.meta.uid + "/" + node, now_);
  // The driver may read a pool, and make the volume, where the agent does not.
  const bool is_hidden = !is_gone && reason == Reason::kUnusablePool;
  if (now_ < bad_since + (is_hidden ? options_.search_patience : options_.bad_pin_patience)) return;
  if (is_gone) {
    Tell(claim, NoticeReason::kPinnedNodeGone,
         absl::StrCat("pinned to node ", node, ", which does not exist"));
  } else {
    TellUnfit(claim, reason);
  }
  if (!options_.writes_pins || memory_.IsAwaited(claim, now_)) return;
  if (is_gone && (claim.is_pinned_by_us || claim.is_pinned_by_scheduler)) {
    plan_->unpins.push_back({claim, node});
  } else if (IsDeadEnd(claim) && now_ >= bad_since + options_.dead_end_patience) {
    plan_->unpins.push_back({claim, node, Unpin::Why::kNoPmem});
  }
}

// A scheduler that could not ask us chose a node on which no provisioner of ours runs or will: so
// nobody refuses the claim there, and the scheduler looks at that node alone from then on.
bool PinCheck::IsDeadEnd(const Claim& claim) const {
  if (!claim.is_pinned_by_scheduler) return false;
  const Node* node = ledger_.cache().FindNode(claim.selected_node);
  if (node == nullptr || HasPmemLabel(*node)) return false;
  const NodeState* state = ledger_.nodes().Find(claim.selected_node);
  if (state != nullptr && (state->has_agent || state->report != nullptr)) return false;
  const StorageClass* storage_class =
      ledger_.cache().FindClass(claim.storage_class_name.value_or(""));
  return storage_class != nullptr && storage_class->is_wait_for_first_consumer;
}

Reason PinCheck::JudgePin(const Item& item, const Claim& claim) const {
  PodDemand demand;
  demand.items.push_back(item);
  demand.item_classes.push_back(claim.storage_class_name.value_or(""));
  return ledger_.judge().JudgeFirm(claim.selected_node, demand, now_);
}

void PinCheck::Tell(const Claim& claim, NoticeReason reason, std::string message) const {
  plan_->notices.push_back({claim, reason, std::move(message)});
}

void PinCheck::TellUnfit(const Claim& claim, Reason reason) const {
  Tell(claim, NoticeReason::kPinnedNodeUnfit,
       absl::StrCat("pinned to node ", claim.selected_node, ": ", AbslView(ReasonText(reason))));
}

}  // namespace pmem::extender
