// SPDX-License-Identifier: Apache-2.0
// GET /livez, /readyz, /metrics. Thread-safe.
#pragma once

#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "common/io/metrics.h"
#include "common/io/mutex.h"
#include "extender/ledger_service.h"

namespace pmem::extender {

class StatusApi {
 public:
  // A program whose timer has not run for so long is stuck: /livez says so.
  static constexpr absl::Duration kTickAgeMax = absl::Seconds(30);

  // All must outlive the server.
  StatusApi(const LedgerService* service, const Metrics* metrics, const Clock* clock);
  void Register(HttpServer& server);
  // The timer ran.
  void OnTick() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  HttpResponse Livez() ABSL_LOCKS_EXCLUDED(mu_);
  HttpResponse Readyz() const;

  const LedgerService* const service_;
  const Metrics* const metrics_;
  const Clock* const clock_;
  Mutex mu_;
  absl::Time ticked_ ABSL_GUARDED_BY(mu_);
};

}  // namespace pmem::extender
