// SPDX-License-Identifier: Apache-2.0
#include "tests/simulator/agents.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace pmem::extender::simulator {
namespace {

constexpr uint64_t kAgentsSalt = 2;
constexpr absl::Duration kPollWait = absl::Seconds(20);           // ExtenderConfig::agent_wait
constexpr absl::Duration kPollWaitMin = absl::Milliseconds(100);  // kAgentWaitMin
constexpr absl::Duration kBackoffMax = absl::Seconds(5);          // kAgentBackoffMax

}  // namespace

Agents::Agents(Stage& stage, std::vector<std::unique_ptr<Replica>>& replicas)
    : stage_(stage), replicas_(replicas), random_(stage.plan.seed, kAgentsSalt) {}

void Agents::Start() {
  for (const auto& [name, devices] : stage_.devices) {
    agents_[name];
    Read(name);
  }
}

void Agents::Touch(const std::string& node) {
  const absl::Duration delay = random_.Between(absl::Milliseconds(1), absl::Milliseconds(200));
  stage_.agenda.After(delay, [this, node] { Read(node); });
}

void Agents::Read(const std::string& node) {
  Agent& agent = agents_.at(node);
  if (!Speaks(node)) return;
  auto report = std::make_shared<CapacityReport>();
  report->node = node;
  report->boot_id = absl::StrCat("boot-", agent.boot);
  report->generation = agent.report == nullptr || agent.report->boot_id != report->boot_id
                           ? 1
                           : agent.report->generation + 1;
  report->observed_at = stage_.agenda.now();
  report->pools = stage_.devices.at(node).Pools();
  agent.report = std::move(report);
  for (const auto& replica : replicas_) Send(node, *replica);
}

absl::Duration Agents::Delay() {
  if (stage_.Has("late_reports") && random_.Chance(20)) {
    return random_.Between(absl::ZeroDuration(), kReportDelayMax);
  }
  return random_.Between(absl::Milliseconds(1), absl::Milliseconds(20));
}

void Agents::Send(const std::string& node, Replica& replica) {
  if (!replica.IsUp()) return;
  const int process = replica.process();
  if (stage_.Has("lost_reports") && random_.Chance(10)) {
    stage_.agenda.After(random_.Between(absl::Seconds(1), kBackoffMax), [=, this, &replica] {
      if (process == replica.process() && Speaks(node)) Send(node, replica);
    });
    return;
  }
  stage_.agenda.After(Delay(), [&replica, process, report = agents_.at(node).report] {
    if (process == replica.process()) replica.Receive(ReportReceived{report});
  });
}

bool Agents::Speaks(const std::string& node) const {
  const Agent& agent = agents_.at(node);
  return !agent.is_down && agent.is_listed && !stage_.off.contains(node);
}

AgentsListed Agents::Listed() const {
  AgentsListed listed;
  for (const auto& [node, agent] : agents_) {
    if (agent.is_listed) listed.nodes.push_back(node);
  }
  return listed;
}

void Agents::List() {
  for (const auto& replica : replicas_) {
    if (!replica->IsUp()) continue;
    const absl::Duration delay = random_.Between(absl::ZeroDuration(), absl::Seconds(1));
    stage_.agenda.After(delay, [this, &replica = *replica, process = replica->process()] {
      if (process == replica.process()) Tell(replica);
    });
  }
}

// Those that are new there are asked at once.
void Agents::Tell(Replica& replica) {
  const AgentsListed listed = Listed();
  replica.Receive(listed);
  for (const std::string& node : listed.nodes) {
    const bool is_new = replica.ledger().nodes().Find(node)->contact == absl::InfinitePast();
    if (is_new && Speaks(node)) Send(node, replica);
  }
}

void Agents::Add(const std::string& node) {
  const bool is_new = !agents_.contains(node);
  agents_[node].is_listed = true;
  List();
  Read(node);
  if (!is_new) return;
  for (const auto& replica : replicas_) {
    if (replica->IsUp()) Poll(node, *replica, replica->process());
  }
}

void Agents::Remove(const std::string& node) {
  agents_.at(node).is_listed = false;
  List();
}

void Agents::Connect(Replica& replica) {
  replica.Receive(Listed());
  for (const auto& [node, agent] : agents_) {
    if (Speaks(node)) Send(node, replica);
    Poll(node, replica, replica.process());
  }
}

// A poll that found nothing new in its time is answered so (304). It ends with a debt of the node.
void Agents::Poll(const std::string& node, Replica& replica, int process) {
  const absl::Duration wanted_in = replica.ledger().DebtEndOn(node) - stage_.agenda.now();
  const absl::Duration wait = std::min(kPollWait, std::max(kPollWaitMin, wanted_in));
  stage_.agenda.After(wait + Delay(), [=, this, &replica] {
    if (process != replica.process()) return;
    const Agent& agent = agents_.at(node);
    const NodeState* known = replica.ledger().nodes().Find(node);
    if (Speaks(node) && known != nullptr && known->report != nullptr) {
      const bool is_same = known->report->boot_id == agent.report->boot_id &&
                           known->report->generation == agent.report->generation;
      if (is_same) {
        replica.Receive(AgentConfirmed{node});
      } else {
        Send(node, replica);
      }
    }
    Poll(node, replica, process);
  });
}

void Agents::Reboot(const std::string& node) {
  ++agents_.at(node).boot;
  SetDown(node, true);
  const absl::Duration pause = random_.Between(absl::Milliseconds(500), absl::Seconds(3));
  stage_.agenda.After(pause, [this, node] { SetDown(node, false); });
}

void Agents::SetDown(const std::string& node, bool is_down) {
  Agent& agent = agents_.at(node);
  if (agent.is_down == is_down) return;
  agent.is_down = is_down;
  if (!is_down) return Read(node);
  for (const auto& replica : replicas_) {
    if (replica->IsUp()) replica->Receive(AgentFailed{node, "no answer"});
  }
}

}  // namespace pmem::extender::simulator
