// SPDX-License-Identifier: Apache-2.0
// Ledger: its state as text.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "extender/core/ledger.h"

namespace pmem::extender {
namespace {

std::string Text(const Item& item) {
  const std::string_view kind = PoolKindName(item.kind);
  return absl::StrCat(item.claim_uid, ":", absl::string_view(kind.data(), kind.size()), ":",
                      item.requested_bytes);
}

}  // namespace

std::string Ledger::Dump() const {
  std::string out;
  for (const auto& [name, node] : nodes_.nodes()) {
    absl::StrAppend(&out, "node ", name, node->has_agent ? "" : " no-agent",
                    " generation=", node->report == nullptr ? -1 : node->report->generation, "\n");
    for (const Bin& bin : node->room.bins) {
      absl::StrAppend(&out, "  free ", node->room.pools[bin.pool].id, " ", bin.free_bytes, "\n");
    }
    for (const auto& [uid, item] : node->assigned)
      absl::StrAppend(&out, "  assigned ", Text(item), "\n");
    for (const auto& [uid, entry] : node->reserved) {
      absl::StrAppend(&out, "  reserved ", Text(entry.item), " for ",
                      absl::StrJoin(entry.pod_uids, ","), "\n");
    }
    for (const auto& [uid, debt] : node->debts) {
      absl::StrAppend(&out, "  debt ", Text(debt.item), " until ", absl::ToUnixMillis(debt.until),
                      "\n");
    }
    for (const auto& [uid, expansion] : node->expansions) {
      absl::StrAppend(&out, "  expansion ", uid, " ", expansion.pool_id, " ", expansion.bytes,
                      "\n");
    }
  }
  for (const auto& [owner, hold] : holds_.holds()) {
    const auto text = [](std::string* to, const Item& item) { absl::StrAppend(to, Text(item)); };
    absl::StrAppend(&out, "hold ", owner, " nodes=", absl::StrJoin(hold.node_ids, ","),
                    " items=", absl::StrJoin(hold.items, ",", text),
                    hold.volumes.empty() ? "" : " volumes=", absl::StrJoin(hold.volumes, ","),
                    " until ", absl::ToUnixMillis(hold.until), "\n");
  }
  return out;
}

}  // namespace pmem::extender
