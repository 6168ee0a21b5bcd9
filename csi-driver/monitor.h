// SPDX-License-Identifier: Apache-2.0
// What people and Prometheus see of the driver over HTTP: /metrics, /livez, /readyz. Volumes and
// their pools are the agent's to show. Listed in docs/metrics.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "common/io/metrics.h"
#include "common/io/mutex.h"
#include "csi-driver/grpc/call_observer.h"

namespace pmem::driver {

// Thread-safe after Start.
class Monitor {
 public:
  // A driver whose server of CSI has not answered for so long hangs: /livez says so.
  static constexpr absl::Duration kAnswerAgeMax = absl::Seconds(60);

  // `clock` must outlive the monitor.
  Monitor(std::string_view version, const Clock* clock);

  // Counts a call of CSI or of the kubelet's registration.
  void Observe(const EndedCall& call);
  // CSI is served: /readyz is 200 from now on, and /livez only as long as it answers.
  void SetReady() { NoteAnswer(); }
  // The server of CSI has answered.
  void NoteAnswer() ABSL_LOCKS_EXCLUDED(mu_);

  // The address with the chosen port. Errors: those of HttpServer::Start.
  absl::StatusOr<std::string> Start(const std::string& listen);
  void Stop() { server_.Stop(); }

  // The answers, without a server.
  std::string MetricsText() const { return metrics_.Text(); }
  HttpResponse Livez() const ABSL_LOCKS_EXCLUDED(mu_);
  HttpResponse Readyz() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::optional<absl::Time> AnsweredAt() const ABSL_LOCKS_EXCLUDED(mu_);

  const Clock* const clock_;
  Metrics metrics_;
  mutable Mutex mu_;
  std::optional<absl::Time> answered_at_ ABSL_GUARDED_BY(mu_);  // Last; none: it is not served yet.
  HttpServer server_;
};

}  // namespace pmem::driver
