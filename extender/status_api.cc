// SPDX-License-Identifier: Apache-2.0
#include "extender/status_api.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/pure/json_writer.h"

namespace pmem::extender {
namespace {

std::string ReadinessJson(const Readiness& readiness, const std::vector<std::string>& silent) {
  JsonWriter json;
  json.BeginObject()
      .Bool("ready", readiness.is_ready)
      .Bool("synced", readiness.is_synced)
      .Bool("leading", readiness.is_leading)
      .Key("unsynced")
      .BeginArray();
  for (const std::string& kind : readiness.unsynced) json.String(kind);
  json.EndArray().Key("awaited").BeginArray();
  for (const std::string& kind : readiness.awaited) json.String(kind);
  json.EndArray().Key("agents_silent").BeginArray();
  for (const std::string& node : silent) json.String(node);
  json.EndArray().EndObject();
  return json.Take();
}

}  // namespace

StatusApi::StatusApi(const LedgerService* service, const Metrics* metrics, const Clock* clock)
    : service_(service), metrics_(metrics), clock_(clock), ticked_(clock->SteadyNow()) {}

void StatusApi::Register(HttpServer& server) {
  server.HandleProbe("GET", "/livez",
                     [this](const HttpRequest&, const Responder& respond) { respond(Livez()); });
  server.Handle("GET", "/readyz",
                [this](const HttpRequest&, const Responder& respond) { respond(Readyz()); });
  server.HandleAside("GET", "/metrics", [this](const HttpRequest&, const Responder& respond) {
    respond({.content_type = std::string(Metrics::kContentType), .body = metrics_->Text()});
  });
}

void StatusApi::OnTick() {
  MutexLock lock(&mu_);
  ticked_ = clock_->SteadyNow();
}

HttpResponse StatusApi::Livez() {
  MutexLock lock(&mu_);
  const absl::Duration age = clock_->SteadyNow() - ticked_;
  if (age <= kTickAgeMax) return PlainTextResponse("ok\n");
  return ProblemResponse(503, "Stuck",
                         absl::StrCat("the timer last ran ", absl::FormatDuration(age), " ago"));
}

// A follower that is in step is ready: it answers REST, and could take over.
HttpResponse StatusApi::Readyz() const {
  const Readiness readiness = service_->GetReadiness();
  const bool is_ready = readiness.is_synced && (readiness.is_ready || !readiness.is_leading);
  return {.status = is_ready ? 200 : 503,
          .body = ReadinessJson(readiness, service_->GetSilentAgents())};
}

}  // namespace pmem::extender
