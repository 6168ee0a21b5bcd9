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

// Those that should reserve and do not, or reserve elsewhere; of the others see their nodes.
void Ledger::CheckPod(const Pod& pod, Findings& findings) const {
  const PodDemand demand = ReservationsOf(pod);
  const auto kept = reserving_.find(pod.meta.uid);
  const bool is_right = demand.items.empty()
                            ? kept == reserving_.end()
                            : kept != reserving_.end() && kept->second == demand.node;
  findings.Expect(is_right, "pod ", pod.meta.uid, " does not reserve where it should");
}

// What the node keeps for claims that have their place on it.
void Ledger::CheckClaimsOn(const NodeState& node, Findings& findings) const {
  NodeState afresh{.name = node.name, .report = node.report};
  for (const ClaimPlace* place : places_.On(node.name)) {
    const std::string& uid = UidOf(*place);
    if (place->is_counted) afresh.assigned.emplace_hint(afresh.assigned.end(), uid, place->item);
    const Claim* claim = cache_.FindClaim(uid);
    findings.Expect(claim != nullptr, "claim ", uid, " has a place and is gone");
    if (claim == nullptr) continue;
    const Expansion expansion = ExpansionOf(*place, *claim, node);
    if (expansion.bytes > 0) afresh.expansions[uid] = expansion;
  }
  NodeBook::RebuildRoom(afresh);
  findings.Expect(afresh.assigned == node.assigned, "node ", node.name, ": assigned claims differ");
  findings.Expect(afresh.expansions == node.expansions, "node ", node.name, ": expansions differ");
  findings.Expect(afresh.room == node.room, "node ", node.name, ": room differs");
}

void Ledger::CheckReservationsOn(const NodeState& node, Findings& findings) const {
  std::set<std::string> pods;
  for (const auto& [uid, entry] : node.reserved) {
    findings.Expect(!entry.pod_uids.empty(), "nobody reserves ", uid, " on ", node.name);
    pods.insert(entry.pod_uids.begin(), entry.pod_uids.end());
  }
  absl::btree_map<std::string, Reservation> afresh;
  for (const std::string& uid : pods) {
    const Pod* pod = cache_.FindPod(uid);
    findings.Expect(pod != nullptr, "pod ", uid, " is gone and reserves on ", node.name);
    if (pod == nullptr) continue;
    const PodDemand demand = ReservationsOf(*pod);
    if (demand.node != node.name) continue;
    for (const Item& item : demand.items) {
      afresh[item.claim_uid].item = item;
      afresh[item.claim_uid].pod_uids.insert(uid);
    }
  }
  findings.Expect(afresh == node.reserved, "node ", node.name, ": reservations differ");
}

void Ledger::CheckNode(const NodeState& node, absl::Time now, Findings& findings) const {
  CheckClaimsOn(node, findings);
  CheckReservationsOn(node, findings);
  findings.Expect(judge_.IsRightAbout(node), "node ", node.name, ": its short way is out of date");
  findings.Expect(AreKeptNumbersRight(node), "node ", node.name, ": its numbers are out of date");
  for (const auto& [uid, debt] : node.debts) {
    findings.Expect(!NodeBook::IsOver(node, debt, now), "debt ", uid, " on ", node.name,
                    " outlived its time");
    findings.Expect(!node.assigned.contains(uid), "claim ", uid, " is assigned and a debt on ",
                    node.name);
  }
}

absl::Status Ledger::CheckInvariants(absl::Time now) const {
  Findings findings;
  CheckHolds(now, findings);
  for (const auto& [uid, claim] : cache_.claims()) CheckClaim(claim, findings);
  for (const auto& [uid, pod] : cache_.pods()) CheckPod(pod, findings);
  for (const auto& [name, node] : nodes_.nodes()) CheckNode(*node, now, findings);
  for (const auto& [uid, place] : places_.places()) {
    findings.Expect(cache_.FindClaim(uid) != nullptr, "claim ", uid, " has a place and is gone");
  }
  return findings.status();
}

absl::Status Ledger::CheckSomeInvariants(InvariantRound& round, absl::Time now,
                                         int objects_max) const {
  Findings findings;
  if (round.node.empty() && round.claim.empty() && round.pod.empty()) CheckHolds(now, findings);
  int left = objects_max;
  // Looks at the next of `objects`, after `last`. True: those were all.
  const auto look = [&left](const auto& objects, std::string& last, auto check) {
    auto at = objects.upper_bound(last);
    for (; at != objects.end() && left > 0; ++at, --left) {
      check(at->second);
      last = at->first;
    }
    return at == objects.end();
  };
  bool is_over =
      look(nodes_.nodes(), round.node, [&](const auto& node) { CheckNode(*node, now, findings); });
  is_over &=
      look(cache_.claims(), round.claim, [&](const Claim& claim) { CheckClaim(claim, findings); });
  is_over &= look(cache_.pods(), round.pod, [&](const Pod& pod) { CheckPod(pod, findings); });
  round.objects += objects_max - left;
  if (is_over) round = {.objects = round.objects, .rounds = round.rounds + 1};
  return findings.status();
}

}  // namespace pmem::extender
