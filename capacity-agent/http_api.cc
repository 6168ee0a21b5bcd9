// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/http_api.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/pure/absl_view.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

constexpr std::string_view kBehindDetail =
    "the devices changed, and were not read since within the time that a reader is held";

struct CapacityQuery {
  std::optional<int64_t> generation;
  absl::Duration wait;
};

absl::StatusOr<CapacityQuery> ParseQuery(const std::map<std::string, std::string>& query) {
  CapacityQuery parsed;
  if (const auto found = query.find("generation"); found != query.end()) {
    int64_t generation = 0;
    if (!absl::SimpleAtoi(found->second, &generation) || generation < 0) {
      return absl::InvalidArgumentError("generation is not a whole number of 0 or more");
    }
    parsed.generation = generation;
  }
  if (const auto found = query.find("wait"); found != query.end()) {
    if (!absl::ParseDuration(found->second, &parsed.wait) || parsed.wait < absl::ZeroDuration() ||
        parsed.wait == absl::InfiniteDuration()) {
      return absl::InvalidArgumentError("wait is not a duration such as 30s, 500ms or 1m");
    }
    parsed.wait = std::min(parsed.wait, kWaitMax);
  }
  return parsed;
}

HttpResponse WithReport(const PublishedReport& published) {
  return {.body = published.body, .headers = {{"ETag", published.etag}}};
}

HttpResponse NotModified(const PublishedReport& published) {
  return {.status = 304, .headers = {{"ETag", published.etag}}};
}

// One line per source that has not been read yet.
std::string Missing(const CollectorHealth& health) {
  std::string missing;
  for (const SourceHealth& source : health.sources) {
    if (source.has_succeeded) continue;
    absl::StrAppend(&missing, missing.empty() ? "" : "; ", source.source, ": ", source.last_error);
  }
  return missing.empty() ? "the first report is being made" : missing;
}

}  // namespace

bool NoneMatchNames(std::string_view header, std::string_view etag) {
  for (absl::string_view part : absl::StrSplit(AbslView(header), ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part == "*") return true;
    if (absl::StartsWith(part, "W/")) part.remove_prefix(2);
    if (StdView(part) == etag) return true;
  }
  return false;
}

void HttpApi::Capacity(const HttpRequest& request, const Responder& respond) const {
  const absl::StatusOr<CapacityQuery> query = ParseQuery(request.query);
  if (!query.ok()) {
    return respond(ProblemResponse(400, "Bad parameter", StdView(query.status().message())));
  }
  const bool is_behind = store_->IsBehind();  // First: the report has what was read by then.
  const ReportStore::Snapshot current = store_->Current();
  if (current == nullptr) {
    return respond(ProblemResponse(503, "No report yet", Missing(store_->health())));
  }
  const bool is_known = query->generation == current->report.generation;
  const absl::Duration wait = is_known ? query->wait : absl::ZeroDuration();
  const bool has_it = is_known || NoneMatchNames(request.if_none_match, current->etag);
  const bool is_news = query->generation.has_value() && !has_it;
  // Whoever is answered counts on what was noticed by now, also where other news came since.
  const auto answer_now = [&] { respond(has_it ? NotModified(*current) : WithReport(*current)); };
  if (wait == absl::ZeroDuration() && !is_behind) return answer_now();
  const int64_t generation = current->report.generation;
  const bool waits = store_->Wait(
      is_news ? *query->generation : generation, clock_->SteadyNow() + wait,
      [generation, has_it, respond](const ReportStore::Snapshot& newest, bool is_read) {
        if (!is_read) return respond(ProblemResponse(503, "A change is being read", kBehindDetail));
        const bool is_same = newest->report.generation == generation;
        respond(is_same && has_it ? NotModified(*newest) : WithReport(*newest));
      });
  if (waits) return;
  // The extender asks again soon. After a 503 it would take the agent for silent, and its node for
  // one without room, for as long as others have all places.
  if (!is_behind) return answer_now();
  respond(ProblemResponse(503, "Too many waiting readers",
                          absl::StrCat(kWaitersMax, " readers wait for the next report already")));
}

HttpResponse HttpApi::Livez() const {
  const absl::Duration age = clock_->SteadyNow() - store_->health().tick_started;
  if (age <= kTickAgeMax) return PlainTextResponse("ok\n");
  return ProblemResponse(503, "The reading of devices hangs",
                         absl::StrCat("the last one began ", absl::FormatDuration(age), " ago"));
}

HttpResponse HttpApi::Readyz() const {
  if (store_->Current() != nullptr) return PlainTextResponse("ok\n");
  return ProblemResponse(503, "No report yet", Missing(store_->health()));
}

void HttpApi::RegisterOn(HttpServer* server) {
  server->Handle(
      "GET", "/v1/capacity",
      [this](const HttpRequest& request, const Responder& respond) { Capacity(request, respond); });
  server->HandleProbe("GET", "/livez",
                      [this](const HttpRequest&, const Responder& respond) { respond(Livez()); });
  server->Handle("GET", "/readyz",
                 [this](const HttpRequest&, const Responder& respond) { respond(Readyz()); });
  server->Handle("GET", "/metrics", [this](const HttpRequest&, const Responder& respond) {
    respond({.content_type = std::string(Metrics::kContentType), .body = metrics_->Text()});
  });
}

}  // namespace pmem::agent
