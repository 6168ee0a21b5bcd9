// SPDX-License-Identifier: Apache-2.0
// Ledger: what must always hold of it.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "extender/core/ledger.h"
#include "extender/core/node_numbers.h"

namespace pmem::extender {

// Collects what is broken.
class Ledger::Findings {
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

void Ledger::CheckHolds(absl::Time now, Findings& findings) const {
  for (const auto& [owner, hold] : holds_.holds()) {
    findings.Expect(hold.until > now, "hold ", owner, " outlived its time");
    findings.Expect(!hold.node_ids.empty(), "hold ", owner, " is on no node");
    findings.Expect(!hold.items.empty() || !hold.volumes.empty(), "hold ", owner, " of nothing");
    for (const Item& item : hold.items) {
      findings.Expect(FindPlace(item.claim_uid) == nullptr, "claim ", item.claim_uid,
                      " is held by ", owner, " and has its place");
    }
  }
}

void Ledger::CheckClaim(const Claim& claim, Findings& findings) const {
  const std::string& uid = claim.meta.uid;
  const ClaimPlace* place = FindPlace(uid);
  if (place == nullptr) {
    findings.Expect(!PlaceOf(claim, nullptr), "claim ", uid, " is not accounted");
    return;
  }
  findings.Expect(PlaceOf(claim, place).value_or(ClaimPlace()) == *place, "claim ", uid,
                  " is not where it should be");
  findings.Expect(places_.On(place->node).contains(place), "claim ", uid,
                  " is not found by its node ", place->node);
}

void Ledger::CheckNode(const NodeState& node, absl::Time now, Findings& findings) const {
  std::set<std::string> assigned;
  for (const auto& [uid, item] : node.assigned) assigned.insert(uid);
  std::set<std::string> counted;
  for (const ClaimPlace* place : places_.On(node.name)) {
    if (place->is_counted) counted.insert(UidOf(*place));
    findings.Expect(cache_.FindClaim(UidOf(*place)) != nullptr, "claim ", UidOf(*place),
                    " has a place and is gone");
  }
  findings.Expect(assigned == counted, "node ", node.name, ": assigned claims differ");
  NodeState afresh{.name = node.name, .report = node.report, .expansions = node.expansions};
  NodeBook::RebuildRoom(afresh);
  findings.Expect(afresh.room == node.room, "node ", node.name, ": room differs");
  findings.Expect(judge_.IsRightAbout(node), "node ", node.name, ": its short way is out of date");
  findings.Expect(AreKeptNumbersRight(node), "node ", node.name, ": its numbers are out of date");
  for (const auto& [uid, debt] : node.debts) {
    findings.Expect(!NodeBook::IsOver(node, debt, now), "debt ", uid, " on ", node.name,
                    " outlived its time");
    findings.Expect(!assigned.contains(uid), "claim ", uid, " is assigned and a debt on ",
                    node.name);
  }
  for (const auto& [uid, entry] : node.reserved) {
    for (const std::string& pod : entry.pod_uids) {
      findings.Expect(cache_.FindPod(pod) != nullptr, "pod ", pod, " is gone and reserves ", uid);
    }
  }
}

absl::Status Ledger::CheckInvariants(absl::Time now) const {
  Findings findings;
  CheckHolds(now, findings);
  for (const auto& [uid, claim] : cache_.claims()) CheckClaim(claim, findings);
  for (const auto& [name, node] : nodes_.nodes()) CheckNode(*node, now, findings);
  for (const auto& [uid, place] : places_.places()) {
    findings.Expect(cache_.FindClaim(uid) != nullptr, "claim ", uid, " has a place and is gone");
  }
  return findings.status();
}

absl::Status Ledger::CheckSomeInvariants(InvariantRound& round, absl::Time now,
                                         int objects_max) const {
  Findings findings;
  if (round.node.empty() && round.claim.empty()) CheckHolds(now, findings);
  int left = objects_max;
  const auto& nodes = nodes_.nodes();
  auto node = nodes.upper_bound(round.node);
  for (; node != nodes.end() && left > 0; ++node, --left) {
    CheckNode(*node->second, now, findings);
    round.node = node->first;
  }
  const auto& claims = cache_.claims();
  auto claim = claims.upper_bound(round.claim);
  for (; claim != claims.end() && left > 0; ++claim, --left) {
    CheckClaim(claim->second, findings);
    round.claim = claim->first;
  }
  round.objects += objects_max - left;
  if (node == nodes.end() && claim == claims.end()) {
    round = {.objects = round.objects, .rounds = round.rounds + 1};
  }
  return findings.status();
}

}  // namespace pmem::extender
