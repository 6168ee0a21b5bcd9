// SPDX-License-Identifier: Apache-2.0
// Keeps an AgentListener told of all agents: from the agents' pods (list and watch by label), or
// from a file that is read again when it changes. A file that cannot be read, or is wrong, leaves
// the last good list standing.
//
// Start and Stop once each; Stop is idempotent.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/io/clock.h"
#include "common/io/mutex.h"
#include "common/io/periodic_task.h"
#include "extender/core/agent_roster.h"
#include "extender/intake/kube_client.h"
#include "extender/intake/watch_loop.h"

namespace pmem::extender {

inline constexpr absl::Duration kAgentsFilePeriod = absl::Milliseconds(500);
// News of agents' pods are told so soon after those before, all that came in that time at once:
// each list is of all agents. Without news it is told again from time to time, as agents that are
// gone are forgotten.
inline constexpr absl::Duration kAgentsTellPeriod = absl::Milliseconds(100);
inline constexpr absl::Duration kAgentsGracePeriod = absl::Seconds(5);

class AgentListener {
 public:
  virtual ~AgentListener() = default;
  // The whole list, sorted by node. May come again unchanged. One call at a time.
  virtual void OnAgents(std::vector<AgentEndpoint> agents) = 0;
};

class AgentDiscovery {
 public:
  // `client` may be null for a static file. `port`: of every agent, see AgentRoster.
  static std::unique_ptr<AgentDiscovery> Make(const AgentsFlag& flag, std::optional<int> port,
                                              KubeClient* client, AgentListener* listener,
                                              const Clock* clock);
  virtual ~AgentDiscovery() = default;
  virtual void Start() = 0;
  virtual void Stop() = 0;
  // Of the watch on the agents' pods; nullopt for a static file.
  virtual std::optional<WatchHealth> Health() const = 0;
};

// For tests as well: Tick() reads the file if it changed.
class AgentFile final : public AgentDiscovery {
 public:
  AgentFile(std::string path, AgentListener* listener);
  ~AgentFile() override { Stop(); }
  void Start() override { task_.Start(); }
  void Stop() override { task_.Stop(); }
  std::optional<WatchHealth> Health() const override { return std::nullopt; }
  void Tick();

 private:
  void NoteError(const absl::Status& error);

  const std::string path_;
  AgentListener* const listener_;
  // Of the task's thread only.
  std::optional<std::string> text_;
  absl::Status error_;
  bool has_list_ = false;  // A good one was read.
  PeriodicTask task_;
};

// For tests as well: Tick() tells what has changed.
class AgentPods final : public AgentDiscovery, public ObjectSink<AgentPod> {
 public:
  AgentPods(const AgentsFlag& flag, std::optional<int> port, KubeClient* client,
            AgentListener* listener, const Clock* clock);
  ~AgentPods() override { Stop(); }
  void Start() override;
  void Stop() override;
  std::optional<WatchHealth> Health() const override { return loop_.Health(); }
  // Of the watch.
  void OnSeen(AgentPod pod) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnGone(AgentPod last) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnRelisted(Relisted<AgentPod> list) override ABSL_LOCKS_EXCLUDED(mu_);
  // Returns how long there is nothing to tell without news.
  absl::Duration Tick() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  AgentListener* const listener_;
  const Clock* const clock_;
  Mutex mu_;
  AgentRoster roster_ ABSL_GUARDED_BY(mu_);
  bool is_listed_ ABSL_GUARDED_BY(mu_) = false;
  bool has_news_ ABSL_GUARDED_BY(mu_) = false;  // Since the listener was told last.
  absl::Time told_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  WatchLoop loop_;
  PeriodicTask task_;  // Its thread alone tells the listener.
};

}  // namespace pmem::extender
