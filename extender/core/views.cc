// SPDX-License-Identifier: Apache-2.0
#include "extender/core/views.h"

#include <algorithm>
#include <vector>

#include "common/pure/units.h"
#include "extender/core/node_match.h"
#include "extender/core/node_numbers.h"

namespace pmem::extender {
namespace {

// Calls write(element) for the page's elements of an ordered map, then says where to go on. An
// element that it returns false for is not one of the page's.
template <class Map, class Write>
void WritePage(const Map& map, const Page& page, JsonWriter& json, Write&& write) {
  json.BeginArray();
  auto at = page.after.empty() ? map.begin() : map.upper_bound(page.after);
  std::string last;
  int written = 0;
  for (int seen = 0; at != map.end() && written < page.limit && seen < kPageLooksMax; ++at) {
    written += write(at->second) ? 1 : 0;
    ++seen;
    last = at->first;
  }
  json.EndArray();
  if (at != map.end()) json.String("continue", last);
}

void WriteAge(absl::Time then, absl::Time now, std::string_view name, JsonWriter& json) {
  json.Key(name);
  if (then == absl::InfinitePast()) {
    json.Null();
  } else {
    json.Int(absl::ToInt64Seconds(std::max(absl::ZeroDuration(), now - then)));
  }
}

void WritePool(const PoolReport& pool, bool with_volumes, JsonWriter& json) {
  json.BeginObject()
      .String("id", pool.id)
      .String("kind", PoolKindName(pool.kind))
      .String("state", PoolStateName(pool.state))
      .Int("total_bytes", pool.total_bytes)
      .Int("allocatable_bytes", pool.allocatable_bytes)
      .Int("available_bytes", pool.available_bytes)
      .Int("max_volume_bytes", pool.volume_bytes_max)
      .Int("alignment_bytes", pool.alignment_bytes)
      .Int("volume_count", static_cast<int64_t>(pool.volumes.size()));
  if (with_volumes) {
    json.Key("volumes").BeginArray();
    for (const VolumeReport& volume : pool.volumes) {
      json.BeginObject().String("name", volume.name).Int("bytes", volume.bytes).EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
}

void WriteNumbers(const NodeNumbers& numbers, PoolKind kind, JsonWriter& json) {
  json.BeginObject()
      .String("kind", PoolKindName(kind))
      .Int("available_bytes", numbers.available_bytes)
      .Int("assumed_bytes", numbers.promised_bytes)
      .Int("free_bytes", numbers.free_bytes)
      .Int("held_bytes", numbers.held_bytes)
      .Int("largest_bytes", numbers.volume_bytes_max)
      .Bool("overbooked", numbers.is_overbooked)
      .EndObject();
}

void WriteReport(const CapacityReport& report, bool with_volumes, JsonWriter& json) {
  json.Int("generation", report.generation).Key("pools").BeginArray();
  for (const PoolReport& pool : report.pools) WritePool(pool, with_volumes, json);
  json.EndArray().Key("errors").BeginArray();
  for (const ReportError& error : report.errors) {
    json.BeginObject().String("source", error.source).String("message", error.message).EndObject();
  }
  json.EndArray();
}

Freshness FreshnessOf(const Ledger& ledger, const NodeState& node, absl::Time now) {
  return NodeBook::FreshnessOf(node, now, ledger.options().agent_silence_max);
}

void WriteDrifts(const DriftBook::Entries& entries, absl::Time now, JsonWriter& json) {
  json.BeginArray();
  for (const auto& [key, entry] : entries) {
    if (!entry.has_begun) continue;
    json.BeginObject()
        .String("kind", DriftKindName(entry.drift.kind))
        .String("subject", entry.drift.subject)
        .Int("expected_bytes", entry.drift.expected_bytes)
        .Int("found_bytes", entry.drift.found_bytes);
    WriteAge(entry.since, now, "age_seconds", json);
    json.EndObject();
  }
  json.EndArray();
}

void WriteNode(const Ledger& ledger, const NodeState& node, absl::Time now, bool with_volumes,
               JsonWriter& json) {
  json.BeginObject()
      .String("node", node.name)
      .String("freshness", FreshnessName(FreshnessOf(ledger, node, now)));
  WriteAge(node.contact, now, "report_age_seconds", json);
  if (!node.failure.empty()) json.String("failure", node.failure);
  json.Key("kinds").BeginArray();
  for (const PoolKind kind : kPoolKinds) {
    if (node.report == nullptr) break;  // What is not known is not zero.
    WriteNumbers(NumbersOf(ledger, node, kind, {}, ""), kind, json);
  }
  json.EndArray().Key("drifts");
  const DriftBook::Entries* drifts = ledger.drifts().Find(node.name);
  WriteDrifts(drifts == nullptr ? DriftBook::Entries() : *drifts, now, json);
  if (node.report != nullptr) WriteReport(*node.report, with_volumes, json);
  json.EndObject();
}

struct ClaimView {
  const Claim* claim = nullptr;
  const ClaimPlace* place = nullptr;  // Null: no node yet.
  Item item;
  bool is_unmade = false;  // Without a volume, and none is ever made for it.
};

// nullopt: not a claim of ours.
std::optional<ClaimView> ViewOf(const Ledger& ledger, const Claim& claim) {
  ClaimView view{.claim = &claim,
                 .place = ledger.FindPlace(claim.meta.uid),
                 .item = {},
                 .is_unmade = !IsBound(claim) && IsStaticOnly(claim, ledger.cache())};
  if (view.place != nullptr) {
    view.item = view.place->item;
    return view;
  }
  const std::optional<Item> item = ItemOf(claim, ledger.cache());
  if (!item) return std::nullopt;
  view.item = *item;
  return view;
}

// pending: no node yet, or nobody makes its volume. assigned: the ledger keeps its room. reported:
// the node's report lists its volume.
std::string_view StateOf(const ClaimView& view) {
  if (view.place == nullptr) return "pending";
  if (view.place->is_counted) return "assigned";
  return view.is_unmade ? "pending" : "reported";
}

void WriteClaim(const ClaimView& view, JsonWriter& json) {
  const ObjectMeta& meta = view.claim->meta;
  json.BeginObject()
      .String("kube_namespace", meta.key.kube_namespace)
      .String("name", meta.key.name)
      .String("uid", meta.uid)
      .String("storage_class", view.claim->storage_class_name.value_or(""))
      .String("kind", PoolKindName(view.item.kind))
      .Int("requested_bytes", view.item.requested_bytes)
      .String("state", StateOf(view));
  if (view.place != nullptr) json.String("node", view.place->node);
  json.EndObject();
}

bool Passes(const ClaimView& view, const ClaimFilter& filter) {
  const bool is_there =
      filter.kube_namespace.empty() || view.claim->meta.key.kube_namespace == filter.kube_namespace;
  if (filter.node.empty()) return is_there;
  return is_there && view.place != nullptr && view.place->node == filter.node;
}

void WriteItems(const std::vector<Item>& items, JsonWriter& json) {
  json.BeginArray();
  for (const Item& item : items) {
    json.BeginObject()
        .String("uid", item.claim_uid)
        .String("kind", PoolKindName(item.kind))
        .Int("requested_bytes", item.requested_bytes)
        .EndObject();
  }
  json.EndArray();
}

void WriteHold(const NodeBook& nodes, const Hold& hold, absl::Time now, JsonWriter& json) {
  json.BeginObject()
      .String("owner", hold.owner)
      .String("kube_namespace", hold.pod.kube_namespace)
      .String("name", hold.pod.name);
  WriteAge(hold.since, now, "age_seconds", json);
  json.Int("expires_in_seconds",
           absl::ToInt64Seconds(std::max(absl::ZeroDuration(), hold.until - now)));
  json.Int("node_count", static_cast<int64_t>(hold.node_ids.size())).Key("nodes").BeginArray();
  // A node on which something is held stays in the book.
  const size_t named = std::min<size_t>(hold.node_ids.size(), kHoldNodesMax);
  for (size_t i = 0; i < named; ++i) json.String(nodes.ById(hold.node_ids[i])->name);
  json.EndArray().Key("claims");
  WriteItems(hold.items, json);
  json.EndObject();
}

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

  std::optional<Reason> Of(const NodeState& node) const {
    if (!is_known_) return std::nullopt;
    return question_ ? judge_.JudgeById(node.id, *question_) : Reason::kFits;
  }

 private:
  const LedgerJudge& judge_;
  const bool is_known_;
  std::optional<Question> question_;
};

void WriteVerdict(const Ledger& ledger, absl::Time now, const Pod& pod, const PodDemand& demand,
                  const NodeState& node, std::optional<Reason> reason, JsonWriter& json) {
  const Need need = NeedOf(ledger, &node, demand, pod.meta.uid);
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
  WriteAge(node.contact, now, "report_age_seconds", json);
  const Node* kube_node = ledger.cache().FindNode(node.name);
  if (kube_node == nullptr) {
    json.String("node_mismatch", "unknown_node");
  } else if (const auto mismatch = MatchNode(pod, *kube_node, {})) {
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

void Add(const NodeNumbers& numbers, bool is_fresh, Summary::Kind& kind) {
  kind.total_bytes = AddBytes(kind.total_bytes, numbers.total_bytes);
  kind.available_bytes = AddBytes(kind.available_bytes, numbers.available_bytes);
  kind.promised_bytes = AddBytes(kind.promised_bytes, numbers.promised_bytes);
  if (!is_fresh) return;
  kind.free_bytes = AddBytes(kind.free_bytes, numbers.free_bytes);
  kind.volume_bytes_max = std::max(kind.volume_bytes_max, numbers.volume_bytes_max);
}

void WriteKind(const Summary::Kind& kind, PoolKind name, JsonWriter& json) {
  json.BeginObject()
      .String("kind", PoolKindName(name))
      .Int("total_bytes", kind.total_bytes)
      .Int("available_bytes", kind.available_bytes)
      .Int("assumed_bytes", kind.promised_bytes)
      .Int("free_bytes", kind.free_bytes)
      .Int("largest_bytes", kind.volume_bytes_max)
      .EndObject();
}

}  // namespace

std::string NodesJson(const Ledger& ledger, absl::Time now, const Page& page) {
  JsonWriter json;
  json.BeginObject().Key("nodes");
  WritePage(ledger.nodes().nodes(), page, json, [&](const auto& node) {
    WriteNode(ledger, *node, now, false, json);
    return true;
  });
  json.EndObject();
  return json.Take();
}

std::optional<std::string> NodeJson(const Ledger& ledger, absl::Time now, std::string_view name) {
  const NodeState* node = ledger.nodes().Find(name);
  if (node == nullptr) return std::nullopt;
  JsonWriter json;
  WriteNode(ledger, *node, now, true, json);
  return json.Take();
}

std::string ClaimsJson(const Ledger& ledger, const Page& page, const ClaimFilter& filter) {
  JsonWriter json;
  json.BeginObject().Key("claims");
  WritePage(ledger.cache().claims(), page, json, [&](const Claim& claim) {
    const std::optional<ClaimView> view = ViewOf(ledger, claim);
    if (!view || !Passes(*view, filter)) return false;
    WriteClaim(*view, json);
    return true;
  });
  json.EndObject();
  return json.Take();
}

std::string HoldsJson(const Ledger& ledger, absl::Time now, const Page& page) {
  JsonWriter json;
  json.BeginObject().Key("holds");
  WritePage(ledger.holds().holds(), page, json, [&](const Hold& hold) {
    WriteHold(ledger.nodes(), hold, now, json);
    return true;
  });
  json.EndObject();
  return json.Take();
}

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
  WritePage(ledger.nodes().nodes(), page, json, [&](const auto& node) {
    WriteVerdict(ledger, now, *pod, demand, *node, verdicts.Of(*node), json);
    return true;
  });
  json.EndObject();
  return json.Take();
}

std::string AddToSummary(const Ledger& ledger, absl::Time now, const Page& page, Summary& summary) {
  const auto& nodes = ledger.nodes().nodes();
  auto at = page.after.empty() ? nodes.begin() : nodes.upper_bound(page.after);
  std::string last;
  for (int seen = 0; at != nodes.end() && seen < page.limit; ++at, ++seen) {
    const NodeState& node = *at->second;
    const Freshness freshness = FreshnessOf(ledger, node, now);
    ++summary.nodes[FreshnessName(freshness)];
    const bool is_fresh = freshness == Freshness::kFresh;
    Add(FirmNumbersOf(node, PoolKind::kLvm), is_fresh, summary.lvm);
    Add(FirmNumbersOf(node, PoolKind::kDirect), is_fresh, summary.direct);
    last = at->first;
  }
  return at == nodes.end() ? "" : last;
}

void WriteSummary(const Ledger& ledger, const Summary& summary, JsonWriter& json) {
  json.Key("nodes").BeginObject();
  for (const Freshness freshness :
       {Freshness::kFresh, Freshness::kStale, Freshness::kNoReport, Freshness::kNoAgent}) {
    const auto found = summary.nodes.find(FreshnessName(freshness));
    json.Int(FreshnessName(freshness), found == summary.nodes.end() ? 0 : found->second);
  }
  json.EndObject().Key("kinds").BeginArray();
  if (ledger.Unsynced().empty()) {  // What is not known is not zero.
    WriteKind(summary.lvm, PoolKind::kLvm, json);
    WriteKind(summary.direct, PoolKind::kDirect, json);
  }
  json.EndArray()
      .Int("claims_with_node", static_cast<int64_t>(ledger.places().places().size()))
      .Int("holds", static_cast<int64_t>(ledger.holds().holds().size()))
      .Int("version", ledger.version());
}

}  // namespace pmem::extender
