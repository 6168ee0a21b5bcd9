// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_placement_api.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/io/periodic_task.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"

namespace pmem::extender {
namespace {

class KubePlacementApiTest : public ::testing::Test {
 protected:
  KubePlacementApiTest()
      : token_path_(absl::StrCat(::testing::TempDir(), "kube_placement_api_token-", ::getpid())),
        client_(std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<TokenSource>("", token_path_, &clock_)) {
    std::ofstream(token_path_, std::ios::trunc) << "one";
  }
  ~KubePlacementApiTest() override { std::remove(token_path_.c_str()); }

  absl::StatusOr<bool> HasNode(const absl::StatusOr<ClientResponse>& answer) {
    server_.OnSend([answer](const ClientRequest&) { return answer; });
    return api_.HasNode("n1", absl::Seconds(10));
  }

  static std::string PodJson(const std::string& name, const std::string& volumes) {
    return absl::StrCat(R"({"metadata":{"name":")", name,
                        R"(","namespace":"default"},"spec":{"volumes":[)", volumes, "]}}");
  }

  // The names of those that were read of a list that comes in these pieces.
  absl::StatusOr<std::vector<std::string>> ListPods(std::vector<std::string> pieces) {
    server_.AddStream({.lines = std::move(pieces)});
    const absl::StatusOr<std::vector<Pod>> pods = api_.ListPods("default");
    if (!pods.ok()) return pods.status();
    std::vector<std::string> names;
    for (const Pod& pod : *pods) names.push_back(pod.meta.key.name);
    return names;
  }

  static constexpr const char* kListBegin = R"({"metadata":{"resourceVersion":"9"},"items":[)";
  static constexpr const char* kDataVolume =
      R"({"name":"v","persistentVolumeClaim":{"claimName":"data"}})";
  using Names = std::vector<std::string>;
  FakeClock clock_;
  FakeHttpServer server_;
  const std::string token_path_;
  KubeClient client_;
  KubePlacementApi api_{&client_, nullptr, "pmem-system"};
};

// Only the API server's own word is one.
TEST_F(KubePlacementApiTest, ANodeIsGoneWhenTheApiServerSaysSo) {
  EXPECT_TRUE(*HasNode(ClientResponse{.status = 200, .body = "{}"}));
  EXPECT_FALSE(
      *HasNode(ClientResponse{.status = 404, .body = R"({"kind":"Status","reason":"NotFound"})"}));
  EXPECT_FALSE(HasNode(ClientResponse{.status = 404, .body = "<html>no such page"}).ok());
  EXPECT_FALSE(HasNode(ClientResponse{.status = 404, .body = R"({"reason":"NoRoute"})"}).ok());
  EXPECT_FALSE(HasNode(ClientResponse{.status = 503}).ok());
  EXPECT_FALSE(HasNode(absl::DeadlineExceededError("silent")).ok());
}

TEST_F(KubePlacementApiTest, OfTheUnfinishedPodsOfAKubeNamespaceThoseWithClaimsAreKept) {
  EXPECT_EQ(*ListPods({kListBegin, PodJson("db", kDataVolume), ",", PodJson("web", ""), "]}"}),
            Names{"db"});
  EXPECT_EQ(server_.WaitForRequests(1).back().path_and_query,
            "/api/v1/namespaces/default/pods?fieldSelector="
            "status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed");
}

// A kube namespace of a hundred thousand pods, whose list would not go into one answer.
TEST_F(KubePlacementApiTest, AListMayBeOfAnyLength) {
  constexpr int kPods = 100;
  const std::string large(size_t{256} * 1024, 'x');
  std::vector<std::string> pieces = {kListBegin};
  for (int i = 0; i < kPods; ++i) {
    pieces.push_back(absl::StrCat(i == 0 ? "" : ",", R"({"metadata":{"name":")", i,
                                  R"(","annotations":{"a":")", large, R"("}},"spec":{"volumes":[)",
                                  i == 7 ? kDataVolume : "", "]}}"));
  }
  pieces.push_back("]}");
  ASSERT_GT(kPods * static_cast<int64_t>(large.size()), 2 * kObjectBytesMax);
  EXPECT_EQ(*ListPods(std::move(pieces)), Names{"7"});
}

// "None" must not come of what is not known.
TEST_F(KubePlacementApiTest, AListThatIsRefusedOrNotWholeIsAnError) {
  server_.AddStream({.refusal = {.status = 403}});
  EXPECT_EQ(api_.ListPods("default").status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_FALSE(ListPods({kListBegin, PodJson("db", kDataVolume)}).ok());
  EXPECT_FALSE(
      ListPods({R"({"metadata":{"resourceVersion":"9","continue":"x"},"items":[]})"}).ok());
}

TEST_F(KubePlacementApiTest, AListThatHangsIsBrokenOffByTheStop) {
  absl::Status status;
  auto thread =
      std::make_unique<Thread>("list", [&] { status = api_.ListPods("default").status(); });
  server_.WaitForRequests(1);
  api_.BeginStop();
  thread.reset();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
}

TEST_F(KubePlacementApiTest, PinsDoNotWaitLongForAWakeUp) {
  server_.OnSend([](const ClientRequest& request) {
    return request.method == "PATCH"
               ? ClientResponse{.status = 404, .body = R"({"kind":"Status","reason":"NotFound"})"}
               : ClientResponse{.status = 201, .body = "{}"};
  });
  EXPECT_TRUE(api_.WakeScheduler(7).ok());
  for (const ClientRequest& request : server_.WaitForRequests(2)) {
    EXPECT_EQ(request.deadline, kWakeUpDeadline) << request.method;
  }
}

TEST_F(KubePlacementApiTest, AllUnfinishedPodsOfANodeAreRead) {
  server_.AddStream(
      {.lines = {kListBegin, PodJson("db", kDataVolume), ",", PodJson("web", ""), "]}"}});
  EXPECT_EQ(api_.ListPodsOn("n1")->size(), 2U);
  EXPECT_EQ(server_.WaitForRequests(1).back().path_and_query,
            "/api/v1/pods?resourceVersion=0&fieldSelector=spec.nodeName%3Dn1%2C"
            "status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed");
}

}  // namespace
}  // namespace pmem::extender
