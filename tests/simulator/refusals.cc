// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/refusals.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pmem::extender::simulator {
namespace {

constexpr absl::Duration kLookPeriod = absl::Milliseconds(500);

std::vector<Item> Join(std::vector<Item> items, const std::vector<Item>& more) {
  for (const Item& item : more) {
    if (!HasClaim(items, item.claim_uid)) items.push_back(item);
  }
  return items;
}

bool Fits(const Room& room, std::vector<Item> items, KindSet kinds) {
  KeepKinds(kinds, items);
  return Pack(room, items).has_value();
}

}  // namespace

Refusals::Refusals(Stage& stage, Oracle& oracle, std::function<Replica*()> leader)
    : stage_(stage), oracle_(oracle), leader_(std::move(leader)) {}

void Refusals::SetUnderWay(const std::string& pod_uid, bool is_under_way) {
  if (is_under_way) {
    under_way_.insert(pod_uid);
  } else {
    under_way_.erase(pod_uid);
  }
}

void Refusals::Answered(const Pod& pod, bool is_refused, const std::vector<std::string>& names) {
  if (!is_refused) return Ended(pod.meta.uid);
  ++oracle_.tally().refusals;
  const bool fits = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return oracle_.Fits(pod, name).value_or(false);
  });
  if (!fits || !open_.try_emplace(pod.meta.uid, Refusal{.seed = stage_.plan.seed}).second) return;
  stage_.Tell(absl::StrCat("pod ", pod.meta.key.name, " is refused although it fits"));
  if (!std::exchange(is_looking_, true)) Look();
}

void Refusals::Ended(const std::string& pod_uid) {
  const auto it = open_.find(pod_uid);
  if (it == open_.end()) return;
  oracle_.tally().false_refusals.push_back(it->second);
  open_.erase(it);
}

void Refusals::Look() {
  for (auto& [uid, refusal] : open_) {
    const Pod* pod = stage_.kube.FindPod(uid);
    const std::optional<Cause> cause = pod == nullptr ? std::nullopt : CauseOf(*pod);
    if (!cause) continue;
    refusal.lasted[static_cast<size_t>(*cause)] += kLookPeriod;
    if (stage_.is_told) {
      stage_.Tell(
          absl::StrCat("pod ", pod->meta.key.name, " waits: ", std::string(CauseText(*cause))));
    }
  }
  is_looking_ = !open_.empty();
  if (is_looking_) stage_.agenda.After(kLookPeriod, [this] { Look(); });
}

std::optional<Cause> Refusals::CauseOf(const Pod& pod) const {
  std::vector<std::string> fitting;
  for (const std::string& name : oracle_.NodesLeft(pod)) {
    if (oracle_.Fits(pod, name).value_or(false)) fitting.push_back(name);
  }
  if (fitting.empty()) return std::nullopt;
  const Replica* leader = leader_();
  if (leader == nullptr || !leader->IsDeciding()) return Cause::kNobody;
  const LiveObjects live = leader->Complete(pod);
  const PodDemand demand = leader->ledger().Demand(pod, &live);
  if (!demand.IsKnown() || !demand.absent.empty()) return Cause::kWatchBehind;
  if (!demand.IsPmem()) return Cause::kBackoff;
  std::optional<Cause> least;
  for (const std::string& name : fitting) {
    const Cause cause = CauseOn(name, *leader, pod, demand);
    if (!least || cause < *least) least = cause;
  }
  return least;
}

Cause Refusals::CauseOn(const std::string& name, const Replica& leader, const Pod& pod,
                        const PodDemand& demand) const {
  const Ledger& ledger = leader.ledger();
  const NodeState* node = ledger.nodes().Find(name);
  switch (ledger.judge().Judge(name, demand, pod.meta.uid, stage_.agenda.now())) {
    case Reason::kFits:
      return Cause::kBackoff;
    case Reason::kNoAgent:
    case Reason::kNoReport:
    case Reason::kStaleReport:
      return Cause::kSilentAgent;
    case Reason::kPinnedElsewhere:
      return Cause::kWatchBehind;
    default:
      break;
  }
  const std::vector<Item>& items = demand.items;
  const std::vector<Item> firm = Join(NodeBook::FirmItems(*node, items), items);
  const KindSet kinds = KindsOf(items);
  if (!Fits(node->room, firm, kinds)) return CauseOfPromises(*node, items);
  const std::vector<Item> promised = Join(firm, NodeBook::DebtItems(*node, items));
  if (!Fits(node->room, promised, kinds)) return Cause::kDebt;
  return CauseOfHolds(*node, ledger, pod, promised, kinds);
}

Cause Refusals::CauseOfHolds(const NodeState& node, const Ledger& ledger, const Pod& pod,
                             const std::vector<Item>& promised, KindSet kinds) const {
  std::vector<Item> of_takeover, under_way, abandoned;
  for (const auto& [owner, hold] : ledger.holds().holds()) {
    const auto& ids = hold.node_ids;
    if (owner == pod.meta.uid || !std::binary_search(ids.begin(), ids.end(), node.id)) continue;
    const OwnerKind kind = KindOfOwner(owner);
    if (kind == OwnerKind::kTakeover) {
      of_takeover = Join(of_takeover, hold.items);
    } else if (kind == OwnerKind::kClaim || under_way_.contains(owner)) {
      under_way = Join(under_way, hold.items);
    } else {
      abandoned = Join(abandoned, hold.items);
    }
  }
  if (!Fits(node.room, Join(promised, under_way), kinds)) return Cause::kUndecided;
  const std::vector<Item> with_takeover = Join(Join(promised, under_way), of_takeover);
  if (!Fits(node.room, with_takeover, kinds)) return Cause::kTakeover;
  return Fits(node.room, Join(with_takeover, abandoned), kinds) ? Cause::kBlind : Cause::kAbandoned;
}

Cause Refusals::CauseOfPromises(const NodeState& node, const std::vector<Item>& items) const {
  std::vector<Item> assigned;
  for (const auto& [uid, item] : node.assigned) {
    if (!HasClaim(items, uid)) assigned.push_back(item);
  }
  const KindSet kinds = KindsOf(items);
  if (Fits(node.room, Join(assigned, items), kinds)) return Cause::kReservation;
  const Devices& devices = stage_.devices.at(node.name);
  CapacityReport report;
  report.pools = devices.Pools();
  std::erase_if(assigned,
                [&devices](const Item& item) { return devices.Has(VolumeName(item.claim_uid)); });
  return Fits(RoomOf(report), Join(assigned, items), kinds) ? Cause::kReportBehind
                                                            : Cause::kWatchBehind;
}

}  // namespace pmem::extender::simulator
