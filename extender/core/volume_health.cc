// SPDX-License-Identifier: Apache-2.0
#include "extender/core/volume_health.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"

namespace pmem::extender {
namespace {

bool IsTrouble(PoolState state) {
  switch (state) {
    case PoolState::kInactive:
    case PoolState::kReadOnly:
    case PoolState::kUnhealthy:
      return true;
    case PoolState::kOk:
    case PoolState::kLabelLess:  // Takes no new volumes; what is there is well.
    case PoolState::kUnknown:
      return false;
  }
  return false;
}

std::string Why(const CapacityReport& report, const PoolReport& pool) {
  for (const ReportError& error : report.errors) {
    if (error.source == pool.id) return absl::StrCat(": ", error.message);
  }
  return "";
}

}  // namespace

std::vector<Notice> FindTroubledVolumes(const Ledger& ledger, size_t count_max) {
  std::vector<Notice> notices;
  for (const auto& [name, node] : ledger.nodes().nodes()) {
    if (node->report == nullptr) continue;
    for (const PoolReport& pool : node->report->pools) {
      if (!IsTrouble(pool.state)) continue;
      for (const VolumeReport& volume : pool.volumes) {
        const Claim* const claim = ledger.cache().FindClaim(VolumeKey(volume.name));
        if (claim == nullptr) continue;
        if (notices.size() >= count_max) return notices;
        notices.push_back({*claim, NoticeReason::kPoolInTrouble,
                           absl::StrCat("volume ", volume.name, " lies in ", pool.id, " on node ",
                                        name, ", which is ", AbslView(PoolStateName(pool.state)),
                                        Why(*node->report, pool))});
      }
    }
  }
  return notices;
}

}  // namespace pmem::extender
