// SPDX-License-Identifier: Apache-2.0
// Claims that have their node already, but no volume: whether it can hold them; if not, their users
// are told, and a pin that nobody will ever act on is taken away. Pure, deterministic.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/pure/reasons.h"
#include "extender/core/ledger.h"
#include "extender/core/pin_memory.h"
#include "extender/core/pinning.h"

namespace pmem::extender {

class PinCheck {
 public:
  // What is found goes into *plan. All must outlive the object.
  PinCheck(const Ledger& ledger, const PinningOptions& options, PinMemory& memory, absl::Time now,
           PinningPlan* plan)
      : ledger_(ledger), options_(options), memory_(memory), now_(now), plan_(plan) {}

  // Of an open claim, again and again.
  void CheckPin(const Claim& claim) const;
  // Once, of one that was typed in by hand. The provisioner may have refused it before we look: so
  // it is judged by what was seen, unless its volume is there.
  void CheckHandPin(const Claim& claim) const;

 private:
  bool IsDeadEnd(const Claim& claim) const;
  Reason JudgePin(const Item& item, const Claim& claim) const;
  void Tell(const Claim& claim, NoticeReason reason, std::string message) const;
  void TellUnfit(const Claim& claim, Reason reason) const;

  const Ledger& ledger_;
  const PinningOptions& options_;
  PinMemory& memory_;
  const absl::Time now_;
  PinningPlan* const plan_;
};

}  // namespace pmem::extender
