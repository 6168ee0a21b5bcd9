// SPDX-License-Identifier: Apache-2.0
#include "extender/core/agent_roster.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace pmem::extender {

void PrintTo(const AgentEndpoint& e, std::ostream* os) {
  *os << e.node << "=" << e.url << "(" << e.problem << ")";
}

namespace {

using Endpoints = std::vector<AgentEndpoint>;

const absl::Time kNow = absl::UnixEpoch() + absl::Hours(1);

AgentPod Running(std::string name, std::string node, std::string ip) {
  return {.meta = {.key = {.kube_namespace = "pmem", .name = std::move(name)}},
          .node_name = std::move(node),
          .pod_ip = std::move(ip),
          .phase = "Running",
          .http_port = 9090};
}

TEST(AgentsFlag, BothFormsAreRead) {
  EXPECT_EQ(*ParseAgentsFlag("static:/etc/agents.json"),
            (AgentsFlag{.is_static = true, .file = "/etc/agents.json"}));
  EXPECT_EQ(*ParseAgentsFlag("pods:pmem/app=agent,tier in (a/b)"),
            (AgentsFlag{.kube_namespace = "pmem", .label_selector = "app=agent,tier in (a/b)"}));
}

TEST(AgentsFlag, EverythingElseIsRefused) {
  for (const char* text : {"", "static:", "pods:", "pods:pmem", "pods:pmem/", "pods:/app=agent",
                           "file:x", "/etc/agents.json"}) {
    SCOPED_TRACE(text);
    EXPECT_EQ(ParseAgentsFlag(text).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(AgentsFile, IsReadInTheOrderOfNodes) {
  EXPECT_EQ(*ParseAgentsFile(R"({"n2":"http://h:2/prefix","n1":"https://h:1"})"),
            (Endpoints{{.node = "n1", .url = "https://h:1"},
                       {.node = "n2", .url = "http://h:2/prefix"}}));
  EXPECT_EQ(*ParseAgentsFile("{}"), Endpoints());
}

TEST(AgentsFile, MistakesAreRefused) {
  for (const char* json :
       {"", "[]", "{", R"({"n1":7})", R"({"n1":"h:1"})", R"({"":"http://h:1"})"}) {
    SCOPED_TRACE(json);
    EXPECT_EQ(ParseAgentsFile(json).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(AgentsFile, IsBounded) {
  std::string json = "{";
  for (int64_t i = 0; i < kAgentsMax; ++i) absl::StrAppend(&json, "\"n", i, "\":\"http://h:1\",");
  EXPECT_TRUE(ParseAgentsFile(json.substr(0, json.size() - 1) + "}").ok());
  EXPECT_EQ(ParseAgentsFile(json + R"("m":"http://h:1"})").status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(AgentsFile, OneThatIsTooLongIsRefused) {
  std::string json = R"({"n1":"http://h:1"})";
  json.resize(kAgentsFileBytesMax, ' ');
  EXPECT_TRUE(ParseAgentsFile(json).ok());
  EXPECT_FALSE(ParseAgentsFile(json + " ").ok());
}

TEST(AgentRoster, ARunningPodIsAskedAtItsPort) {
  AgentRoster roster(std::nullopt);
  roster.Replace({Running("b", "n2", "10.0.0.2"), Running("a", "n1", "fd00::1")});
  EXPECT_EQ(roster.Endpoints(kNow), (Endpoints{{.node = "n1", .url = "http://[fd00::1]:9090"},
                                               {.node = "n2", .url = "http://10.0.0.2:9090"}}));
}

TEST(AgentRoster, TheFlagsPortWinsOverThePods) {
  AgentRoster roster(8080);
  roster.Put(Running("a", "n1", "10.0.0.1"));
  EXPECT_EQ(roster.Endpoints(kNow), (Endpoints{{.node = "n1", .url = "http://10.0.0.1:8080"}}));
}

TEST(AgentRoster, APodThatCannotBeAskedStillMeansAnAgentIsExpected) {
  AgentRoster roster(std::nullopt);
  AgentPod pending = Running("a", "n1", "");
  pending.phase = "Pending";
  AgentPod portless = Running("b", "n2", "10.0.0.2");
  portless.http_port.reset();
  AgentPod unscheduled = Running("c", "", "");
  roster.Replace({pending, portless, unscheduled});
  EXPECT_EQ(roster.Endpoints(kNow),
            (Endpoints{{.node = "n1", .problem = "the agent's pod a is not running: Pending"},
                       {.node = "n2", .problem = "the agent's pod b has no port named http"}}));
}

TEST(AgentRoster, OfTwoPodsTheOneThatRunsAndStaysIsAsked) {
  AgentRoster roster(std::nullopt);
  AgentPod leaving = Running("a", "n1", "10.0.0.1");
  leaving.meta.is_deleting = true;
  AgentPod coming = Running("b", "n1", "");
  coming.phase = "Pending";
  roster.Replace({leaving, coming});
  EXPECT_EQ(roster.Endpoints(kNow)[0].url, "http://10.0.0.1:9090");
  roster.Put(Running("b", "n1", "10.0.0.9"));
  EXPECT_EQ(roster.Endpoints(kNow)[0].url, "http://10.0.0.9:9090");
}

// Its conditions, its heartbeats.
TEST(AgentRoster, MostNewsOfAPodChangesNothing) {
  AgentRoster roster(std::nullopt);
  AgentPod pod = Running("a", "n1", "10.0.0.1");
  EXPECT_TRUE(roster.Put(pod));
  pod.meta.resource_version = "2";
  EXPECT_FALSE(roster.Put(pod));
  const auto is_news = [&](auto change) {
    change(pod);
    return roster.Put(pod) && !roster.Put(pod);
  };
  EXPECT_TRUE(is_news([](AgentPod& p) { p.pod_ip = "10.0.0.2"; }));
  EXPECT_TRUE(is_news([](AgentPod& p) { p.phase = "Failed"; }));
  EXPECT_TRUE(is_news([](AgentPod& p) { p.http_port = 1; }));
  EXPECT_TRUE(is_news([](AgentPod& p) { p.meta.is_deleting = true; }));
  EXPECT_TRUE(is_news([](AgentPod& p) { p.node_name = "n2"; }));
  EXPECT_TRUE(roster.Remove(pod.meta.key));
  EXPECT_FALSE(roster.Remove(pod.meta.key));
}

TEST(AgentRoster, AGonePodIsMissedForAWhileBeforeItsNodeHasNoAgent) {
  AgentRoster roster(std::nullopt);
  roster.Put(Running("a", "n1", "10.0.0.1"));
  roster.Endpoints(kNow);
  roster.Remove({.kube_namespace = "pmem", .name = "a"});
  EXPECT_EQ(roster.Endpoints(kNow + kAgentGoneGrace),
            (Endpoints{{.node = "n1", .problem = "the agent's pod is gone"}}));
  EXPECT_EQ(roster.Endpoints(kNow + kAgentGoneGrace + absl::Seconds(1)), Endpoints());
}

}  // namespace
}  // namespace pmem::extender
