// SPDX-License-Identifier: Apache-2.0
// Views: why a pod fits on a node or not.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "common/pure/units.h"
#include "extender/core/known_nodes.h"
#include "extender/core/node_match.h"
#include "extender/core/node_numbers.h"
#include "extender/core/view_parts.h"
#include "extender/core/views.h"

namespace pmem::extender {
namespace {

// The numbers that stand against a demand on one node: sums over the kinds that it asks for.
struct Need {
  int64_t need_bytes = 0, free_bytes = 0, held_bytes = 0;
  int64_t volume_bytes_max = kBytesMax;  // The smaller one, when it asks for both kinds.
};

Need NeedOf(const Ledger& ledger, const NodeState* node, const PodDemand& demand,
            std::string_view owner) {
  Need need;
  for (const PoolKind kind : kPoolKinds) {
    bool asks = false;
    for (const Item& item : demand.items) {
      if (item.kind != kind) continue;
      asks = true;
      need.need_bytes = AddBytes(need.need_bytes, item.requested_bytes);
    }
    if (!asks) continue;
    const NodeNumbers numbers =
        node == nullptr ? NodeNumbers() : NumbersOf(ledger, *node, kind, demand.items, owner);
    need.free_bytes = AddBytes(need.free_bytes, numbers.free_bytes);
    need.held_bytes = AddBytes(need.held_bytes, numbers.held_bytes);
    need.volume_bytes_max = std::min(need.volume_bytes_max, numbers.volume_bytes_max);
  }
  if (need.volume_bytes_max == kBytesMax) need.volume_bytes_max = 0;
  return need;
}

// What filter would say of one node after the other. A pod that needs no PMEM passes everywhere,
// whatever is known of its claims' nodes; of one with a claim or class that is missing here filter
// would ask the API server first: nullopt.
class Verdicts {
 public:
  // All must outlive it.
  Verdicts(const Ledger& ledger, const PodDemand& demand, std::string_view owner, absl::Time now)
      : judge_(ledger.judge()), is_known_(demand.IsKnown()) {
    if (is_known_ && demand.IsPmem()) question_.emplace(judge_.AskAside(demand, owner, now));
  }

  std::optional<Reason> Of(const KnownNode& node) const {
    if (!is_known_) return std::nullopt;
    if (!question_) return Reason::kFits;
    return judge_.JudgeById(node.state == nullptr ? -1 : node.state->id, *question_);
  }

 private:
  const LedgerJudge& judge_;
  const bool is_known_;
  std::optional<Question> question_;
};

void WriteVerdict(const Ledger& ledger, absl::Time now, const Pod& pod, const PodDemand& demand,
                  const KnownNode& node, std::optional<Reason> reason, JsonWriter& json) {
  const Need need = NeedOf(ledger, node.state, demand, pod.meta.uid);
  json.BeginObject().String("node", node.name);
  if (reason) json.Bool("fits", *reason == Reason::kFits);
  if (reason && *reason != Reason::kFits) {
    json.String("reason", ReasonName(*reason)).String("text", ReasonText(*reason));
  }
  json.Int("need_bytes", need.need_bytes)
      .Int("free_bytes", need.free_bytes)
      .Int("held_bytes", need.held_bytes)
      .Int("largest_bytes", need.volume_bytes_max)
      .String("freshness", FreshnessName(FreshnessOf(ledger, node, now)));
  WriteAge(node.state == nullptr ? absl::InfinitePast() : node.state->contact, now,
           "report_age_seconds", json);
  if (node.object == nullptr) {
    json.String("node_mismatch", "unknown_node");
  } else if (const auto mismatch = MatchNode(pod, *node.object, {})) {
    json.String("node_mismatch", NodeMismatchName(*mismatch));
  }
  json.EndObject();
}

void WriteDemand(const PodDemand& demand, JsonWriter& json) {
  json.Key("claims").BeginArray();
  for (size_t i = 0; i < demand.items.size(); ++i) {
    json.BeginObject()
        .String("name", demand.item_keys[i].name)
        .String("storage_class", demand.item_classes[i])
        .String("kind", PoolKindName(demand.items[i].kind))
        .Int("requested_bytes", demand.items[i].requested_bytes)
        .EndObject();
  }
  json.EndArray().Key("missing").BeginArray();
  for (const ObjectKey& claim : demand.missing_claims) json.String("claim " + claim.name);
  for (const std::string& name : demand.missing_classes) json.String("class " + name);
  json.EndArray();
}

}  // namespace

std::optional<std::string> ExplainJson(const Ledger& ledger, absl::Time now, const ObjectKey& key,
                                       const Page& page) {
  const Pod* pod = ledger.cache().FindPod(key);
  if (pod == nullptr) return std::nullopt;
  const PodDemand demand = ledger.Demand(*pod, nullptr);
  JsonWriter json;
  json.BeginObject()
      .String("kube_namespace", key.kube_namespace)
      .String("name", key.name)
      .String("uid", pod->meta.uid)
      .Bool("needs_pmem", demand.IsPmem());
  WriteDemand(demand, json);
  json.Key("nodes");
  const Verdicts verdicts(ledger, demand, pod->meta.uid, now);
  WriteNodesPage(ledger, page, json, [&](const KnownNode& node) {
    WriteVerdict(ledger, now, *pod, demand, node, verdicts.Of(node), json);
    return true;
  });
  json.EndObject();
  return json.Take();
}

}  // namespace pmem::extender
