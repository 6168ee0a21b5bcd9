// SPDX-License-Identifier: Apache-2.0
#include "extender/core/class_health.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"

namespace pmem::extender {
namespace {

std::set<std::string> ClassesOfNoKind(const Ledger& ledger) {
  std::set<std::string> classes;
  for (const auto& [name, storage_class] : ledger.cache().classes()) {
    if (IsOurs(storage_class) && !KindOf(storage_class)) classes.insert(name);
  }
  return classes;
}

}  // namespace

FoundNotices FindUnknownKinds(const Ledger& ledger, const std::string& after, size_t count_max) {
  FoundNotices found;
  const std::set<std::string> classes = ClassesOfNoKind(ledger);
  if (classes.empty()) return found;
  const auto& claims = ledger.cache().claims();
  // Claims behind `first`, up to `last`; empty: from the first, to the last one.
  const auto look = [&](const std::string& first, const std::string& last) {
    for (auto it = claims.upper_bound(first); it != claims.end(); ++it) {
      const Claim& claim = it->second;
      if (found.notices.size() >= count_max || (!last.empty() && it->first > last)) return;
      if (IsBound(claim) || claim.meta.is_deleting || !claim.storage_class_name) continue;
      if (!classes.contains(*claim.storage_class_name)) continue;
      found.notices.push_back(
          {claim, NoticeReason::kUnknownKind,
           absl::StrCat("StorageClass ", *claim.storage_class_name, ": parameter ",
                        AbslView(kPmemTypeParameter), " must be lvm or direct")});
      found.last = claim.meta.uid;
    }
  };
  look(after, "");
  if (!after.empty()) look("", after);
  return found;
}

}  // namespace pmem::extender
