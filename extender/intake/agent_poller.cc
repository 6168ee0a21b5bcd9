// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/agent_poller.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/io/log.h"
#include "common/io/mutex.h"
#include "common/pure/capacity_report.h"
#include "common/pure/status_macros.h"
#include "extender/intake/due_times.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kComponent = "agents";
constexpr int kNotModified = 304;
constexpr absl::Duration kWaitUnit = absl::Milliseconds(1);

// poll_id says where it is in the drawing of the header: waiting at 0.
struct Agent {
  std::string node;
  std::string url;         // Empty: it cannot be asked.
  std::string last_error;  // Empty while ok.
  bool is_ok = false;      // Its last poll was answered well.
  std::shared_ptr<HttpClient> client;
  std::optional<int64_t> generation;  // Of its last report, while nothing went wrong since.
  uint64_t poll_id = 0;               // Of the poll that is asked, or told of.
  absl::Time poll_began = absl::InfinitePast();
  absl::Duration poll_wait;  // What it was asked with.
  absl::Time next = absl::InfinitePast();
  absl::Duration backoff;
};

// A poll that was decided on under the lock and is sent without it.
struct Poll {
  std::string node;
  uint64_t id = 0;
  std::string url;
  std::shared_ptr<HttpClient> client;  // Null: to be made; and once it was sent.
  std::optional<int64_t> generation;   // Absent: the agent is to answer at once.
};

// What became of a poll; emitted and logged without the lock.
struct Outcome {
  Event event;
  std::string node;
  bool is_news = false;  // Worth a log line: it did not fail (or not so) before, or it did.
};

std::string Shortened(absl::string_view message) {
  return std::string(message.substr(0, kAgentMessageBytesMax));
}

// The event that the answer amounts to; an error is the agent's failure.
absl::StatusOr<Event> Read(const Poll& poll, const ClientResponse& response) {
  if (response.status == kNotModified && poll.generation) {
    return AgentConfirmed{poll.node, poll.generation};
  }
  if (response.status != 200) {
    return absl::UnavailableError(absl::StrCat("answered HTTP ", response.status));
  }
  PMEM_ASSIGN_OR_RETURN(CapacityReport report, ParseCapacityReport(response.body));
  if (report.node != poll.node) {
    return absl::FailedPreconditionError(
        absl::StrCat("answers for another node: \"", report.node, "\""));
  }
  return ReportReceived{std::make_shared<const CapacityReport>(std::move(report))};
}

}  // namespace

absl::Duration AgentWantedDelay(const std::string& node) {
  const auto slots = static_cast<size_t>(kAgentWantedSpread / kWaitUnit);
  return static_cast<int64_t>(std::hash<std::string>()(node) % slots) * kWaitUnit;
}

class AgentPoller::Impl : public std::enable_shared_from_this<Impl> {
 public:
  // `wake`: something is due sooner than Tick said; until Stop has returned.
  Impl(Options options, EventSink* events, const Clock* clock, ClientFactory clients,
       std::function<void()> wake)
      : options_(std::move(options)),
        limit_(options_.wait + options_.slack),
        events_(events),
        clock_(clock),
        clients_(std::move(clients)),
        wake_(std::move(wake)),
        random_(std::random_device()()) {}

  void Stop() ABSL_LOCKS_EXCLUDED(mu_);
  void OnAgents(const std::vector<AgentEndpoint>& agents) ABSL_LOCKS_EXCLUDED(mu_);
  int64_t failures() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Duration Tick() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // From state to state; see the drawing. Each under the lock, what is told and sent without it.
  Poll BeginLocked(Agent* agent, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Outcome NoteGoodLocked(Agent* agent, Event event, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Outcome NoteFailureLocked(Agent* agent, absl::string_view message, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<Poll> EndLocked(Agent* agent, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Ends its poll without an answer; the connection is not used again.
  void RetireLocked(Agent* agent) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MoveLocked(Agent* agent, const AgentEndpoint& endpoint, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // It is looked at again when its next poll is due, or the one in flight overdue.
  void ScheduleLocked(const Agent& agent) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ScheduleAll() ABSL_LOCKS_EXCLUDED(mu_);
  // The agent, while the poll is its current one.
  Agent* FindLocked(const Poll& poll) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<std::shared_ptr<HttpClient>> TakeIdleLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void Send(Poll poll) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Duration WaitFor(const std::string& node) const;
  ClientRequest RequestOf(const Poll& poll) ABSL_LOCKS_EXCLUDED(mu_);
  void OnAnswer(const Poll& poll, absl::StatusOr<ClientResponse> response) ABSL_LOCKS_EXCLUDED(mu_);
  void Tell(Outcome outcome);
  bool BeginCallback() ABSL_LOCKS_EXCLUDED(mu_);
  void EndCallback() ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  const absl::Duration limit_;  // In which a poll must be answered whole.
  EventSink* const events_;
  const Clock* const clock_;
  const ClientFactory clients_;
  const std::function<void()> wake_;

  mutable Mutex mu_;
  CondVar idle_;
  std::map<std::string, Agent> agents_ ABSL_GUARDED_BY(mu_);
  DueTimes due_ ABSL_GUARDED_BY(mu_);  // Of the agents that can be asked.
  // Clients that no agent has any more. Tick ends those with which nobody is just sending: a
  // client's end waits for its callbacks, and it may be one of them that sends.
  std::vector<std::shared_ptr<HttpClient>> retired_ ABSL_GUARDED_BY(mu_);
  std::optional<std::vector<AgentEndpoint>> endpoints_ ABSL_GUARDED_BY(mu_);  // The last list.
  std::optional<std::vector<std::string>> listed_ ABSL_GUARDED_BY(mu_);       // Emitted.
  uint64_t last_poll_id_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t failures_ ABSL_GUARDED_BY(mu_) = 0;
  int callbacks_ ABSL_GUARDED_BY(mu_) = 0;
  bool is_stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
};

void AgentPoller::Impl::Stop() {
  std::map<std::string, Agent> agents;  // Both end outside the lock.
  std::vector<std::shared_ptr<HttpClient>> retired;
  MutexLock lock(&mu_);
  is_stopped_ = true;
  agents.swap(agents_);
  due_.Clear();
  while (callbacks_ > 0) idle_.WaitWithTimeout(&mu_, absl::Seconds(1));
  retired.swap(retired_);
}

void AgentPoller::Impl::OnAgents(const std::vector<AgentEndpoint>& agents) {
  std::vector<std::string> nodes;
  std::vector<Outcome> failures;
  bool is_new_list = false;
  const absl::Time now = clock_->SteadyNow();
  {
    MutexLock lock(&mu_);
    if (is_stopped_ || endpoints_ == agents) return;
    endpoints_ = agents;
    std::map<std::string, Agent> gone;
    gone.swap(agents_);
    due_.Clear();
    for (const AgentEndpoint& endpoint : agents) {
      nodes.push_back(endpoint.node);
      Agent& agent = agents_[endpoint.node];
      auto known = gone.extract(endpoint.node);
      if (!known.empty()) agent = std::move(known.mapped());
      const bool is_same = !known.empty() && agent.url == endpoint.url;
      if (!is_same) MoveLocked(&agent, endpoint, now);
      if (endpoint.url.empty() && !(is_same && agent.last_error == endpoint.problem)) {
        failures.push_back(NoteFailureLocked(&agent, endpoint.problem, now));
      }
    }
    for (auto& [node, agent] : gone) RetireLocked(&agent);
    is_new_list = listed_ != nodes;
    listed_ = nodes;
  }
  if (is_new_list) events_->Emit(AgentsListed{std::move(nodes)});
  ScheduleAll();  // A report from a node that is not listed yet would count for nothing.
  wake_();
  for (Outcome& failure : failures) Tell(std::move(failure));
}

void AgentPoller::Impl::ScheduleAll() {
  MutexLock lock(&mu_);
  for (const auto& [node, agent] : agents_) ScheduleLocked(agent);
}

void AgentPoller::Impl::RetireLocked(Agent* agent) {
  agent->poll_id = 0;
  if (agent->client != nullptr) retired_.push_back(std::exchange(agent->client, nullptr));
}

void AgentPoller::Impl::MoveLocked(Agent* agent, const AgentEndpoint& endpoint, absl::Time now) {
  RetireLocked(agent);
  agent->node = endpoint.node;
  agent->url = endpoint.url;
  agent->generation.reset();
  agent->next = now;
  agent->backoff = absl::ZeroDuration();
}

int64_t AgentPoller::Impl::failures() const {
  MutexLock lock(&mu_);
  return failures_;
}

absl::Duration AgentPoller::Impl::Tick() {
  std::vector<Poll> polls;
  std::vector<Outcome> failures;
  std::vector<std::shared_ptr<HttpClient>> idle;  // They end outside the lock.
  const absl::Time now = clock_->SteadyNow();
  {
    MutexLock lock(&mu_);
    for (const std::string& node : due_.Due(now, kAgentStartsPerTick)) {
      Agent& agent = agents_.at(node);
      if (agent.poll_id == 0) {
        polls.push_back(BeginLocked(&agent, now));
        continue;
      }
      RetireLocked(&agent);
      failures.push_back(NoteFailureLocked(
          &agent, absl::StrCat("no whole answer within ", absl::FormatDuration(limit_)), now));
      ScheduleLocked(agent);
    }
    idle = TakeIdleLocked();
  }
  for (Outcome& failure : failures) Tell(std::move(failure));
  for (Poll& poll : polls) Send(std::move(poll));
  MutexLock lock(&mu_);
  // Who still sends with a retired client does not say when it is done.
  const absl::Time next = retired_.empty() ? due_.First() : now;
  return std::max(next - clock_->SteadyNow(), kAgentTickPeriod);
}

// A retired client gets no new poll: with whom nobody sends now, nobody ever will.
std::vector<std::shared_ptr<HttpClient>> AgentPoller::Impl::TakeIdleLocked() {
  const auto first = std::partition(retired_.begin(), retired_.end(),
                                    [](const auto& client) { return client.use_count() > 1; });
  std::vector<std::shared_ptr<HttpClient>> idle(std::make_move_iterator(first),
                                                std::make_move_iterator(retired_.end()));
  retired_.erase(first, retired_.end());
  return idle;
}

Poll AgentPoller::Impl::BeginLocked(Agent* agent, absl::Time now) {
  Poll poll{.node = agent->node,
            .id = ++last_poll_id_,
            .url = agent->url,
            .client = agent->client,
            .generation = agent->generation};
  agent->poll_id = poll.id;
  agent->poll_began = now;
  agent->poll_wait = options_.wait;
  ScheduleLocked(*agent);
  return poll;
}

void AgentPoller::Impl::ScheduleLocked(const Agent& agent) {
  absl::Time at = agent.poll_id == 0 ? agent.next : agent.poll_began + limit_;
  if (agent.url.empty()) at = absl::InfiniteFuture();
  due_.Set(agent.node, at);
}

// Asks others, and therefore without the lock.
absl::Duration AgentPoller::Impl::WaitFor(const std::string& node) const {
  if (!options_.wanted_at) return options_.wait;
  const absl::Duration wanted_in =
      options_.wanted_at(node) + AgentWantedDelay(node) - clock_->SteadyNow();
  return std::min(options_.wait, std::max(kAgentWaitMin, absl::Ceil(wanted_in, kWaitUnit)));
}

ClientRequest AgentPoller::Impl::RequestOf(const Poll& poll) {
  ClientRequest request;
  request.body_bytes_max = kReportBytesMax;
  request.deadline = limit_;
  request.path_and_query = "/v1/capacity";
  if (!poll.generation.has_value()) return request;
  const absl::Duration wait = WaitFor(poll.node);
  absl::StrAppend(&request.path_and_query, "?generation=", *poll.generation,
                  "&wait=", absl::FormatDuration(wait));
  if (wait == options_.wait) return request;
  MutexLock lock(&mu_);
  if (Agent* agent = FindLocked(poll)) agent->poll_wait = wait;
  return request;
}

Agent* AgentPoller::Impl::FindLocked(const Poll& poll) {
  const auto found = agents_.find(poll.node);
  return found == agents_.end() || found->second.poll_id != poll.id ? nullptr : &found->second;
}

void AgentPoller::Impl::Send(Poll poll) {
  // Not in the callback: a client must not keep itself.
  std::shared_ptr<HttpClient> client = std::exchange(poll.client, nullptr);
  if (client == nullptr) {
    absl::StatusOr<std::unique_ptr<HttpClient>> made = clients_(poll.url);
    if (!made.ok()) return OnAnswer(poll, made.status());
    client = *std::move(made);
    MutexLock lock(&mu_);
    Agent* agent = FindLocked(poll);
    if (agent == nullptr) return;
    agent->client = client;
  }
  client->SendAsync(RequestOf(poll),
                    [weak = weak_from_this(), poll](absl::StatusOr<ClientResponse> response) {
                      const std::shared_ptr<Impl> self = weak.lock();
                      if (self == nullptr || !self->BeginCallback()) return;
                      self->OnAnswer(poll, std::move(response));
                      self->EndCallback();
                    });
}

void AgentPoller::Impl::Tell(Outcome outcome) {
  const auto* failed = std::get_if<AgentFailed>(&outcome.event);
  if (outcome.is_news && failed != nullptr) {
    LogWarning(kComponent, "an agent cannot be read; its last report stands until it is too old",
               {{"node", outcome.node}, {"error", failed->message}});
  } else if (outcome.is_news) {
    LogInfo(kComponent, "an agent answers", {{"node", outcome.node}});
  }
  events_->Emit(std::move(outcome.event));
}

bool AgentPoller::Impl::BeginCallback() {
  MutexLock lock(&mu_);
  if (is_stopped_) return false;
  ++callbacks_;
  return true;
}

void AgentPoller::Impl::EndCallback() {
  MutexLock lock(&mu_);
  --callbacks_;
  idle_.SignalAll();
}

void AgentPoller::Impl::OnAnswer(const Poll& poll, absl::StatusOr<ClientResponse> response) {
  absl::StatusOr<Event> event =
      response.ok() ? Read(poll, *response) : absl::StatusOr<Event>(response.status());
  const absl::Time now = clock_->SteadyNow();
  Outcome outcome;
  {
    MutexLock lock(&mu_);
    Agent* agent = FindLocked(poll);
    if (agent == nullptr) return;
    outcome = event.ok() ? NoteGoodLocked(agent, *std::move(event), now)
                         : NoteFailureLocked(agent, event.status().message(), now);
  }
  Tell(std::move(outcome));
  std::optional<Poll> next;
  {
    MutexLock lock(&mu_);
    if (Agent* agent = FindLocked(poll)) next = EndLocked(agent, now);
  }
  next.has_value() ? Send(*std::move(next)) : wake_();
}

std::optional<Poll> AgentPoller::Impl::EndLocked(Agent* agent, absl::Time now) {
  agent->poll_id = 0;
  if (agent->next <= now) return BeginLocked(agent, now);
  ScheduleLocked(*agent);
  return std::nullopt;
}

Outcome AgentPoller::Impl::NoteGoodLocked(Agent* agent, Event event, absl::Time now) {
  const auto* report = std::get_if<ReportReceived>(&event);
  if (report != nullptr) agent->generation = report->report->generation;
  const bool is_early_304 = report == nullptr && now - agent->poll_began < agent->poll_wait / 2;
  agent->next = agent->poll_began + (is_early_304 ? kAgentEarly304Spacing : kAgentPollSpacing);
  agent->backoff = absl::ZeroDuration();
  Outcome outcome{.event = std::move(event), .node = agent->node, .is_news = !agent->is_ok};
  agent->is_ok = true;
  agent->last_error.clear();
  return outcome;
}

Outcome AgentPoller::Impl::NoteFailureLocked(Agent* agent, absl::string_view message,
                                             absl::Time now) {
  agent->generation.reset();
  agent->backoff = agent->backoff == absl::ZeroDuration()
                       ? kAgentBackoffMin
                       : std::min(agent->backoff * 2, kAgentBackoffMax);
  const double jitter = std::uniform_real_distribution<double>(0.5, 1)(random_);
  agent->next = now + agent->backoff * jitter;
  std::string text = Shortened(message);
  Outcome outcome{.event = AgentFailed{.node = agent->node, .message = text},
                  .node = agent->node,
                  .is_news = agent->last_error != text};
  agent->is_ok = false;
  ++failures_;
  agent->last_error = std::move(text);
  return outcome;
}

AgentPoller::ClientFactory AgentPoller::PlainClients(const Options& options) {
  return [silence = options.wait + options.slack](const std::string& url) {
    return HttpClient::Make(url, ClientTls(), silence);
  };
}

AgentPoller::AgentPoller(Options options, EventSink* events, const Clock* clock,
                         ClientFactory clients)
    : impl_(std::make_shared<Impl>(std::move(options), events, clock, std::move(clients),
                                   [this] { task_.Wake(); })),
      task_(
          "agents", [this] { return Tick(); }, kAgentTickPeriod) {}

AgentPoller::~AgentPoller() { Stop(); }

void AgentPoller::Start() { task_.Start(); }

void AgentPoller::Stop() {
  task_.Stop();
  impl_->Stop();
}

void AgentPoller::OnAgents(std::vector<AgentEndpoint> agents) { impl_->OnAgents(agents); }

int64_t AgentPoller::failures() const { return impl_->failures(); }

absl::Duration AgentPoller::Tick() { return impl_->Tick(); }

}  // namespace pmem::extender
