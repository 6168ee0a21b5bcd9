// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/agent_discovery.h"

#include <utility>

#include "common/io/files.h"
#include "common/io/log.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "agents";

}  // namespace

std::unique_ptr<AgentDiscovery> AgentDiscovery::Make(const AgentsFlag& flag,
                                                     std::optional<int> port, KubeClient* client,
                                                     AgentListener* listener, const Clock* clock) {
  if (flag.is_static) return std::make_unique<AgentFile>(flag.file, listener);
  return std::make_unique<AgentPods>(flag, port, client, listener, clock);
}

AgentFile::AgentFile(std::string path, AgentListener* listener)
    : path_(std::move(path)),
      listener_(listener),
      task_("agents-file", kAgentsFilePeriod, [this] { Tick(); }) {}

void AgentFile::Tick() {
  absl::StatusOr<std::string> text = ReadFile(path_, kAgentsFileBytesMax);
  if (!text.ok()) return NoteError(text.status());
  if (text_ == *text) return;
  absl::StatusOr<std::vector<AgentEndpoint>> agents = ParseAgentsFile(*text);
  text_ = *std::move(text);
  if (!agents.ok()) return NoteError(agents.status());
  error_ = absl::OkStatus();
  has_list_ = true;
  LogInfo(kComponent, "the list of agents was read", {{"file", path_}, {"agents", agents->size()}});
  listener_->OnAgents(*std::move(agents));
}

void AgentFile::NoteError(const absl::Status& error) {
  if (error != error_) {
    LogWarning(kComponent,
               has_list_ ? "the list of agents cannot be read; the last good one stands"
                         : "the list of agents cannot be read; no agents are known",
               {{"file", path_}, {"error", error}});
  }
  error_ = error;
}

AgentPods::AgentPods(const AgentsFlag& flag, std::optional<int> port, KubeClient* client,
                     AgentListener* listener, const Clock* clock)
    : listener_(listener),
      clock_(clock),
      roster_(port),
      loop_({.kind = std::string(ObjectKindName(ObjectKind::kAgents)),
             .resource = kPodsResource,
             .kube_namespace = flag.kube_namespace,
             .label_selector = flag.label_selector},
            client, std::make_unique<TypedKind<AgentPod>>(this), clock),
      task_(
          "agents-tell", [this] { return Tick(); }, kAgentsTellPeriod) {}

void AgentPods::Start() {
  loop_.Start();
  task_.Start();
}

void AgentPods::Stop() {
  loop_.Stop();
  task_.Stop();
}

void AgentPods::OnSeen(AgentPod pod) {
  {
    MutexLock lock(&mu_);
    has_news_ |= roster_.Put(std::move(pod));
  }
  task_.Wake();
}

void AgentPods::OnGone(AgentPod last) {
  {
    MutexLock lock(&mu_);
    has_news_ |= roster_.Remove(last.meta.key);
  }
  task_.Wake();
}

void AgentPods::OnRelisted(Relisted<AgentPod> list) {
  {
    MutexLock lock(&mu_);
    roster_.Replace(std::move(list.objects));
    is_listed_ = has_news_ = true;
  }
  task_.Wake();
}

absl::Duration AgentPods::Tick() {
  const absl::Time now = clock_->SteadyNow();
  std::vector<AgentEndpoint> agents;
  {
    MutexLock lock(&mu_);
    if (!is_listed_) return kAgentsGracePeriod;
    const absl::Duration left = told_at_ + kAgentsGracePeriod - now;
    if (!has_news_ && left > absl::ZeroDuration()) return left;
    has_news_ = false;
    told_at_ = now;
    agents = roster_.Endpoints(now);
  }
  listener_->OnAgents(std::move(agents));
  return kAgentsGracePeriod;
}

}  // namespace pmem::extender
