// SPDX-License-Identifier: Apache-2.0
#include "extender/core/views.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/pure/units.h"
#include "extender/core/known_nodes.h"
#include "extender/core/node_numbers.h"
#include "extender/core/view_parts.h"

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

void WriteNumbers(const NodeNumbers& numbers, int64_t growth_bytes, PoolKind kind,
                  JsonWriter& json) {
  json.BeginObject()
      .String("kind", PoolKindName(kind))
      .Int("available_bytes", numbers.available_bytes)
      .Int("assumed_bytes", numbers.promised_bytes)
      .Int("growth_bytes", growth_bytes)
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

void WriteDrifts(const Ledger& ledger, const DriftBook::Entries& entries, absl::Time now,
                 JsonWriter& json) {
  json.BeginArray();
  for (const auto& [key, entry] : entries) {
    if (!entry.has_begun) continue;
    json.BeginObject()
        .String("kind", DriftKindName(entry.drift.kind))
        .String("subject", entry.drift.subject);
    if (const Claim* claim = ledger.cache().FindClaim(entry.drift.subject)) {
      const ObjectKey& name = claim->meta.key;
      json.String("claim", absl::StrCat(name.kube_namespace, "/", name.name));
    }
    json.Int("expected_bytes", entry.drift.expected_bytes)
        .Int("found_bytes", entry.drift.found_bytes);
    WriteAge(entry.since, now, "age_seconds", json);
    json.EndObject();
  }
  json.EndArray();
}

// What is known of its persistent memory, when an agent has reported it.
void WriteState(const Ledger& ledger, const NodeState& state, JsonWriter& json) {
  if (!state.failure.empty()) json.String("failure", state.failure);
  json.Key("kinds").BeginArray();
  for (const PoolKind kind : kPoolKinds) {
    if (state.report == nullptr) break;  // What is not known is not zero.
    WriteNumbers(NumbersOf(ledger, state, kind, {}, ""), GrowthBytesOf(state, kind), kind, json);
  }
  json.EndArray();
}

void WriteNode(const Ledger& ledger, const KnownNode& node, absl::Time now, bool with_volumes,
               JsonWriter& json) {
  static const auto* const kNothing = new NodeState();
  const NodeState& state = node.state == nullptr ? *kNothing : *node.state;
  json.BeginObject()
      .String("node", node.name)
      .String("freshness", FreshnessName(FreshnessOf(ledger, node, now)));
  WriteAge(state.contact, now, "report_age_seconds", json);
  WriteState(ledger, state, json);
  json.Key("drifts");
  const DriftBook::Entries* drifts = ledger.drifts().Find(node.name);
  WriteDrifts(ledger, drifts == nullptr ? DriftBook::Entries() : *drifts, now, json);
  if (state.report != nullptr) WriteReport(*state.report, with_volumes, json);
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

bool IsMissing(const Ledger& ledger, const ClaimPlace& place) {
  const NodeState* node = ledger.nodes().Find(place.node);
  if (!place.was_listed || node == nullptr || node->report == nullptr) return false;
  return ledger.nodes().FindVolume(*node, KeyOf(place)).volume == nullptr;
}

// pending: no node yet, or nobody makes its volume. assigned: the ledger keeps its room. reported:
// the node's report lists its volume. missing: it did, and does no more.
std::string_view StateOf(const Ledger& ledger, const ClaimView& view) {
  if (view.place == nullptr) return "pending";
  if (view.place->is_counted) return "assigned";
  if (view.is_unmade) return "pending";
  return IsMissing(ledger, *view.place) ? "missing" : "reported";
}

void WriteClaim(const Ledger& ledger, const ClaimView& view, JsonWriter& json) {
  const ObjectMeta& meta = view.claim->meta;
  json.BeginObject()
      .String("kube_namespace", meta.key.kube_namespace)
      .String("name", meta.key.name)
      .String("uid", meta.uid)
      .String("storage_class", view.claim->storage_class_name.value_or(""))
      .String("kind", PoolKindName(view.item.kind))
      .Int("requested_bytes", view.item.requested_bytes)
      .String("state", StateOf(ledger, view));
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
  WriteNodesPage(ledger, page, json, [&](const KnownNode& node) {
    if (!IsOfPmem(ledger, node)) return false;
    WriteNode(ledger, node, now, false, json);
    return true;
  });
  json.EndObject();
  return json.Take();
}

std::optional<std::string> NodeJson(const Ledger& ledger, absl::Time now, const std::string& name) {
  const std::optional<KnownNode> node = FindKnownNode(ledger, name);
  if (!node) return std::nullopt;
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
    WriteClaim(ledger, *view, json);
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

std::string AddToSummary(const Ledger& ledger, absl::Time now, const Page& page, Summary& summary) {
  return LookAtNodes(ledger, page, [&](const KnownNode& node) {
    if (!IsOfPmem(ledger, node)) return false;
    const Freshness freshness = FreshnessOf(ledger, node, now);
    ++summary.nodes[FreshnessName(freshness)];
    if (node.state == nullptr) return true;
    const bool is_fresh = freshness == Freshness::kFresh;
    Add(FirmNumbersOf(*node.state, PoolKind::kLvm), is_fresh, summary.lvm);
    Add(FirmNumbersOf(*node.state, PoolKind::kDirect), is_fresh, summary.direct);
    return true;
  });
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
