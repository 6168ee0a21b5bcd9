// SPDX-License-Identifier: Apache-2.0
// pmem-extender: API server and agents -> ledger -> verbs, REST and the placement controller.
// Wiring only; see docs/life-of-a-pod.md for where each piece's work is told.
#include <cstdio>
#include <memory>

#include "common/io/flags.h"
#include "common/io/heap.h"
#include "common/io/http_server.h"
#include "common/io/log.h"
#include "common/io/open_files.h"
#include "common/io/signals.h"
#include "common/io/system_authorities.h"
#include "extender/attended_clock.h"
#include "extender/capacity_object_controller.h"
#include "extender/config.h"
#include "extender/extender_metrics.h"
#include "extender/intake/agent_discovery.h"
#include "extender/intake/agent_poller.h"
#include "extender/intake/cluster_watches.h"
#include "extender/intake/event_writer.h"
#include "extender/intake/kube_capacity_api.h"
#include "extender/intake/kube_client.h"
#include "extender/intake/kube_config.h"
#include "extender/intake/kube_live_reader.h"
#include "extender/intake/kube_placement_api.h"
#include "extender/leadership.h"
#include "extender/ledger_service.h"
#include "extender/placement_controller.h"
#include "extender/rest_api.h"
#include "extender/status_api.h"
#include "extender/ticker.h"
#include "extender/verb_api.h"

namespace pmem::extender {
namespace {

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "pmem-extender: %s\n", std::string(status.message()).c_str());
  return Flags::kBadFlagsExit;
}

int Run(const ExtenderConfig& config) {
  const RealClock real_clock;
  const AttendedClock clock(&real_clock);
  const auto kube_config = LoadKubeConfig(config.kubeconfig);
  if (!kube_config.ok()) return Fail(kube_config.status());
  auto client = KubeClient::Make(*kube_config, &clock);
  if (!client.ok()) return Fail(client.status());
  KubeLiveReader live(client->get(), &clock);
  LedgerService service(ServiceOptionsOf(config), &live, &clock);
  ExtenderMetrics metrics(&service);
  StatusApi status(&service, &metrics.registry(), &real_clock);
  VerbApi verbs(&service, &metrics);
  RestApi rest(&service);
  EventWriter events("pmem-extender", client->get(), &clock);
  KubePlacementApi placement_api(client->get(), &events, config.lease.kube_namespace);
  PlacementController placement(PinningOptionsOf(config), &service, &placement_api, &clock,
                                &metrics.registry());
  KubeCapacityApi capacity_api(client->get(), config.lease.kube_namespace);
  CapacityObjectController capacities(config.capacity_objects_nodes_max, &service, &capacity_api,
                                      &clock, &metrics.registry());
  WatchLoop capacity_watch(CapacityWatchOptions(config.lease.kube_namespace), client->get(),
                           std::make_unique<TypedKind<CapacityObject>>(&capacities), &clock);
  Leadership leadership(config, client->get(), &service, &real_clock, &metrics.registry());
  HttpServer server({.observer = [&metrics](const auto& call) { metrics.OnExchange(call); }});
  verbs.Register(server, config.body_bytes_max);
  status.Register(server);
  rest.Register(server);
  if (const auto port = server.Start(config.listen); !port.ok()) return Fail(port.status());
  std::printf("pmem-extender listening on %s\n", server.address().c_str());
  std::fflush(stdout);
  const AgentPoller::Options poll{.wait = PollWaitOf(config), .wanted_at = service.DebtEnds()};
  AgentPoller poller(poll, &service, &clock, AgentPoller::PlainClients(poll));
  const auto discovery =
      AgentDiscovery::Make(config.agents, config.agent_port, client->get(), &poller, &clock);
  ClusterWatches watches(client->get(), &service, &clock);
  metrics.AddIntake({&watches, &capacity_watch, discovery.get(), &poller, &events});
  Ticker ticker(&service, &metrics, &status);
  service.SetRelister([&watches](int64_t round) { watches.Relist(round); });
  service.SetLeftOut([&clock] { return clock.LeftOut(); });
  service.SetListener([&ticker, &placement, &capacities, &leadership] {
    ticker.Wake(), placement.Wake(), capacities.Wake(), leadership.Wake();
  });
  leadership.Start();
  events.Start(), watches.Start(), poller.Start(), discovery->Start(), ticker.Start();
  placement.Start();
  if (config.has_capacity_objects) capacity_watch.Start(), capacities.Start();
  WaitForSignal();
  EndWithin(kStopSecondsMax);  // Requests to an API server that is gone would take longer.
  // First nothing is decided and written any more, then the next leader may, then we go.
  service.SetLeading(false);  // What a long round has still to write is not written.
  placement_api.BeginStop(), placement.Stop();
  capacities.Stop();
  leadership.Stop();
  capacity_watch.Stop();
  verbs.Stop();
  server.Stop();
  events.Stop(), ticker.Stop();
  discovery->Stop();
  poller.Stop();
  watches.Stop();
  return 0;
}

}  // namespace
}  // namespace pmem::extender

int main(int argc, char** argv) {
  pmem::TrustLockOrder();
  pmem::ShareHeaps();
  pmem::LeaveOutSystemAuthorities();
  pmem::BlockSignals();
  const auto parsed = pmem::extender::ParseConfig(argc, argv);
  if (parsed.exit_code) return *parsed.exit_code;
  pmem::SetLogLevel(parsed.config.log_level);
  pmem::RaiseOpenFilesLimit(pmem::extender::AgentPoller::kOpenFilesWanted);
  pmem::StartIoThreads(parsed.config.io_threads + pmem::extender::VerbApi::kBlockingCallsHere);
  return pmem::extender::Run(parsed.config);
}
