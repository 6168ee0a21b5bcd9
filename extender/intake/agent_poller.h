// SPDX-License-Identifier: Apache-2.0
// Long-polls every agent, all at once and without a thread for each, and emits what they say:
// AgentsListed, ReportReceived, AgentConfirmed, AgentFailed. Per node one poll at a time, so a
// node's events come in their order; a slow or broken agent delays nobody else.
//
// An agent goes round:
//
// clang-format off
//                   its time has come                good, bad or no answer
//                  (Tick sends, 500 at once)          (the client's callback)
//    [waiting] ------------------------> [asked] ------------------------> [told]
//        ^                               |     ^                            |  |
//        | not whole by wait + slack:    |     |  its time has come already |  |
//        | its client is retired (Tick)  |     +----------------------------+  |
//        +-------------------------------+         (the same callback)         |
//        |                                                                     |
//        +---------------------------------------------------------------------+
//
// clang-format on
//
// Told: its event is on its way out, without the lock; until it is out no other poll begins. One
// that moves, from wherever it is, waits anew, at its new address; there and where one goes its
// client is retired. An answer to a poll that is not its agent's current one is dropped. Retired
// clients are ended by Tick, and the last by Stop.
//
// After a failure an agent is asked again without a generation (it may have begun anew), after 0.2
// s, doubled up to 5 s, with jitter. A poll that has not ended by wait + slack is a failure too: an
// agent that drips bytes never trips the read timeout.
//
// The thread that ticks sleeps until the next of these times comes, or one that is sooner is set.
//
// Thread-safe. After Stop nothing is emitted any more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/io/clock.h"
#include "common/io/http_client.h"
#include "common/io/periodic_task.h"
#include "extender/core/event.h"
#include "extender/intake/agent_discovery.h"

namespace pmem::extender {

inline constexpr absl::Duration kAgentBackoffMin = absl::Milliseconds(200);
inline constexpr absl::Duration kAgentBackoffMax = absl::Seconds(5);
// An agent that answers sooner than it was asked to is not asked again before this.
inline constexpr absl::Duration kAgentPollSpacing = absl::Milliseconds(20);
inline constexpr absl::Duration kAgentEarly304Spacing = absl::Seconds(1);
inline constexpr absl::Duration kAgentTickPeriod = absl::Milliseconds(50);
inline constexpr int kAgentStartsPerTick = 500;
inline constexpr int kAgentMessageBytesMax = 512;
// Held for at least so long, however soon its answer is wanted.
inline constexpr absl::Duration kAgentWaitMin = absl::Milliseconds(100);
// Answers of all nodes that are wanted at one moment come in the time after it, each node's at its
// own: one list may leave debts on all nodes.
inline constexpr absl::Duration kAgentWantedSpread = absl::Seconds(1);
// How long after: always the same of a node, less than kAgentWantedSpread.
absl::Duration AgentWantedDelay(const std::string& node);

class AgentPoller final : public AgentListener {
 public:
  struct Options {
    absl::Duration wait = absl::Seconds(20);  // How long an agent may hold a poll.
    // And then at most needs to answer: it may be reading what changed (agent::kHoldMax).
    absl::Duration slack = absl::Seconds(15);
    // When an answer of that node is wanted at the latest, even if nothing changes there; asked at
    // the begin of each poll. Empty: `wait` will do.
    std::function<absl::Time(const std::string& node)> wanted_at;
  };
  // A connection to each agent, of 20,000 at most, and those of our own clients.
  static constexpr int64_t kOpenFilesWanted = 32768;
  using ClientFactory =
      std::function<absl::StatusOr<std::unique_ptr<HttpClient>>(const std::string& url)>;

  // HttpClient::Make with no TLS of our own and `options`' patience.
  static ClientFactory PlainClients(const Options& options);

  AgentPoller(Options options, EventSink* events, const Clock* clock, ClientFactory clients);
  ~AgentPoller() override;  // Stops.

  void Start();
  void Stop();
  void OnAgents(std::vector<AgentEndpoint> agents) override;
  // Polls that failed, and agents that could not be asked; of all agents, since the start.
  int64_t failures() const;

  // Starts what is due and gives up what is overdue; not oftener than every kAgentTickPeriod, and
  // by tests. Returns how long nothing is due unless it is woken.
  absl::Duration Tick();

 private:
  class Impl;
  const std::shared_ptr<Impl> impl_;  // Polls in flight know it weakly.
  PeriodicTask task_;
};

}  // namespace pmem::extender
