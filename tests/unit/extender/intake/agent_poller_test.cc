// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/agent_poller.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/fakes/recording_sink.h"

namespace pmem::extender {
namespace {

using Texts = std::vector<std::string>;

constexpr absl::Duration kWait = absl::Seconds(20);
constexpr absl::Duration kSlack = absl::Seconds(10);

ClientResponse Report(std::string_view node, int64_t generation) {
  CapacityReport report;
  report.node = node;
  report.boot_id = "boot";
  report.generation = generation;
  report.observed_at = absl::UnixEpoch();
  return {.status = 200, .body = SerialiseCapacityReport(report)};
}

// The poller is driven by Tick(), time by the fake clock, answers by the test.
class AgentPollerTest : public ::testing::Test {
 protected:
  AgentPollerTest() : poller_(Options(), &events_, &clock_, Clients()) {}

  AgentPoller::Options Options() {
    return {.wait = kWait, .slack = kSlack, .wanted_at = [this](const std::string& node) {
              if (before_sending_) std::exchange(before_sending_, nullptr)();
              const auto it = wanted_at_.find(node);
              return it == wanted_at_.end() ? absl::InfiniteFuture() : it->second;
            }};
  }

  AgentPoller::ClientFactory Clients() {
    return [this](const std::string& url) -> absl::StatusOr<std::unique_ptr<HttpClient>> {
      if (url == "bad") return absl::InvalidArgumentError("\"bad\" is not a URL");
      return std::make_unique<FakeHttpClient>(&servers_[url]);
    };
  }

  void Listen(const Texts& nodes) {
    std::vector<AgentEndpoint> agents;
    for (const std::string& node : nodes) agents.push_back({.node = node, .url = node + "-url"});
    poller_.OnAgents(std::move(agents));
    poller_.Tick();
  }

  void Pass(absl::Duration time) {
    clock_.Advance(time);
    poller_.Tick();
  }

  std::string LastPath(const std::string& node) {
    return servers_[node + "-url"].WaitForRequests(1).back().path_and_query;
  }

  static std::string WaitPath(absl::Duration wait) {
    return absl::StrCat("/v1/capacity?generation=7&wait=", absl::FormatDuration(wait));
  }

  FakeClock clock_;
  RecordingSink events_;
  std::map<std::string, FakeHttpServer> servers_;  // By URL.
  std::map<std::string, absl::Time> wanted_at_;    // By node.
  std::function<void()> before_sending_;           // Once: a poll was decided on, not yet sent.
  AgentPoller poller_;
};

TEST_F(AgentPollerTest, AnAgentIsAskedOnceAndThenForChanges) {
  Listen({"n1"});
  EXPECT_EQ(LastPath("n1"), "/v1/capacity");
  EXPECT_EQ(servers_["n1-url"].WaitForRequests(1)[0].body_bytes_max, kReportBytesMax);
  servers_["n1-url"].Answer(Report("n1", 7));
  Pass(kAgentPollSpacing);
  EXPECT_EQ(LastPath("n1"), "/v1/capacity?generation=7&wait=20s");
  clock_.Advance(kWait);
  servers_["n1-url"].Answer(ClientResponse{.status = 304});
  EXPECT_EQ(servers_["n1-url"].pending(), 1u) << "asked again at once";
  clock_.Advance(absl::Seconds(3));
  servers_["n1-url"].Answer(Report("n1", 8));
  EXPECT_EQ(LastPath("n1"), "/v1/capacity?generation=8&wait=20s");
  EXPECT_EQ(events_.WaitFor(4), (Texts{"agents n1", "report n1 7", "confirmed n1", "report n1 8"}));
  EXPECT_EQ(poller_.failures(), 0);
}

TEST_F(AgentPollerTest, APollEndsWhenItsAnswerIsWanted) {
  Listen({"n1"});
  wanted_at_["n1"] = clock_.SteadyNow() + absl::Microseconds(5'000'500);
  servers_["n1-url"].Answer(Report("n1", 7));
  Pass(kAgentPollSpacing);
  const absl::Duration wait = absl::Milliseconds(4'981) + AgentWantedDelay("n1");
  EXPECT_EQ(LastPath("n1"), WaitPath(wait)) << "rather late than early";
  clock_.Advance(wait);
  wanted_at_["n1"] = clock_.SteadyNow() - kAgentWantedSpread;
  servers_["n1-url"].Answer(ClientResponse{.status = 304});
  EXPECT_EQ(servers_["n1-url"].pending(), 1u) << "no early answer: asked again at once";
  EXPECT_EQ(LastPath("n1"), WaitPath(kAgentWaitMin)) << "but never in a whirl";
  wanted_at_.clear();
  clock_.Advance(kAgentWaitMin);
  servers_["n1-url"].Answer(ClientResponse{.status = 304});
  EXPECT_EQ(LastPath("n1"), "/v1/capacity?generation=7&wait=20s");
}

// One list may leave debts on all nodes, which end at one moment.
TEST(AgentWantedDelay, SpreadsTheNodes) {
  std::map<int64_t, int> nodes_in;  // Of each tenth.
  for (int i = 0; i < 1000; ++i) {
    const std::string node = absl::StrCat("node-", i);
    const absl::Duration delay = AgentWantedDelay(node);
    EXPECT_EQ(AgentWantedDelay(node), delay);
    ASSERT_GE(delay, absl::ZeroDuration());
    ASSERT_LT(delay, kAgentWantedSpread);
    ++nodes_in[delay / (kAgentWantedSpread / 10)];
  }
  EXPECT_EQ(nodes_in.size(), 10U);
  for (const auto& [tenth, nodes] : nodes_in) EXPECT_LT(nodes, 200) << tenth;
}

TEST_F(AgentPollerTest, AListThatSaysNothingNewIsNotLookedThrough) {
  const std::vector<AgentEndpoint> agents = {{.node = "n1", .url = "n1-url"},
                                             {.node = "n2", .problem = std::string(2000, 'x')}};
  for (int i = 0; i < 3; ++i) poller_.OnAgents(agents);
  EXPECT_EQ(poller_.failures(), 1);
}

TEST_F(AgentPollerTest, EveryKindOfNonsenseIsTheAgentsFailureAndTheNextGoodAnswerCounts) {
  Listen({"n1"});
  const absl::StatusOr<ClientResponse> answers[] = {
      absl::UnavailableError("connection refused"),
      ClientResponse{.status = 500, .body = "oops"},
      ClientResponse{.status = 200, .body = "<html>"},
      ClientResponse{.status = 200, .body = ""},
      ClientResponse{.status = 304},  // Nothing was asked that it could answer.
      absl::ResourceExhaustedError("body above the limit"),
      Report("other", 1),
  };
  int failures = 0;
  for (const absl::StatusOr<ClientResponse>& answer : answers) {
    ASSERT_TRUE(servers_["n1-url"].Answer(answer));
    EXPECT_EQ(poller_.failures(), ++failures);
    Pass(kAgentBackoffMax);
    EXPECT_EQ(LastPath("n1"), "/v1/capacity");
  }
  servers_["n1-url"].Answer(Report("n1", 3));
  const Texts events = events_.WaitFor(9);
  EXPECT_EQ(events[1], "failed n1: connection refused");
  EXPECT_EQ(events[2], "failed n1: answered HTTP 500");
  EXPECT_EQ(events[7], "failed n1: answers for another node: \"other\"");
  EXPECT_EQ(events[8], "report n1 3");
  EXPECT_EQ(poller_.failures(), failures);
}

TEST_F(AgentPollerTest, AfterAFailureItIsAskedWithoutAGenerationAndSlowerAndSlower) {
  Listen({"n1"});
  servers_["n1-url"].Answer(Report("n1", 7));
  Pass(kAgentPollSpacing);
  absl::Duration backoff = kAgentBackoffMin;
  for (int i = 0; i < 8; ++i) {
    servers_["n1-url"].Answer(absl::UnavailableError("reset"));
    Pass(backoff / 2 - absl::Milliseconds(1));
    EXPECT_EQ(servers_["n1-url"].pending(), 0u) << "sooner than the jitter allows";
    Pass(backoff / 2 + absl::Milliseconds(1));
    EXPECT_EQ(servers_["n1-url"].pending(), 1u);
    EXPECT_EQ(LastPath("n1"), "/v1/capacity");
    backoff = std::min(backoff * 2, kAgentBackoffMax);
  }
  EXPECT_EQ(backoff, kAgentBackoffMax);
}

TEST_F(AgentPollerTest, ASlowAgentDelaysNobodyAndIsGivenUpInTheEnd) {
  Listen({"n1", "n2"});
  servers_["n2-url"].Answer(Report("n2", 1));
  Pass(kWait + kSlack);
  EXPECT_EQ(servers_["n1-url"].WaitForRequests(1).size(), 1u) << "not yet given up";
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(events_.WaitFor(3),
            (Texts{"agents n1 n2", "report n2 1", "failed n1: no whole answer within 30s"}));
  Pass(kAgentBackoffMax);
  EXPECT_EQ(servers_["n1-url"].WaitForRequests(2).size(), 2u);
  servers_["n1-url"].Answer(Report("n1", 1));  // The late one: nobody waits for it any more.
  servers_["n1-url"].Answer(Report("n1", 2));
  EXPECT_EQ(events_.WaitFor(4).back(), "report n1 2");
}

TEST_F(AgentPollerTest, AnOlderGenerationIsHandedOnAsItIs) {
  Listen({"n1"});
  servers_["n1-url"].Answer(Report("n1", 7));
  Pass(kAgentPollSpacing);
  servers_["n1-url"].Answer(Report("n1", 5));
  EXPECT_EQ(events_.WaitFor(3), (Texts{"agents n1", "report n1 7", "report n1 5"}));
}

TEST_F(AgentPollerTest, AnAgentThatNeverWaitsIsNotAskedWithoutEnd) {
  Listen({"n1"});
  servers_["n1-url"].Answer(Report("n1", 7));
  Pass(kAgentPollSpacing);
  servers_["n1-url"].Answer(ClientResponse{.status = 304});
  Pass(kAgentEarly304Spacing - absl::Milliseconds(1));
  EXPECT_EQ(servers_["n1-url"].pending(), 0u);
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(servers_["n1-url"].pending(), 1u);
}

TEST_F(AgentPollerTest, TheListIsToldOnlyWhenItsNodesChange) {
  Listen({});
  Listen({"n1"});
  Listen({"n1"});
  Listen({"n1", "n2"});
  Listen({"n2"});
  EXPECT_EQ(events_.WaitFor(4), (Texts{"agents", "agents n1", "agents n1 n2", "agents n2"}));
  servers_["n1-url"].Answer(Report("n1", 1));  // Not expected any more.
  EXPECT_EQ(events_.WaitFor(4).size(), 4u);
}

TEST_F(AgentPollerTest, AnAgentThatMovedIsAskedAtItsNewPlaceAndItsOldAnswerIsVoid) {
  Listen({"n1"});
  poller_.OnAgents({{.node = "n1", .url = "n1b-url"}});
  poller_.Tick();
  servers_["n1-url"].Answer(Report("n1", 1));
  servers_["n1b-url"].Answer(Report("n1", 2));
  EXPECT_EQ(events_.WaitFor(2), (Texts{"agents n1", "report n1 2"}));
}

// The end of a client waits for its answers' callbacks: in one of them it would wait for ever.
TEST_F(AgentPollerTest, AClientOfAnAgentThatGoesNeverEndsInsideItsOwnAnswer) {
  FakeHttpServer& server = servers_["n1-url"];
  const auto answer_while_the_agent_goes = [&] {
    Listen({"n1"});
    clock_.Advance(kAgentPollSpacing);  // So that the answer begins the next poll.
    before_sending_ = [this] {
      poller_.OnAgents({});
      poller_.Tick();
    };
    ASSERT_TRUE(server.Answer(Report("n1", 1)));
    EXPECT_EQ(server.pending(), 1u) << "the next poll was sent";
    EXPECT_EQ(server.clients(), 1) << "ended in its own callback";
    server.Answer(absl::CancelledError("late"));
  };
  answer_while_the_agent_goes();
  poller_.Tick();
  EXPECT_EQ(server.clients(), 0) << "a tick ends it";
  answer_while_the_agent_goes();
  poller_.Stop();
  EXPECT_EQ(server.clients(), 0) << "the stop ends it";
}

TEST_F(AgentPollerTest, AnAgentThatCannotBeAskedFailsOnceWithTheReason) {
  for (int i = 0; i < 2; ++i) poller_.OnAgents({{.node = "n1", .problem = "pod is pending"}});
  poller_.OnAgents({{.node = "n1", .problem = "pod is gone"}});
  Pass(absl::Minutes(1));
  EXPECT_EQ(events_.WaitFor(3),
            (Texts{"agents n1", "failed n1: pod is pending", "failed n1: pod is gone"}));
}

TEST_F(AgentPollerTest, AUrlThatIsNoneIsTheAgentsFailure) {
  poller_.OnAgents({{.node = "n1", .url = "bad"}});
  poller_.Tick();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"agents n1", "failed n1: \"bad\" is not a URL"}));
}

TEST_F(AgentPollerTest, NothingIsEmittedAfterStop) {
  Listen({"n1"});
  poller_.Stop();
  servers_["n1-url"].Answer(Report("n1", 1));
  poller_.OnAgents({{.node = "n2", .url = "n2-url"}});
  EXPECT_EQ(events_.WaitFor(1), (Texts{"agents n1"}));
}

TEST_F(AgentPollerTest, ThousandsStartAFewAtATime) {
  Texts nodes;
  for (int i = 0; i < kAgentStartsPerTick + 1; ++i) nodes.push_back(absl::StrCat("n", i));
  std::vector<AgentEndpoint> agents;
  for (const std::string& node : nodes) agents.push_back({.node = node, .url = "one-url"});
  poller_.OnAgents(std::move(agents));
  poller_.Tick();
  EXPECT_EQ(servers_["one-url"].pending(), static_cast<size_t>(kAgentStartsPerTick));
  poller_.Tick();
  EXPECT_EQ(servers_["one-url"].pending(), nodes.size());
}

// ---- The thread.

TEST_F(AgentPollerTest, TheThreadSleepsUntilTheNextTimeThatIsSet) {
  EXPECT_EQ(poller_.Tick(), absl::InfiniteDuration());
  Listen({"n1"});
  EXPECT_EQ(poller_.Tick(), kWait + kSlack) << "its poll is overdue then";
  servers_["n1-url"].Answer(absl::UnavailableError("refused"));
  EXPECT_LE(poller_.Tick(), kAgentBackoffMin);
  poller_.OnAgents({});
  EXPECT_EQ(poller_.Tick(), absl::InfiniteDuration());
}

TEST_F(AgentPollerTest, ASleepingThreadAsksAnAgentThatIsNewAndOneWhosePollFailed) {
  FakeHttpServer& server = servers_["n1-url"];
  AgentPoller patient({.wait = absl::Hours(1)}, &events_, &clock_, Clients());
  const AgentEndpoint first{.node = "n0", .url = "n0-url"};
  FakeHttpServer& first_server = servers_["n0-url"];
  patient.Start();
  patient.OnAgents({first});
  first_server.WaitForRequests(1);
  patient.OnAgents({first, {.node = "n1", .url = "n1-url"}});
  server.WaitForRequests(1);
  size_t polls = 1;
  for (; polls < 100; ++polls) {  // Without the thread, which sleeps by then, for an hour.
    clock_.Advance(kAgentPollSpacing);
    server.Answer(Report("n1", static_cast<int64_t>(polls)));
    ASSERT_EQ(server.pending(), 1U);
  }
  server.Answer(absl::UnavailableError("refused"));
  clock_.Advance(kAgentBackoffMin);
  EXPECT_EQ(server.WaitForRequests(polls + 1).size(), polls + 1);
}

}  // namespace
}  // namespace pmem::extender
