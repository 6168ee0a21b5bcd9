// SPDX-License-Identifier: Apache-2.0
// The extender's intake alone, for tests against a real API server: prints one line per core event,
// and per change of leadership when an identity is given, until SIGTERM.
//
// usage: intake-probe KUBECONFIG [LEASE_KUBE_NAMESPACE IDENTITY]
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "common/io/clock.h"
#include "common/io/http_server.h"
#include "common/io/signals.h"
#include "extender/intake/cluster_watches.h"
#include "extender/intake/leader_elector.h"
#include "tests/fakes/recording_sink.h"

namespace pmem::extender {
namespace {

class PrintingSink final : public EventSink {
 public:
  void Emit(Event event) override {
    RecordingSink one;
    one.Emit(std::move(event));
    Print(one.WaitFor(1)[0]);
  }
  void Print(const std::string& line) {
    MutexLock lock(&mu_);
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
  }

 private:
  Mutex mu_;
};

int Run(const std::vector<std::string>& arguments) {
  const RealClock clock;
  PrintingSink sink;
  const absl::StatusOr<KubeConfig> config = LoadKubeConfig(arguments[0]);
  if (!config.ok()) return std::fprintf(stderr, "%s\n", config.status().ToString().c_str()), 2;
  const auto client = KubeClient::Make(*config, &clock);
  if (!client.ok()) return std::fprintf(stderr, "%s\n", client.status().ToString().c_str()), 2;
  ClusterWatches watches(client->get(), &sink, &clock);
  watches.Start();
  std::unique_ptr<LeaderElector> elector;
  if (arguments.size() == 3) {
    elector = std::make_unique<LeaderElector>(
        LeaderElector::Options{.kube_namespace = arguments[1],
                               .lease_name = "probe",
                               .timing = {.identity = arguments[2],
                                          .lease_duration = absl::Seconds(3),
                                          .renew_deadline = absl::Seconds(2),
                                          .retry_period = absl::Milliseconds(500)}},
        client->get(), &clock,
        [&sink](bool is_leader) { sink.Print(is_leader ? "leads" : "leads no more"); });
    elector->Start();
  }
  WaitForSignal();
  if (elector != nullptr) elector->Stop();
  watches.Stop();
  for (const WatchHealth& health : watches.Health()) {
    std::printf("%s: relists %d\n", health.kind.c_str(), static_cast<int>(health.relists));
  }
  return 0;
}

}  // namespace
}  // namespace pmem::extender

int main(int argc, char** argv) {
  pmem::BlockSignals();
  if (argc != 2 && argc != 4) return std::fprintf(stderr, "see the usage in the source\n"), 2;
  pmem::StartIoThreads(2);
  return pmem::extender::Run(std::vector<std::string>(argv + 1, argv + argc));
}
