// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/monitor.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"

namespace pmem::driver {
namespace {

constexpr std::string_view kCallsHelp = "Calls that ended, by method and gRPC code.";
constexpr std::string_view kSecondsHelp = "How long calls took.";
// From a look to the erasure of terabytes.
const std::vector<double>& CallBuckets() {
  static const std::vector<double> buckets = {0.001, 0.01, 0.05, 0.1, 0.25, 0.5,
                                              1,     2.5,  5,    10,  60,   600};
  return buckets;
}

}  // namespace

Monitor::Monitor(std::string_view version, const Clock* clock)
    : clock_(clock), metrics_("pmem_csi", version) {
  // So that the two that matter have their series from the start.
  for (const char* const method : {"CreateVolume", "DeleteVolume"}) {
    metrics_.AddCounter("calls_total", kCallsHelp, {{"method", method}, {"code", "OK"}});
    metrics_.AddHistogram("call_duration_seconds", kSecondsHelp, CallBuckets(),
                          {{"method", method}});
  }
  server_.Handle("GET", "/metrics", [this](const HttpRequest&, const Responder& respond) {
    respond({.content_type = std::string(Metrics::kContentType), .body = MetricsText()});
  });
  server_.HandleProbe("GET", "/livez",
                      [this](const HttpRequest&, const Responder& respond) { respond(Livez()); });
  server_.Handle("GET", "/readyz",
                 [this](const HttpRequest&, const Responder& respond) { respond(Readyz()); });
}

void Monitor::Observe(const EndedCall& call) {
  const std::string method(call.method);
  const std::string code = absl::StatusCodeToString(static_cast<absl::StatusCode>(call.code));
  metrics_.AddCounter("calls_total", kCallsHelp, {{"method", method}, {"code", code}}).Increment();
  metrics_.AddHistogram("call_duration_seconds", kSecondsHelp, CallBuckets(), {{"method", method}})
      .Observe(absl::ToDoubleSeconds(call.took));
}

void Monitor::NoteAnswer() {
  MutexLock lock(&mu_);
  answered_at_ = clock_->SteadyNow();
}

std::optional<absl::Time> Monitor::AnsweredAt() const {
  MutexLock lock(&mu_);
  return answered_at_;
}

HttpResponse Monitor::Livez() const {
  const absl::Duration age = clock_->SteadyNow() - AnsweredAt().value_or(absl::InfiniteFuture());
  if (age <= kAnswerAgeMax) return PlainTextResponse("ok\n");
  return ProblemResponse(503, "The server of CSI hangs",
                         absl::StrCat("it last answered ", absl::FormatDuration(age), " ago"));
}

HttpResponse Monitor::Readyz() const {
  if (AnsweredAt()) return PlainTextResponse("ok\n");
  return ProblemResponse(503, "not ready", "CSI is not served yet");
}

absl::StatusOr<std::string> Monitor::Start(const std::string& listen) {
  PMEM_RETURN_IF_ERROR(server_.Start(listen).status());
  return server_.address();
}

}  // namespace pmem::driver
