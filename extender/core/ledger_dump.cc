// SPDX-License-Identifier: Apache-2.0
// Ledger: its state as text, and what must always hold of it.
#include <algorithm>

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

// Collects what is broken.
class Findings {
 public:
  template <class... Parts>
  void Expect(bool holds, const Parts&... parts) {
    if (!holds) found_.push_back(absl::StrCat(parts...));
  }
  absl::Status status() const {
    return found_.empty() ? absl::OkStatus() : absl::InternalError(absl::StrJoin(found_, "; "));
  }

 private:
  std::vector<std::string> found_;
};

void CheckHolds(const Ledger& ledger, absl::Time now, Findings& findings) {
  for (const auto& [owner, hold] : ledger.holds().holds()) {
    findings.Expect(hold.until > now, "hold ", owner, " outlived its time");
    findings.Expect(!hold.node_ids.empty(), "hold ", owner, " is on no node");
    findings.Expect(!hold.items.empty() || !hold.volumes.empty(), "hold ", owner, " of nothing");
    for (const Item& item : hold.items) {
      findings.Expect(ledger.FindPlace(item.claim_uid) == nullptr, "claim ", item.claim_uid,
                      " is held by ", owner, " and has its place");
    }
  }
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

absl::Status Ledger::CheckInvariants(absl::Time now) const {
  Findings findings;
  CheckHolds(*this, now, findings);
  absl::btree_map<std::string, std::set<std::string>> counted;
  for (const auto& [uid, place] : places_) {
    const Claim* claim = cache_.FindClaim(uid);
    findings.Expect(claim != nullptr, "claim ", uid, " has a place and is gone");
    if (claim == nullptr) continue;
    findings.Expect(PlaceOf(*claim, &place).value_or(Place()) == place, "claim ", uid,
                    " is not where it should be");
    if (place.is_counted) counted[place.node].insert(uid);
  }
  for (const auto& [uid, claim] : cache_.claims()) {
    const bool is_placed = FindPlace(uid) != nullptr;
    findings.Expect(is_placed || !PlaceOf(claim, nullptr), "claim ", uid, " is not accounted");
  }
  for (const auto& [name, node] : nodes_.nodes()) {
    std::set<std::string> assigned;
    for (const auto& [uid, item] : node->assigned) assigned.insert(uid);
    findings.Expect(assigned == counted[name], "node ", name, ": assigned claims differ");
    NodeState afresh{.name = name, .report = node->report, .expansions = node->expansions};
    NodeBook::RebuildRoom(afresh);
    findings.Expect(afresh.room == node->room, "node ", name, ": room differs");
    findings.Expect(IsQuickRight(*node), "node ", name, ": its short way is out of date");
    for (const auto& [uid, debt] : node->debts) {
      findings.Expect(!NodeBook::IsOver(*node, debt, now), "debt ", uid, " on ", name,
                      " outlived its time");
      findings.Expect(!assigned.contains(uid), "claim ", uid, " is assigned and a debt on ", name);
    }
    for (const auto& [uid, entry] : node->reserved) {
      for (const std::string& pod : entry.pod_uids) {
        findings.Expect(cache_.FindPod(pod) != nullptr, "pod ", pod, " is gone and reserves ", uid);
      }
    }
  }
  return findings.status();
}

}  // namespace pmem::extender
