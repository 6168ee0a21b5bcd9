// SPDX-License-Identifier: Apache-2.0
#include "extender/core/class_health.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"

namespace pmem::extender {

std::vector<Notice> FindUnknownKinds(const Ledger& ledger, size_t count_max) {
  std::set<std::string> classes;
  for (const auto& [name, storage_class] : ledger.cache().classes()) {
    if (IsOurs(storage_class) && !KindOf(storage_class)) classes.insert(name);
  }
  std::vector<Notice> notices;
  if (classes.empty()) return notices;
  for (const auto& [uid, claim] : ledger.cache().claims()) {
    if (notices.size() >= count_max) break;
    if (IsBound(claim) || claim.meta.is_deleting || !claim.storage_class_name) continue;
    if (!classes.contains(*claim.storage_class_name)) continue;
    notices.push_back({claim, NoticeReason::kUnknownKind,
                       absl::StrCat("StorageClass ", *claim.storage_class_name, ": parameter ",
                                    AbslView(kPmemTypeParameter), " must be lvm or direct")});
  }
  return notices;
}

}  // namespace pmem::extender
