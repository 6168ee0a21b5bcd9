// SPDX-License-Identifier: Apache-2.0
// The agent's HTTP interface (docs/protocol.md):
//   GET /v1/capacity[?generation=G&wait=30s]
//     the report; 304 when it is still of generation G after `wait`, or when If-None-Match
//     names it. While a noticed change is being read, what is not newer than G is held, up to
//     kHoldMax: then 503
//   GET /metrics /livez /readyz
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "capacity-agent/report_store.h"
#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "common/io/metrics.h"

namespace pmem::agent {

// A longer `wait` is cut to this.
inline constexpr absl::Duration kWaitMax = absl::Seconds(60);
// /livez fails when no tick began for so long: the loop hangs.
inline constexpr absl::Duration kTickAgeMax = absl::Seconds(60);

// Thread-safe. Everything it refers to must outlive the server's handlers.
class HttpApi {
 public:
  HttpApi(ReportStore* store, const Metrics* metrics, const Clock* clock)
      : store_(store), metrics_(metrics), clock_(clock) {}

  void RegisterOn(HttpServer* server);

  // The handlers, without a server.
  void Capacity(const HttpRequest& request, const Responder& respond) const;
  HttpResponse Livez() const;
  HttpResponse Readyz() const;

 private:
  ReportStore* const store_;
  const Metrics* const metrics_;
  const Clock* const clock_;
};

// Whether an If-None-Match header names `etag`: "*", or one of a list, weak or not. Pure.
bool NoneMatchNames(std::string_view header, std::string_view etag);

}  // namespace pmem::agent
