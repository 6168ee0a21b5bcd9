// SPDX-License-Identifier: Apache-2.0
// What people and Prometheus see of the driver over HTTP: /metrics, /livez, /readyz. Volumes and
// their pools are the agent's to show. Listed in docs/metrics.md.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/io/http_server.h"
#include "common/io/metrics.h"
#include "csi-driver/grpc/call_observer.h"

namespace pmem::driver {

// Thread-safe after Start.
class Monitor {
 public:
  explicit Monitor(std::string_view version);

  // Counts a call of CSI or of the kubelet's registration.
  void Observe(const EndedCall& call);
  // /readyz is 200 from now on: CSI is served.
  void SetReady() { is_ready_ = true; }

  // The address with the chosen port. Errors: those of HttpServer::Start.
  absl::StatusOr<std::string> Start(const std::string& listen);
  void Stop() { server_.Stop(); }

  // The answers, without a server.
  std::string MetricsText() const { return metrics_.Text(); }
  HttpResponse Readyz() const;

 private:
  Metrics metrics_;
  std::atomic<bool> is_ready_ = false;
  HttpServer server_;
};

}  // namespace pmem::driver
