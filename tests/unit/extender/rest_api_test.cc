// SPDX-License-Identifier: Apache-2.0
#include "extender/rest_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/io/http_client.h"
#include "common/pure/json_reader.h"
#include "extender/core/simulation.h"
#include "extender/core/views.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_live_reader.h"
#include "tests/support/builders.h"
#include "tests/support/schema_check.h"

namespace pmem::extender {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The API behind a server of its own, and a client of it.
class ServedRestApi {
 public:
  explicit ServedRestApi(const LedgerService* service) : api_(service) {
    api_.Register(server_);
    const std::string url = absl::StrCat("http://127.0.0.1:", *server_.Start("127.0.0.1:0"));
    client_ = *HttpClient::Make(url, ClientTls(), absl::Seconds(20));
  }
  ~ServedRestApi() { server_.Stop(); }

  ClientResponse Send(const ClientRequest& request) {
    auto response = client_->Send(request);
    EXPECT_EQ(response.status(), absl::OkStatus());
    return response.ok() ? *std::move(response) : ClientResponse{};
  }
  // To /v1/simulate.
  ClientResponse Post(const std::string& body) {
    return Send({.method = "POST",
                 .path_and_query = "/v1/simulate",
                 .body = body,
                 .content_type = "application/json"});
  }

 private:
  RestApi api_;
  HttpServer server_;
  std::unique_ptr<HttpClient> client_;
};

// n1: an LVM pool of 100 GiB with a volume of 10 GiB, and 20 GiB promised to claim-1. n2: a region
// with extents of 8 and 4 GiB. n3: an agent that has not reported. pod-2 waits with 200 GiB.
class RestApiTest : public testing::Test {
 protected:
  RestApiTest() {
    service_.SetLeading(true);
    Claim pinned = MakeClaim(1, 20 * kGiB);
    pinned.selected_node = "n1";
    const Claim waiting = MakeClaim(2, 200 * kGiB);
    const ClusterLists lists = {.nodes = {MakeNode("n1"), MakeNode("n2")},
                                .pods = {MakePod(2, {waiting})},
                                .claims = {pinned, waiting},
                                .agents = {"n1", "n2", "n3"}};
    for (const Event& event : ListsOf(lists)) Emit(event);
    Emit(MakeReport("n1", 7, {MakeLvmPool(100 * kGiB, {{"disk-x", 10 * kGiB}})}));
    Emit(MakeReport("n2", 1, {MakeDirectPool({{0, 8 * kGiB}, {16 * kGiB, 4 * kGiB}})}));
  }

  static Node MakeNode(const std::string& name) {
    Node node;
    node.meta.key.name = name;
    return node;
  }

  void Emit(Event event) { service_.Emit(std::move(event)); }

  ClientResponse Ask(std::string path, const std::map<std::string, std::string>& query = {}) {
    for (const auto& [name, value] : query) {
      absl::StrAppend(&path, path.find('?') == std::string::npos ? "?" : "&", name, "=", value);
    }
    return served_.Send({.path_and_query = std::move(path)});
  }

  ClientResponse Post(const std::string& body) { return served_.Post(body); }

  // The answer is 200 and as the document says.
  static void ExpectSchema(const ClientResponse& response, const std::string& schema) {
    EXPECT_EQ(response.status, 200) << response.body;
    const auto document = JsonDocument::Parse(OpenApiJson());
    ASSERT_TRUE(document.ok()) << document.status();
    const auto answer = JsonDocument::Parse(response.body);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_THAT(SchemaCheck(&*document).Check(answer->root(), schema), IsEmpty()) << response.body;
  }

  static void ExpectProblem(const ClientResponse& response, int status, const std::string& detail) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.headers.at("content-type"), "application/problem+json");
    EXPECT_THAT(response.body, HasSubstr(detail));
  }

  FakeClock clock_;
  FakeLiveReader live_;
  // The clock stands still: nothing may wait for it.
  LedgerService service_{{.hold_wait_max = absl::ZeroDuration()}, &live_, &clock_};
  ServedRestApi served_{&service_};
};

TEST_F(RestApiTest, EveryAnswerIsAsTheDocumentSays) {
  ExpectSchema(Ask("/v1/nodes"), "NodeList");
  ExpectSchema(Ask("/v1/nodes/n1"), "Node");
  ExpectSchema(Ask("/v1/nodes/n3"), "Node");
  ExpectSchema(Ask("/v1/claims"), "ClaimList");
  ExpectSchema(Ask("/v1/holds"), "HoldList");
  ExpectSchema(Ask("/v1/summary"), "Summary");
  ExpectSchema(Ask("/v1/explain/pods/default/pod-2"), "Explanation");
  ExpectSchema(Post(R"({"claims":[{"kind":"lvm","size":"10Gi"}],"replicas":3})"), "Simulation");
  EXPECT_EQ(Ask("/openapi.json").body, OpenApiJson());
}

TEST_F(RestApiTest, ANodeShowsItsPoolsAndWhatIsPromised) {
  const std::string body = Ask("/v1/nodes/n1").body;
  EXPECT_THAT(body,
              HasSubstr(R"("kind":"lvm","available_bytes":96636764160,"assumed_bytes":21474836480,)"
                        R"("growth_bytes":0,"free_bytes":75161927680,)"
                        R"("held_bytes":0,"largest_bytes":75161927680,"overbooked":false)"));
  EXPECT_THAT(body, HasSubstr(R"("volumes":[{"name":"disk-x","bytes":10737418240}])"));
  EXPECT_THAT(body, HasSubstr(R"("freshness":"fresh","report_age_seconds":0)"));
}

TEST_F(RestApiTest, ANodeShowsWhatItsReportAndTheObjectsDisagreeAbout) {
  const std::string stranger = "disk-" + Uid(9);
  Emit(MakeReport("n1", 8, {MakeLvmPool(100 * kGiB, {{stranger, kGiB}})}));
  EXPECT_THAT(Ask("/v1/nodes/n1").body, HasSubstr(R"("drifts":[])"));
  EXPECT_TRUE(service_.LookForDrift().empty());
  clock_.Advance(absl::Minutes(1));
  Emit(AgentConfirmed{"n1"});
  EXPECT_EQ(service_.LookForDrift().size(), 1U);
  EXPECT_THAT(Ask("/v1/nodes/n1").body,
              HasSubstr(R"("drifts":[{"kind":"volume_unclaimed","subject":")" + stranger +
                        R"(","expected_bytes":0,"found_bytes":1073741824,"age_seconds":60}])"));
  ExpectSchema(Ask("/v1/nodes/n1"), "Node");
}

TEST_F(RestApiTest, UnknownStaleAndZeroAreThreeDifferentThings) {
  EXPECT_EQ(Ask("/v1/nodes/n3").body.find("\"pools\""), std::string::npos);
  EXPECT_THAT(Ask("/v1/nodes/n3").body,
              HasSubstr(R"("freshness":"no_report","report_age_seconds":null)"));
  clock_.Advance(absl::Minutes(2));
  EXPECT_THAT(Ask("/v1/nodes/n1").body,
              HasSubstr(R"("freshness":"stale","report_age_seconds":120)"));
}

// n4 is no matter of ours, n5 has the label, claims are pinned to n6 and to a node that nobody
// knows.
TEST_F(RestApiTest, NodesWithoutAnAgentAreKnownToo) {
  for (const char* name : {"n4", "n6"}) Emit(Seen<Node>{MakeNode(name)});
  Node labelled = MakeNode("n5");
  labelled.labels["pmem.csi.alibabacloud.com"] = "lvm";
  Emit(Seen<Node>{labelled});
  for (const int number : {8, 9}) {
    Claim claim = MakeClaim(number, kGiB);
    claim.selected_node = number == 8 ? "n6" : "nowhere";
    Emit(Seen<Claim>{claim});
  }
  const auto no_agent = [](const std::string& name) {
    return R"({"node":")" + name +
           R"(","freshness":"no_agent","report_age_seconds":null,"kinds":[],"drifts":[]})";
  };
  for (const char* name : {"n4", "n5", "n6"}) {
    EXPECT_EQ(Ask(absl::StrCat("/v1/nodes/", name)).body, no_agent(name));
  }
  EXPECT_THAT(Ask("/v1/nodes", {{"continue", "n3"}}).body,
              R"({"nodes":[)" + no_agent("n5") + "," + no_agent("n6") + "]}");
  EXPECT_THAT(Ask("/v1/summary").body, HasSubstr(R"("no_agent":2})"));
  const ClientResponse rest = Ask("/v1/explain/pods/default/pod-2", {{"continue", "n3"}});
  ExpectSchema(rest, "Explanation");
  for (const char* name : {"n4", "n5", "n6"}) {
    EXPECT_THAT(rest.body, HasSubstr(absl::StrCat(R"({"node":")", name,
                                                  R"(","fits":false,"reason":"no_agent")")));
  }
  EXPECT_EQ(rest.body.find("nowhere"), std::string::npos);
}

TEST_F(RestApiTest, ANodeThatNobodyKnowsIsNotFound) {
  Claim claim = MakeClaim(9, kGiB);
  claim.selected_node = "nowhere";
  Emit(Seen<Claim>{claim});
  ExpectProblem(Ask("/v1/nodes/n9"), 404, "node n9 is not in the cluster, and has no agent");
  ExpectProblem(Ask("/v1/nodes/nowhere"), 404, "node nowhere is not in the cluster");
  ExpectProblem(Ask("/v1/nodes/"), 404, "wanted /v1/nodes/{node}");
}

TEST_F(RestApiTest, WhatIsNotListedYetIsNotShownAsNothing) {
  LedgerService unsynced({}, &live_, &clock_);
  ServedRestApi served(&unsynced);
  for (const char* path :
       {"/v1/nodes", "/v1/nodes/n1", "/v1/claims", "/v1/holds", "/v1/explain/pods/a/b"}) {
    ExpectProblem(served.Send({.path_and_query = path}), 503, "not listed yet: ");
  }
  ExpectProblem(served.Post("{}"), 503, "not listed yet: ");
  EXPECT_THAT(served.Send({.path_and_query = "/v1/summary"}).body, HasSubstr(R"("synced":false)"));
}

TEST_F(RestApiTest, ListsGoOnWhereTheyStopped) {
  EXPECT_THAT(Ask("/v1/nodes", {{"limit", "2"}}).body, HasSubstr(R"("continue":"n2")"));
  const std::string rest = Ask("/v1/nodes", {{"limit", "2"}, {"continue", "n2"}}).body;
  EXPECT_THAT(rest, HasSubstr(R"({"nodes":[{"node":"n3")"));
  EXPECT_EQ(rest.find("continue"), std::string::npos);
}

TEST_F(RestApiTest, ClaimsAreListedWithTheirStateAndFiltered) {
  const std::string pending =
      R"({"kube_namespace":"default","name":"claim-2","uid":"00000000-0000-4000-8000-000000000002",)"
      R"("storage_class":"pmem-lvm","kind":"lvm","requested_bytes":214748364800,"state":"pending"})";
  const std::string assigned =
      R"({"kube_namespace":"default","name":"claim-1","uid":"00000000-0000-4000-8000-000000000001",)"
      R"("storage_class":"pmem-lvm","kind":"lvm","requested_bytes":21474836480,"state":"assigned","node":"n1"})";
  EXPECT_EQ(Ask("/v1/claims").body, R"({"claims":[)" + assigned + "," + pending + "]}");
  EXPECT_EQ(Ask("/v1/claims", {{"node", "n1"}}).body, R"({"claims":[)" + assigned + "]}");
  EXPECT_EQ(Ask("/v1/claims", {{"kube_namespace", "x"}}).body, R"({"claims":[]})");
}

TEST_F(RestApiTest, AClaimWhoseVolumeIsGoneIsMissing) {
  Claim claim = MakeClaim(7, kGiB);
  claim.selected_node = "n1";
  claim.volume_name = "pvc-7";
  Emit(Seen<Claim>{claim});
  const auto states = [this] { return Ask("/v1/claims", {{"node", "n1"}}).body; };
  Emit(MakeReport("n1", 8, {MakeLvmPool(100 * kGiB, {{"disk-" + Uid(7), kGiB}})}));
  EXPECT_THAT(states(), HasSubstr(R"("state":"reported")"));
  Emit(MakeReport("n1", 9, {MakeLvmPool(100 * kGiB)}));
  EXPECT_THAT(states(), HasSubstr(R"("state":"missing")"));
  for (int i = 0; i < 2; ++i) {
    service_.LookForDrift();
    clock_.Advance(absl::Minutes(1));
    Emit(AgentConfirmed{"n1"});
  }
  EXPECT_THAT(Ask("/v1/nodes/n1").body,
              HasSubstr(R"("subject":")" + Uid(7) + R"(","claim":"default/claim-7",)"));
  ExpectSchema(Ask("/v1/nodes/n1"), "Node");
  ExpectSchema(Ask("/v1/claims"), "ClaimList");
}

TEST_F(RestApiTest, ExplainGivesTheNumbersOfEveryNode) {
  const std::string body = Ask("/v1/explain/pods/default/pod-2").body;
  EXPECT_THAT(
      body,
      HasSubstr(R"({"node":"n1","fits":false,"reason":"no_room","text":"insufficient free PMEM",)"
                R"("need_bytes":214748364800,"free_bytes":75161927680,"held_bytes":0,)"
                R"("largest_bytes":75161927680,"kinds":[{"kind":"lvm","fits":false,)"
                R"("reason":"no_room","text":"insufficient free PMEM","need_bytes":214748364800,)"
                R"("free_bytes":75161927680,"held_bytes":0,"largest_bytes":75161927680}],)"
                R"("freshness":"fresh","report_age_seconds":0})"));
  EXPECT_THAT(body, HasSubstr(R"("node":"n2","fits":false,"reason":"no_pool")"));
  EXPECT_THAT(body, HasSubstr(R"("node":"n3","fits":false,"reason":"no_report")"));
  EXPECT_THAT(body, HasSubstr(R"("node_mismatch":"unknown_node")"));
  ExpectProblem(Ask("/v1/explain/pods/default/nobody"), 404, "default/nobody");
  ExpectProblem(Ask("/v1/explain/pods/default"), 404, "{kube_namespace}/{name}");
}

// n2 has room for the direct claim and no VolumeGroup; the sum of both kinds says nothing of that.
TEST_F(RestApiTest, ExplainSaysWhichKindDoesNotFitAndWhatItNeedsInWholeSteps) {
  const Claim lvm = MakeClaim(4, kGiB - 1);
  const Claim direct = MakeClaim(5, kGiB + 1, "pmem-direct");
  Emit(Seen<Claim>{lvm});
  Emit(Seen<Claim>{direct});
  Emit(Seen<Pod>{MakePod(4, {lvm, direct})});
  const ClientResponse response = Ask("/v1/explain/pods/default/pod-4");
  ExpectSchema(response, "Explanation");
  EXPECT_THAT(response.body, HasSubstr(R"({"kind":"lvm","fits":true,"need_bytes":1073741824,)"));
  EXPECT_THAT(response.body,
              HasSubstr(R"({"kind":"lvm","fits":false,"reason":"no_pool",)"
                        R"("text":"no PMEM pool of the requested kind","need_bytes":1073741823,)"
                        R"("free_bytes":0,"held_bytes":0,"largest_bytes":0},)"
                        R"({"kind":"direct","fits":true,"need_bytes":1090519040,)"
                        R"("free_bytes":12884901888,"held_bytes":0,"largest_bytes":8589934592}])"));
}

TEST_F(RestApiTest, ExplainSaysThatAClaimAsksForMoreThanIsCounted) {
  const Claim claim = MakeClaim(4, kBytesMax);
  Emit(Seen<Claim>{claim});
  Emit(Seen<Pod>{MakePod(4, {claim})});
  EXPECT_THAT(Ask("/v1/explain/pods/default/pod-4").body,
              HasSubstr(R"("requested_bytes":4611686018427387904,"is_capped":true)"));
  EXPECT_THAT(Ask("/v1/explain/pods/default/pod-2").body, HasSubstr(R"("is_capped":false)"));
}

// Filter passes it everywhere, whatever is known of the nodes.
TEST_F(RestApiTest, APodWithoutClaimsOfOursFitsOnEveryNode) {
  Claim placed = MakeClaim(4, kGiB);
  placed.selected_node = "n1";
  Emit(Seen<Claim>{placed});
  Emit(Seen<Pod>{MakePod(4, {placed})});
  Emit(Seen<Pod>{MakePod(5, {})});
  for (const char* path : {"/v1/explain/pods/default/pod-4", "/v1/explain/pods/default/pod-5"}) {
    const ClientResponse response = Ask(path);
    ExpectSchema(response, "Explanation");
    for (const char* node : {"n1", "n2", "n3"}) {
      EXPECT_THAT(response.body,
                  HasSubstr(absl::StrCat(R"({"node":")", node, R"(","fits":true,)")));
    }
  }
}

TEST_F(RestApiTest, WhetherAPodFitsIsNotSaidWhileSomethingOfItIsMissing) {
  const Claim known = MakeClaim(4, kGiB);
  const Claim lost = MakeClaim(6, kGiB, "lost");
  Emit(Seen<Claim>{known});
  Emit(Seen<Claim>{lost});
  Emit(Seen<Pod>{MakePod(4, {known, MakeClaim(5, kGiB)})});
  Emit(Seen<Pod>{MakePod(6, {lost})});
  const ClientResponse no_claim = Ask("/v1/explain/pods/default/pod-4");
  const ClientResponse no_class = Ask("/v1/explain/pods/default/pod-6");
  EXPECT_THAT(no_claim.body, HasSubstr(R"("missing":["claim claim-5"])"));
  EXPECT_THAT(no_class.body, HasSubstr(R"("missing":["class lost"])"));
  for (const ClientResponse& response : {no_claim, no_class}) {
    ExpectSchema(response, "Explanation");
    EXPECT_EQ(response.body.find("fits"), std::string::npos) << response.body;
  }
}

// The ledger's lock is not held for a look at all of them.
TEST_F(RestApiTest, APageOfFewAmongManyClaimsIsShortAndGoesOn) {
  constexpr int kClaims = 10'000;
  std::vector<Claim> claims = {MakeClaim(1, kGiB)};
  for (int i = 2; i <= kClaims; ++i) claims.push_back(MakeClaim(i, kGiB));
  claims.front().meta.key.kube_namespace = claims.back().meta.key.kube_namespace = "few";
  Emit(Relisted<Claim>{std::move(claims)});
  std::map<std::string, std::string> query = {{"kube_namespace", "few"}};
  std::string found;
  int pages = 0;
  for (bool goes_on = true; goes_on && pages < kClaims;) {
    const ClientResponse response = Ask("/v1/claims", query);
    ExpectSchema(response, "ClaimList");
    found += response.body;
    const auto document = JsonDocument::Parse(response.body);
    const auto next = document->root().OptionalString("continue");
    goes_on = next.ok() && next->has_value();
    if (goes_on) query["continue"] = **next;
    ++pages;
  }
  EXPECT_EQ(pages, kClaims / kPageLooksMax);
  for (const int number : {1, kClaims}) EXPECT_THAT(found, HasSubstr(Uid(number)));
  EXPECT_EQ(found.find(Uid(2)), std::string::npos);
}

TEST_F(RestApiTest, AHoldNamesItsPodAndNodes) {
  const Claim claim = MakeClaim(3, kGiB);
  const Pod pod = MakePod(3, {claim});
  live_.Add(claim);
  Emit(Seen<Claim>{claim});
  Emit(Seen<Pod>{pod});
  for (int i = 0; i < 2; ++i) {  // Beyond the wait for n3, then beyond the takeover.
    clock_.Advance(absl::Seconds(10));
    service_.Tick();
  }
  const std::vector<std::string_view> nodes = {"n1", "n2"};
  ASSERT_TRUE(service_.Filter(pod, nodes, LedgerService::Patience::kBlocks).has_value());
  const ClientResponse holds = Ask("/v1/holds");
  ExpectSchema(holds, "HoldList");
  EXPECT_THAT(holds.body, HasSubstr(R"("name":"pod-3")"));
  EXPECT_THAT(holds.body, HasSubstr(R"("node_count":1,"nodes":["n1"])"));
}

TEST_F(RestApiTest, TheSummaryAddsUp) {
  const std::string body = Ask("/v1/summary").body;
  EXPECT_THAT(body, HasSubstr(R"("nodes":{"fresh":2,"stale":0,"no_report":1,"no_agent":0})"));
  EXPECT_THAT(body, HasSubstr(R"("free_bytes":75161927680,"largest_bytes":75161927680})"));
  EXPECT_THAT(body, HasSubstr(R"("free_bytes":12884901888,"largest_bytes":8589934592})"));
  EXPECT_THAT(body, HasSubstr(R"("claims_with_node":1)"));
}

TEST_F(RestApiTest, SimulateSaysHowManyFitAndWhere) {
  const std::string left_out =
      R"(,"left_out_count":1,"left_out":[{"node":"n3","reason":"no_report"}]})";
  EXPECT_EQ(
      Post(R"({"claims":[{"storage_class":"pmem-lvm","size":"20Gi"}],"replicas":5})").body,
      R"({"replicas":5,"placed":3,"fits":false,"nodes":[{"node":"n1","replicas":3}])" + left_out);
  EXPECT_EQ(
      Post(R"({"claims":[{"kind":"direct","bytes":4294967296}],"replicas":3})").body,
      R"({"replicas":3,"placed":3,"fits":true,"nodes":[{"node":"n2","replicas":3}])" + left_out);
  EXPECT_EQ(Post(R"({"claims":[{"kind":"lvm","size":"1Gi"},{"kind":"direct","size":"1Gi"}]})").body,
            R"({"replicas":1,"placed":0,"fits":false,"nodes":[])" + left_out);
}

TEST_F(RestApiTest, SimulateNamesNoMoreThanAHundredOfTheNodesThatItLeavesOut) {
  std::vector<std::string> agents = {"n1", "n2", "n3"};
  for (int i = 100; i < 200; ++i) agents.push_back(absl::StrCat("n3-", i));
  Emit(AgentsListed{agents});
  const std::string body = Post(R"({"claims":[{"kind":"lvm","size":"1Gi"}]})").body;
  EXPECT_THAT(body, HasSubstr(R"("left_out_count":101,)"));
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(body, "no_report")).size(), 100U + 1);
}

TEST_F(RestApiTest, SimulateSaysWhatIsWrongWithAClass) {
  StorageClass foreign = MakeClass("foreign");
  foreign.provisioner = "other.example.com";
  StorageClass odd = MakeClass("odd");
  odd.parameters = {{"pmemType", "LVM"}};
  for (const StorageClass& storage_class : {foreign, odd}) Emit(Seen<StorageClass>{storage_class});
  const std::map<std::string, std::string> answers = {
      {"none", "storage_class none: there is no such class"},
      {"foreign", "storage_class foreign: not a class of ours"},
      {"odd", "storage_class odd: a class of ours whose parameter pmemType is neither lvm nor"}};
  for (const auto& [name, detail] : answers) {
    ExpectProblem(Post(R"({"claims":[{"storage_class":")" + name + R"(","size":"1Gi"}]})"), 400,
                  detail);
  }
}

struct BadQuestion {
  const char* name;
  const char* path;
  std::map<std::string, std::string> query;
  const char* detail;
};
void PrintTo(const BadQuestion& c, std::ostream* os) { *os << c.name; }

class BadQuestions : public RestApiTest, public testing::WithParamInterface<BadQuestion> {};

TEST_P(BadQuestions, AreRefused) {
  ExpectProblem(Ask(GetParam().path, GetParam().query), 400, GetParam().detail);
}

INSTANTIATE_TEST_SUITE_P(
    RestApi, BadQuestions,
    testing::Values(
        BadQuestion{"UnknownParameter", "/v1/nodes", {{"limits", "1"}}, "no parameter limits"},
        BadQuestion{"LimitZero", "/v1/nodes", {{"limit", "0"}}, "wanted 1 to 500"},
        BadQuestion{"LimitTooLarge", "/v1/claims", {{"limit", "501"}}, "wanted 1 to 500"},
        BadQuestion{"LimitIsText", "/v1/holds", {{"limit", "many"}}, "got many"},
        BadQuestion{"LimitTooLong", "/v1/holds", {{"limit", "99999999999999999999"}}, "limit"},
        BadQuestion{"LongContinue", "/v1/nodes", {{"continue", std::string(513, 'x')}}, "too long"},
        BadQuestion{"NodeTakesNone", "/v1/nodes/n1", {{"limit", "1"}}, "no parameter limit"},
        BadQuestion{"SummaryTakesNone", "/v1/summary", {{"a", "b"}}, "no parameter a"},
        BadQuestion{"ExplainParameter", "/v1/explain/pods/a/b", {{"node", "x"}}, "parameter node"}),
    [](const auto& row) { return std::string(row.param.name); });

struct BadSimulation {
  const char* name;
  const char* body;
  const char* detail;
};
void PrintTo(const BadSimulation& c, std::ostream* os) { *os << c.name; }

class BadSimulations : public RestApiTest, public testing::WithParamInterface<BadSimulation> {};

TEST_P(BadSimulations, AreRefused) { ExpectProblem(Post(GetParam().body), 400, GetParam().detail); }

INSTANTIATE_TEST_SUITE_P(
    RestApi, BadSimulations,
    testing::Values(
        BadSimulation{"Empty", "", "not JSON at byte 1"},
        BadSimulation{"AnArray", "[]", "(root): an array is not an object"},
        BadSimulation{"NoClaims", "{}", "claims: missing"},
        BadSimulation{"EmptyClaims", R"({"claims":[]})", "at least one"},
        BadSimulation{"EmptyClaim", R"({"claims":[{}]})", "wants kind or storage_class"},
        BadSimulation{"KindAndClass",
                      R"({"claims":[{"kind":"lvm","storage_class":"x","size":"1Gi"}]})",
                      "wants kind or storage_class"},
        BadSimulation{"UnknownKind", R"({"claims":[{"kind":"tape","size":"1Gi"}]})",
                      "lvm or direct"},
        BadSimulation{"NoSize", R"({"claims":[{"kind":"lvm"}]})", "wants size or bytes"},
        BadSimulation{"SizeAndBytes", R"({"claims":[{"kind":"lvm","size":"1Gi","bytes":1}]})",
                      "wants size or bytes"},
        BadSimulation{"NegativeSize", R"({"claims":[{"kind":"lvm","size":"-1"}]})", "is negative"},
        BadSimulation{"NoBytes", R"({"claims":[{"kind":"lvm","bytes":0}]})",
                      "claims[0].bytes: 0 is not in 1.."},
        BadSimulation{"NoReplicas", R"({"claims":[{"kind":"lvm","bytes":1}],"replicas":0})",
                      "replicas: 0 is not in 1..10000"},
        BadSimulation{"TooManyReplicas",
                      R"({"claims":[{"kind":"lvm","bytes":1}],"replicas":10001})",
                      "replicas: 10001 is not in 1..10000"},
        BadSimulation{"UnknownStrategy",
                      R"({"claims":[{"kind":"lvm","bytes":1}],"strategy":"best"})",
                      "binpack or spread"},
        BadSimulation{"UnknownMember", R"({"claims":[{"kind":"lvm","bytes":1}],"replica":1})",
                      "no such member"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(RestApiTest, TooManyClaimsOfAReplicaAreRefused) {
  std::string body = R"({"claims":[{"kind":"lvm","bytes":1})";
  for (int i = 0; i < kClaimsPerReplicaMax; ++i) body += R"(,{"kind":"lvm","bytes":1})";
  ExpectProblem(Post(body + "]}"), 400, "claims: 65 elements, at most 64");
}

}  // namespace
}  // namespace pmem::extender
