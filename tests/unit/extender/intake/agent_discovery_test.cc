// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/agent_discovery.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/support/wait_until.h"

namespace pmem::extender {
namespace {

using Texts = std::vector<std::string>;

// Keeps every list that differs from the one before, as texts "n1=url", "n2=!problem".
class Recorder final : public AgentListener {
 public:
  void OnAgents(std::vector<AgentEndpoint> agents) override {
    Texts parts;
    for (const AgentEndpoint& agent : agents) {
      parts.push_back(absl::StrCat(
          agent.node, "=", agent.url.empty() ? absl::StrCat("!", agent.problem) : agent.url));
    }
    MutexLock lock(&mu_);
    if (!lists_.empty() && lists_.back() == parts) return;
    lists_.push_back(parts);
    changed_.SignalAll();
  }
  std::vector<Texts> WaitFor(size_t count) {
    MutexLock lock(&mu_);
    WaitUntil("so many lists came", &mu_, &changed_,
              [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return lists_.size() >= count; });
    return lists_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<Texts> lists_ ABSL_GUARDED_BY(mu_);
};

TEST(AgentFile, IsReadWhenItChangesAndABadOneLeavesTheLastListStanding) {
  const std::string path = ::testing::TempDir() + "agents.json-" + std::to_string(::getpid());
  std::remove(path.c_str());
  Recorder recorder;
  AgentFile file(path, &recorder);
  const auto write = [&path](std::string_view text) {
    std::ofstream(path, std::ios::trunc) << text;
  };
  file.Tick();  // Not there yet.
  write(R"({"n1":"http://h:1"})");
  file.Tick();
  file.Tick();  // Unchanged.
  write(R"({"n1":"http://h:)");
  file.Tick();
  std::remove(path.c_str());
  file.Tick();
  EXPECT_EQ(recorder.WaitFor(1), (std::vector<Texts>{{"n1=http://h:1"}}));
  write(R"({"n1":"http://h:1","n2":"http://h:2"})");
  file.Tick();
  EXPECT_EQ(recorder.WaitFor(2).back(), (Texts{"n1=http://h:1", "n2=http://h:2"}));
  std::remove(path.c_str());
}

std::string PodJson(std::string_view name, std::string_view ip) {
  return absl::StrCat(R"({"metadata":{"name":")", std::string(name),
                      R"(","resourceVersion":"5"},"spec":{"nodeName":")", std::string(name),
                      R"(-node","containers":[{"ports":[{"name":"http","containerPort":9090}]}]},)",
                      R"("status":{"phase":"Running","podIP":")", std::string(ip), R"("}})");
}

std::string PodLine(std::string_view type, std::string_view name, std::string_view ip) {
  return absl::StrCat(R"({"type":")", std::string(type), R"(","object":)", PodJson(name, ip), "}");
}

TEST(AgentPods, AreFollowedByLabelInTheirKubeNamespace) {
  RealClock clock;
  FakeHttpServer server;
  KubeClient client(std::make_unique<FakeHttpClient>(&server),
                    std::make_unique<FakeHttpClient>(&server),
                    std::make_unique<TokenSource>("", "", &clock));
  Recorder recorder;
  server.AddStream({.lines = {absl::StrCat(R"({"metadata":{"resourceVersion":"9"},"items":[)",
                                           PodJson("a", "10.0.0.1"), "]}")}});
  const std::unique_ptr<AgentDiscovery> discovery = AgentDiscovery::Make(
      *ParseAgentsFlag("pods:pmem/app=agent"), std::nullopt, &client, &recorder, &clock);
  discovery->Start();
  // One after the other: what comes together is told together.
  recorder.WaitFor(1);
  server.AddStream({.lines = {PodLine("ADDED", "b", "10.0.0.2")}, .stays_open = true});
  recorder.WaitFor(2);
  server.AddStream({.lines = {PodLine("DELETED", "a", "10.0.0.1")}, .stays_open = true});
  server.CloseStream();
  const std::vector<Texts> lists = recorder.WaitFor(3);
  EXPECT_EQ(lists[0], (Texts{"a-node=http://10.0.0.1:9090"}));
  EXPECT_EQ(lists[1], (Texts{"a-node=http://10.0.0.1:9090", "b-node=http://10.0.0.2:9090"}));
  EXPECT_EQ(lists[2], (Texts{"a-node=!the agent's pod is gone", "b-node=http://10.0.0.2:9090"}));
  const std::vector<ClientRequest> requests = server.WaitForRequests(2);
  EXPECT_EQ(requests[0].path_and_query, "/api/v1/namespaces/pmem/pods?labelSelector=app%3Dagent");
  EXPECT_TRUE(
      absl::StartsWith(requests[1].path_and_query, "/api/v1/namespaces/pmem/pods?watch=true"));
  EXPECT_TRUE(absl::StrContains(requests[1].path_and_query, "&labelSelector=app%3Dagent"));
  EXPECT_EQ(discovery->Health()->relists, 1);
  discovery->Stop();
}

class CountingListener final : public AgentListener {
 public:
  void OnAgents(std::vector<AgentEndpoint> agents) override {
    ++lists;
    last = std::move(agents);
  }
  int lists = 0;
  std::vector<AgentEndpoint> last;
};

AgentPod MakePod(const std::string& name, const std::string& ip) {
  AgentPod pod{.node_name = name + "-node", .pod_ip = ip, .phase = "Running", .http_port = 9090};
  pod.meta.key = {.kube_namespace = "pmem", .name = name};
  return pod;
}

// Thousands of pods may change at once, and each list is of all of them.
TEST(AgentPods, AreToldOfTogetherAndOnlyWhatMatters) {
  FakeClock clock;
  FakeHttpServer server;
  KubeClient client(std::make_unique<FakeHttpClient>(&server),
                    std::make_unique<FakeHttpClient>(&server),
                    std::make_unique<TokenSource>("", "", &clock));
  CountingListener counter;
  AgentPods pods(*ParseAgentsFlag("pods:pmem/app=agent"), std::nullopt, &client, &counter, &clock);
  pods.OnSeen(MakePod("a", "10.0.0.1"));
  pods.Tick();
  EXPECT_EQ(counter.lists, 0) << "not all are known";
  pods.OnRelisted({.objects = {MakePod("a", "10.0.0.1")}});
  for (int i = 0; i < 100; ++i) pods.OnSeen(MakePod(absl::StrCat("b", i), "10.0.1.1"));
  pods.OnGone(MakePod("b0", "10.0.1.1"));
  pods.Tick();
  EXPECT_EQ(counter.lists, 1);
  EXPECT_EQ(counter.last.size(), 100U);
  pods.OnSeen(MakePod("a", "10.0.0.1"));
  pods.Tick();
  EXPECT_EQ(counter.lists, 1) << "nothing of it matters";
  pods.OnSeen(MakePod("a", "10.0.0.9"));
  pods.Tick();
  EXPECT_EQ(counter.lists, 2);
  EXPECT_EQ(counter.last[0].url, "http://10.0.0.9:9090");
  clock.Advance(kAgentsGracePeriod - absl::Seconds(1));
  EXPECT_EQ(pods.Tick(), absl::Seconds(1)) << "it sleeps until then";
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(pods.Tick(), kAgentsGracePeriod);
  EXPECT_EQ(counter.lists, 3) << "agents that are gone are forgotten in time";
}

}  // namespace
}  // namespace pmem::extender
