// SPDX-License-Identifier: Apache-2.0
#include "common/pure/capacity_report.h"

namespace pmem {

std::string_view PoolKindName(PoolKind kind) { return kind == PoolKind::kLvm ? "lvm" : "direct"; }

std::optional<PoolKind> PoolKindFromName(std::string_view name) {
  if (name == "lvm") return PoolKind::kLvm;
  if (name == "direct") return PoolKind::kDirect;
  return std::nullopt;
}

}  // namespace pmem
