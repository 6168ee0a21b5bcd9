// SPDX-License-Identifier: Apache-2.0
#include "extender/rest_api.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/pure/absl_view.h"
#include "common/pure/json_writer.h"
#include "common/pure/status_macros.h"
#include "extender/core/simulation.h"
#include "extender/core/views.h"
#include "extender/ledger_pages.h"
#include "extender/rest_parse.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kNodePrefix = "/v1/nodes/";
constexpr std::string_view kExplainPrefix = "/v1/explain/pods/";

HttpResponse Bad(const absl::Status& status) {
  return ProblemResponse(400, "Not a question we know", std::string(status.message()));
}

HttpResponse NotFound(std::string_view detail) { return ProblemResponse(404, "Not found", detail); }

HttpResponse Ok(std::string body) {
  HttpResponse response;
  response.body = std::move(body);
  return response;
}

// What is not known yet must not look like nothing.
HttpResponse NotSynced(const Readiness& readiness) {
  std::string kinds;
  for (const std::string& kind : readiness.unsynced) {
    absl::StrAppend(&kinds, kinds.empty() ? "" : ", ", kind);
  }
  return ProblemResponse(503, "Not known yet", absl::StrCat("not listed yet: ", kinds));
}

// The page of a list that takes no other parameters.
absl::StatusOr<Page> PageOf(const HttpRequest& request) {
  PMEM_RETURN_IF_ERROR(CheckQuery(request.query, {"limit", "continue"}));
  return ParsePage(request.query);
}

std::string Parameter(const HttpRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

// The kind that claims of the class ask for.
absl::StatusOr<PoolKind> KindOfClass(const Ledger& ledger, const std::string& name) {
  const StorageClass* found = ledger.cache().FindClass(name);
  const auto bad = [&name](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("storage_class ", name, ": ", AbslView(why)));
  };
  if (found == nullptr) return bad("there is no such class");
  if (!IsOurs(*found)) return bad("not a class of ours");
  const std::optional<PoolKind> kind = KindOf(*found);
  if (!kind) return bad("a class of ours whose parameter pmemType is neither lvm nor direct");
  return *kind;
}

// What the claims of a simulation ask for; classes are looked up.
absl::StatusOr<std::vector<Item>> ItemsOf(const Ledger& ledger, const SimulationRequest& request) {
  std::vector<Item> items;
  for (const SimulationClaim& claim : request.claims) {
    PoolKind kind = claim.kind;
    if (!claim.storage_class.empty()) {
      PMEM_ASSIGN_OR_RETURN(kind, KindOfClass(ledger, claim.storage_class));
    }
    items.push_back({.claim_uid = absl::StrCat("simulated-", items.size()),
                     .kind = kind,
                     .requested_bytes = claim.requested_bytes});
  }
  return items;
}

constexpr size_t kLeftOutNamedMax = 100;

std::string SimulationJson(const Simulation& result, int replicas,
                           const std::vector<LeftOutNode>& left_out) {
  JsonWriter json;
  json.BeginObject()
      .Int("replicas", replicas)
      .Int("placed", result.placed)
      .Bool("fits", result.placed == replicas)
      .Key("nodes")
      .BeginArray();
  for (const Simulation::Share& share : result.shares) {
    json.BeginObject().String("node", share.node).Int("replicas", share.replicas).EndObject();
  }
  json.EndArray()
      .Int("left_out_count", static_cast<int64_t>(left_out.size()))
      .Key("left_out")
      .BeginArray();
  for (size_t i = 0; i < std::min(left_out.size(), kLeftOutNamedMax); ++i) {
    json.BeginObject()
        .String("node", left_out[i].node)
        .String("reason", left_out[i].reason)
        .EndObject();
  }
  json.EndArray().EndObject();
  return json.Take();
}

}  // namespace

void RestApi::Register(HttpServer& server) {
  server.HandleAside("GET", "/openapi.json", Handler(&RestApi::Document));
  server.HandleAside("GET", "/v1/summary", Handler(&RestApi::SummaryOfAll));
  server.HandleAside("GET", "/v1/nodes", HandlerOnceSynced(&RestApi::Nodes));
  server.HandleAside("GET", "/v1/nodes/", HandlerOnceSynced(&RestApi::OneNode));
  server.HandleAside("GET", "/v1/claims", HandlerOnceSynced(&RestApi::Claims));
  server.HandleAside("GET", "/v1/holds", HandlerOnceSynced(&RestApi::Holds));
  server.HandleAside("GET", "/v1/explain/pods/", HandlerOnceSynced(&RestApi::Explain));
  server.HandleAside("POST", "/v1/simulate", HandlerOnceSynced(&RestApi::Simulated));
}

HttpHandler RestApi::Handler(Answer answer) const {
  return [this, answer](const HttpRequest& request, const Responder& respond) {
    respond((this->*answer)(request));
  };
}

HttpHandler RestApi::HandlerOnceSynced(Answer answer) const {
  return [this, answer](const HttpRequest& request, const Responder& respond) {
    const Readiness readiness = service_->GetReadiness();
    respond(readiness.is_synced ? (this->*answer)(request) : NotSynced(readiness));
  };
}

HttpResponse RestApi::Document(const HttpRequest& /*request*/) const {
  return Ok(std::string(OpenApiJson()));
}

HttpResponse RestApi::Nodes(const HttpRequest& request) const {
  const auto page = PageOf(request);
  if (!page.ok()) return Bad(page.status());
  return Ok(service_->Read(
      [&](const Ledger& ledger, absl::Time now) { return NodesJson(ledger, now, *page); }));
}

HttpResponse RestApi::OneNode(const HttpRequest& request) const {
  if (const auto status = CheckQuery(request.query, {}); !status.ok()) return Bad(status);
  const std::string name = request.path.substr(kNodePrefix.size());
  if (name.empty()) return NotFound("wanted /v1/nodes/{node}; all of them are /v1/nodes");
  auto json = service_->Read(
      [&](const Ledger& ledger, absl::Time now) { return NodeJson(ledger, now, name); });
  if (json) return Ok(*std::move(json));
  return NotFound(absl::StrCat("node ", name, " is not in the cluster, and has no agent"));
}

HttpResponse RestApi::Claims(const HttpRequest& request) const {
  const auto status = CheckQuery(request.query, {"limit", "continue", "kube_namespace", "node"});
  if (!status.ok()) return Bad(status);
  const auto page = ParsePage(request.query);
  if (!page.ok()) return Bad(page.status());
  const ClaimFilter filter{.kube_namespace = Parameter(request, "kube_namespace"),
                           .node = Parameter(request, "node")};
  return Ok(service_->Read(
      [&](const Ledger& ledger, absl::Time) { return ClaimsJson(ledger, *page, filter); }));
}

HttpResponse RestApi::Holds(const HttpRequest& request) const {
  const auto page = PageOf(request);
  if (!page.ok()) return Bad(page.status());
  return Ok(service_->Read(
      [&](const Ledger& ledger, absl::Time now) { return HoldsJson(ledger, now, *page); }));
}

HttpResponse RestApi::SummaryOfAll(const HttpRequest& request) const {
  if (const auto status = CheckQuery(request.query, {}); !status.ok()) return Bad(status);
  Summary summary;
  ReadPages(*service_, kPageMax, [&](const Ledger& ledger, absl::Time now, const Page& page) {
    return AddToSummary(ledger, now, page, summary);
  });
  const Readiness readiness = service_->GetReadiness();
  JsonWriter json;
  json.BeginObject()
      .Bool("ready", readiness.is_ready)
      .Bool("synced", readiness.is_synced)
      .Bool("leading", readiness.is_leading);
  service_->Read([&](const Ledger& ledger, absl::Time) {
    WriteSummary(ledger, summary, json);
    return 0;
  });
  json.EndObject();
  return Ok(json.Take());
}

HttpResponse RestApi::Explain(const HttpRequest& request) const {
  const auto page = PageOf(request);
  if (!page.ok()) return Bad(page.status());
  const auto key = ParseKey(std::string_view(request.path).substr(kExplainPrefix.size()));
  if (!key.ok()) return NotFound(std::string(key.status().message()));
  auto json = service_->Read(
      [&](const Ledger& ledger, absl::Time now) { return ExplainJson(ledger, now, *key, *page); });
  if (json) return Ok(*std::move(json));
  return NotFound(absl::StrCat("no pod ", key->kube_namespace, "/", key->name,
                               " waits for a node: it is not there, or has one"));
}

HttpResponse RestApi::Simulated(const HttpRequest& request) const {
  if (const auto status = CheckQuery(request.query, {}); !status.ok()) return Bad(status);
  const auto wanted = ParseSimulation(request.body);
  if (!wanted.ok()) return Bad(wanted.status());
  const auto items =
      service_->Read([&](const Ledger& ledger, absl::Time) { return ItemsOf(ledger, *wanted); });
  if (!items.ok()) return Bad(items.status());
  ClusterRoom room;
  ReadPages(*service_, kPageMax, [&](const Ledger& ledger, absl::Time now, const Page& page) {
    return AddRooms(ledger, now, page, room);
  });
  const Strategy strategy = wanted->strategy.value_or(service_->options().verbs.strategy);
  return Ok(SimulationJson(Simulate(std::move(room.rooms), *items, wanted->replicas, strategy),
                           wanted->replicas, room.left_out));
}

}  // namespace pmem::extender
