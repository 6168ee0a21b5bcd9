// SPDX-License-Identifier: Apache-2.0
// Views: why a pod fits on a node or not.
#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pure/sizing.h"
#include "common/pure/units.h"
#include "extender/core/known_nodes.h"
#include "extender/core/node_match.h"
#include "extender/core/node_numbers.h"
#include "extender/core/view_parts.h"
#include "extender/core/views.h"

namespace pmem::extender {
namespace {

// The numbers that stand against what a pod asks for of one kind on one node.
struct Need {
  int64_t need_bytes = 0;  // In whole steps, as what is free.
  int64_t free_bytes = 0, held_bytes = 0, volume_bytes_max = 0;
};

// The smallest of the node's pools of that kind: a claim needs at least that.
int64_t StepOf(const NodeState* node, PoolKind kind) {
  int64_t step = 0;
  if (node == nullptr || node->report == nullptr) return 1;
  for (const PoolReport& pool : node->report->pools) {
    if (pool.kind != kind) continue;
    step = step == 0 ? pool.alignment_bytes : std::min(step, pool.alignment_bytes);
  }
  return std::max<int64_t>(step, 1);
}

Need NeedOf(const Ledger& ledger, const NodeState* node, PoolKind kind, const PodDemand& demand,
            std::string_view owner) {
  Need need;
  const int64_t step = StepOf(node, kind);
  for (const Item& item : demand.items) {
    if (item.kind != kind) continue;
    need.need_bytes = AddBytes(need.need_bytes, VolumeBytes(item.requested_bytes, step));
  }
  if (node == nullptr) return need;
  const NodeNumbers numbers = NumbersOf(ledger, *node, kind, demand.items, owner);
  need.free_bytes = numbers.free_bytes;
  need.held_bytes = numbers.held_bytes;
  need.volume_bytes_max = numbers.volume_bytes_max;
  return need;
}

// The kinds that it asks for.
std::vector<PoolKind> KindsAskedFor(const PodDemand& demand) {
  std::vector<PoolKind> kinds;
  for (const PoolKind kind : kPoolKinds) {
    const bool asks = std::any_of(demand.items.begin(), demand.items.end(),
                                  [kind](const Item& item) { return item.kind == kind; });
    if (asks) kinds.push_back(kind);
  }
  return kinds;
}

// What it asks for of one kind alone: no pool serves two.
PodDemand OfKind(const PodDemand& demand, PoolKind kind) {
  PodDemand part;
  part.node = demand.node;
  part.is_split = demand.is_split;
  for (size_t i = 0; i < demand.items.size(); ++i) {
    if (demand.items[i].kind != kind) continue;
    part.items.push_back(demand.items[i]);
    part.item_keys.push_back(demand.item_keys[i]);
    part.item_classes.push_back(demand.item_classes[i]);
    part.static_only.push_back(demand.IsStaticOnly(i));
  }
  return part;
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

void WriteReason(std::optional<Reason> reason, JsonWriter& json) {
  if (reason) json.Bool("fits", *reason == Reason::kFits);
  if (reason && *reason != Reason::kFits) {
    json.String("reason", ReasonName(*reason)).String("text", ReasonText(*reason));
  }
}

void WriteNeed(const Need& need, JsonWriter& json) {
  json.Int("need_bytes", need.need_bytes)
      .Int("free_bytes", need.free_bytes)
      .Int("held_bytes", need.held_bytes)
      .Int("largest_bytes", need.volume_bytes_max);
}

// One pod's question, in all and kind by kind.
class Explainer {
 public:
  // All must outlive it.
  Explainer(const Ledger& ledger, const Pod& pod, const PodDemand& demand, absl::Time now)
      : ledger_(ledger), pod_(pod), now_(now), all_(ledger, demand, pod.meta.uid, now) {
    for (const PoolKind kind : KindsAskedFor(demand)) {
      Part& part = parts_.emplace_back(
          Part{.at = parts_.size(), .kind = kind, .demand = OfKind(demand, kind)});
      if (demand.IsKnown()) part.verdicts.emplace(ledger, part.demand, pod.meta.uid, now);
    }
  }

  void Write(const KnownNode& node, JsonWriter& json) const {
    json.BeginObject().String("node", node.name);
    WriteReason(all_.Of(node), json);
    std::vector<Need> needs;
    for (const Part& part : parts_) {
      needs.push_back(NeedOf(ledger_, node.state, part.kind, part.demand, pod_.meta.uid));
    }
    WriteNeed(SumOf(needs), json);
    json.Key("kinds").BeginArray();
    for (const Part& part : parts_) {
      json.BeginObject().String("kind", PoolKindName(part.kind));
      if (part.verdicts) WriteReason(part.verdicts->Of(node), json);
      WriteNeed(needs[part.at], json);
      json.EndObject();
    }
    json.EndArray().String("freshness", FreshnessName(FreshnessOf(ledger_, node, now_)));
    WriteAge(node.state == nullptr ? absl::InfinitePast() : node.state->contact, now_,
             "report_age_seconds", json);
    WriteMismatch(node, json);
    json.EndObject();
  }

 private:
  struct Part {
    size_t at = 0;
    PoolKind kind = PoolKind::kLvm;
    PodDemand demand;
    std::optional<Verdicts> verdicts;
  };

  static Need SumOf(const std::vector<Need>& needs) {
    Need sum{.volume_bytes_max = needs.empty() ? 0 : kBytesMax};
    for (const Need& need : needs) {
      sum.need_bytes = AddBytes(sum.need_bytes, need.need_bytes);
      sum.free_bytes = AddBytes(sum.free_bytes, need.free_bytes);
      sum.held_bytes = AddBytes(sum.held_bytes, need.held_bytes);
      sum.volume_bytes_max = std::min(sum.volume_bytes_max, need.volume_bytes_max);
    }
    return sum;
  }

  void WriteMismatch(const KnownNode& node, JsonWriter& json) const {
    if (node.object == nullptr) {
      json.String("node_mismatch", "unknown_node");
    } else if (const auto mismatch = MatchNode(pod_, *node.object, {})) {
      json.String("node_mismatch", NodeMismatchName(*mismatch));
    }
  }

  const Ledger& ledger_;
  const Pod& pod_;
  const absl::Time now_;
  const Verdicts all_;
  std::deque<Part> parts_;  // Its questions refer to their demands.
};

void WriteDemand(const PodDemand& demand, JsonWriter& json) {
  json.Key("claims").BeginArray();
  for (size_t i = 0; i < demand.items.size(); ++i) {
    json.BeginObject()
        .String("name", demand.item_keys[i].name)
        .String("storage_class", demand.item_classes[i])
        .String("kind", PoolKindName(demand.items[i].kind))
        .Int("requested_bytes", demand.items[i].requested_bytes)
        .Bool("is_capped", demand.items[i].requested_bytes >= kBytesMax)
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
  const Explainer explainer(ledger, *pod, demand, now);
  WriteNodesPage(ledger, page, json, [&](const KnownNode& node) {
    explainer.Write(node, json);
    return true;
  });
  json.EndObject();
  return json.Take();
}

}  // namespace pmem::extender
