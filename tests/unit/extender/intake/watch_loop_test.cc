// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/watch_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/io/clock.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/fakes/recording_sink.h"

namespace pmem::extender {
namespace {

using Texts = std::vector<std::string>;

std::string Line(std::string_view type, std::string_view name, std::string_view version) {
  return absl::StrCat(R"({"type":")", std::string(type), R"(","object":{"metadata":{"name":")",
                      std::string(name), R"(","resourceVersion":")", std::string(version),
                      R"("}}})");
}

std::string EndMarker(std::string_view version) {
  return absl::StrCat(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")",
                      std::string(version),
                      R"(","annotations":{"k8s.io/initial-events-end":"true"}}}})");
}

std::string ErrorLine(int code, std::string_view reason) {
  return absl::StrCat(R"({"type":"ERROR","object":{"kind":"Status","code":)", code,
                      R"(,"reason":")", std::string(reason), R"("}})");
}

class WatchLoopTest : public ::testing::Test {
 protected:
  WatchLoopTest()
      : client_(std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<TokenSource>("secret", "", &clock_)),
        sink_(&events_),
        loop_({.kind = "nodes", .resource = kNodesResource, .field_selector = "spec.nodeName="},
              &client_, std::make_unique<TypedKind<Node>>(&sink_), &clock_) {}

  // Whether request `i`, once it was made, asks for all of `parts`.
  bool Asks(size_t i, const Texts& parts) {
    const std::vector<ClientRequest> requests = server_.WaitForRequests(i + 1);
    if (requests.size() <= i) return false;
    for (const std::string& part : parts) {
      if (!absl::StrContains(requests[i].path_and_query, part)) {
        ADD_FAILURE() << requests[i].path_and_query << " lacks " << part;
        return false;
      }
    }
    return true;
  }

  RealClock clock_;
  FakeHttpServer server_;
  RecordingSink events_;
  KubeClient client_;
  EventObjectSink<Node> sink_;
  WatchLoop loop_;
};

TEST_F(WatchLoopTest, WatchListPublishesAtTheMarkerAndThenGoesOnLive) {
  server_.AddStream(
      {.lines = {Line("ADDED", "b", "1"), Line("ADDED", "a", "2"), Line("DELETED", "b", "3"),
                 EndMarker("4"), Line("ADDED", "c", "5"), Line("DELETED", "a", "6")},
       .stays_open = true});
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(3), (Texts{"relisted a", "seen c", "gone a"}));
  EXPECT_TRUE(Asks(0, {"/api/v1/nodes?watch=true", "&sendInitialEvents=true",
                       "&resourceVersionMatch=NotOlderThan", "&allowWatchBookmarks=true",
                       "&fieldSelector=spec.nodeName%3D"}));
  EXPECT_EQ(server_.WaitForRequests(1)[0].headers.at("Authorization"), "Bearer secret");
  server_.CloseStream();
  EXPECT_TRUE(Asks(1, {"watch=true", "&resourceVersion=6"}));
  EXPECT_EQ(loop_.Health().relists, 1);
}

TEST_F(WatchLoopTest, FallsBackToPagedListsAndWatchesFromTheirVersion) {
  server_.OnSend([](const ClientRequest& request) -> absl::StatusOr<ClientResponse> {
    if (absl::StrContains(request.path_and_query, "continue=more%2B")) {
      return ClientResponse{
          .status = 200,
          .body = R"({"metadata":{"resourceVersion":"20"},"items":[{"metadata":{"name":"a"}}]})"};
    }
    return ClientResponse{.status = 200,
                          .body = R"({"metadata":{"resourceVersion":"20","continue":"more+"},)"
                                  R"("items":[{"metadata":{"name":"b"}},{"metadata":{}}]})"};
  });
  server_.AddStream({.refusal = {.status = 422, .body = R"({"reason":"Invalid"})"}});
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(1), (Texts{"relisted a b"}));
  EXPECT_TRUE(Asks(3, {"watch=true", "&resourceVersion=20"}));
  EXPECT_EQ(loop_.Health().decode_errors, 1);
}

TEST_F(WatchLoopTest, AListThatDoesNotEndIsGivenUpAndBegunAnew) {
  for (const bool is_same_token : {true, false}) {
    SCOPED_TRACE(is_same_token);
    FakeHttpServer server;
    std::atomic<int> pages = 0;
    server.OnSend([&pages, is_same_token](const ClientRequest&) -> absl::StatusOr<ClientResponse> {
      const int page = is_same_token ? 1 : ++pages;
      return ClientResponse{.status = 200,
                            .body = absl::StrCat(R"({"metadata":{"resourceVersion":"20",)"
                                                 R"("continue":"after )",
                                                 page, R"("},"items":[]})")};
    });
    server.AddStream({.refusal = {.status = 422, .body = ""}});
    KubeClient client(std::make_unique<FakeHttpClient>(&server),
                      std::make_unique<FakeHttpClient>(&server),
                      std::make_unique<TokenSource>("secret", "", &clock_));
    WatchLoop loop({.kind = "nodes", .resource = kNodesResource}, &client,
                   std::make_unique<TypedKind<Node>>(&sink_), &clock_);
    loop.Start();
    // A refused WatchList, two pages or as many as there may be, and the first page again.
    const size_t last = 1 + (is_same_token ? 2 : size_t{kListPagesMax});
    const std::vector<ClientRequest> requests = server.WaitForRequests(last + 1);
    ASSERT_GT(requests.size(), last);
    EXPECT_TRUE(absl::StrContains(requests[last - 1].path_and_query, "&continue="));
    EXPECT_FALSE(absl::StrContains(requests[last].path_and_query, "&continue="));
  }
}

TEST_F(WatchLoopTest, ARelistBreaksTheStreamOffAndTellsOfTheListsRound) {
  std::vector<int64_t> rounds;  // Written by the loop's thread, before the next event is seen.
  WatchLoop loop({.kind = "nodes",
                  .resource = kNodesResource,
                  .on_listed = [&rounds](int64_t round) { rounds.push_back(round); }},
                 &client_, std::make_unique<TypedKind<Node>>(&sink_), &clock_);
  server_.AddStream({.lines = {Line("ADDED", "a", "1"), EndMarker("2"), Line("ADDED", "b", "3")},
                     .stays_open = true});
  loop.Start();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted a", "seen b"}));
  server_.AddStream({.lines = {Line("ADDED", "b", "3"), EndMarker("4"), Line("ADDED", "c", "5")},
                     .stays_open = true});
  loop.Relist(7);
  EXPECT_EQ(events_.WaitFor(4), (Texts{"relisted a", "seen b", "relisted b", "seen c"}));
  EXPECT_TRUE(Asks(1, {"&sendInitialEvents=true", "&resourceVersionMatch=NotOlderThan"}));
  EXPECT_EQ(rounds, (std::vector<int64_t>{0, 7}));
  EXPECT_EQ(loop.Health().failures, 0);
}

TEST_F(WatchLoopTest, ARelistThatIsWantedBeforeTheStartIsTheFirstList) {
  std::vector<int64_t> rounds;
  WatchLoop loop({.kind = "nodes",
                  .resource = kNodesResource,
                  .on_listed = [&rounds](int64_t round) { rounds.push_back(round); }},
                 &client_, std::make_unique<TypedKind<Node>>(&sink_), &clock_);
  server_.AddStream({.lines = {EndMarker("2"), Line("ADDED", "a", "3")}, .stays_open = true});
  loop.Relist(1);
  loop.Start();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted", "seen a"}));
  EXPECT_EQ(rounds, (std::vector<int64_t>{1}));
}

TEST_F(WatchLoopTest, AnErrorEventInPlaceOfInitialEventsFallsBack) {
  server_.OnSend([](const ClientRequest&) -> absl::StatusOr<ClientResponse> {
    return ClientResponse{.status = 200,
                          .body = R"({"metadata":{"resourceVersion":"20"},"items":[]})"};
  });
  server_.AddStream({.lines = {ErrorLine(500, "InternalError")}});
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(1), (Texts{"relisted"}));
  EXPECT_TRUE(Asks(1, {"/api/v1/nodes?limit=500"}));
}

TEST_F(WatchLoopTest, GoneAsEventAndAsStatusCollectsAnewWhileTheOldSetStands) {
  server_.AddStream(
      {.lines = {Line("ADDED", "a", "1"), EndMarker("2"), ErrorLine(410, "Expired")}});
  server_.AddStream({.lines = {Line("ADDED", "b", "3")}, .stays_open = true});
  loop_.Start();
  EXPECT_TRUE(Asks(1, {"&sendInitialEvents=true"}));
  EXPECT_EQ(events_.WaitFor(1), (Texts{"relisted a"}));
  server_.CloseStream(absl::UnavailableError("reset"));  // Before the marker: "b" is void.
  server_.AddStream({.lines = {Line("ADDED", "c", "5"), EndMarker("6")}, .stays_open = true});
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted a", "relisted c"}));
  server_.AddStream({.refusal = {.status = 410, .body = ""}});
  server_.AddStream({.lines = {EndMarker("9")}, .stays_open = true});
  server_.CloseStream();
  EXPECT_EQ(events_.WaitFor(3), (Texts{"relisted a", "relisted c", "relisted"}));
}

TEST_F(WatchLoopTest, ABrokenStreamGoesOnFromTheLastBookmark) {
  server_.AddStream({.lines = {EndMarker("2"), Line("BOOKMARK", "", "30")},
                     .end = absl::UnavailableError("reset")});
  loop_.Start();
  EXPECT_TRUE(Asks(1, {"&resourceVersion=30"}));
  EXPECT_EQ(loop_.Health().failures, 1);
}

TEST_F(WatchLoopTest, ALineThatIsNoEventBreaksTheStreamAndTheNextOneIsGood) {
  server_.AddStream({.lines = {EndMarker("2"), "<html>"}});
  server_.AddStream({.lines = {Line("ADDED", "a", "3")}, .stays_open = true});
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted", "seen a"}));
}

TEST_F(WatchLoopTest, ABadObjectIsCountedAndItsNeighboursArrive) {
  server_.AddStream(
      {.lines = {EndMarker("2"),
                 R"({"type":"ADDED","object":{"metadata":{"name":"bad","resourceVersion":"3"},)"
                 R"("spec":7}})",
                 Line("ADDED", "good", "4")},
       .stays_open = true});
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted", "seen good"}));
  EXPECT_EQ(loop_.Health().decode_errors, 1);
}

TEST_F(WatchLoopTest, StopEndsAnOpenStreamAWaitAndASilentRequest) {
  loop_.Start();  // No script: the request stays silent.
  server_.WaitForRequests(1);
  loop_.Stop();
  loop_.Stop();

  server_.AddStream({.refusal = {.status = 429, .headers = {{"retry-after", "60"}}}});
  WatchLoop waiting({.kind = "nodes", .resource = kNodesResource}, &client_,
                    std::make_unique<TypedKind<Node>>(&sink_), &clock_);
  waiting.Start();
  server_.WaitForRequests(2);
  waiting.Stop();
  EXPECT_EQ(waiting.Health().relists, 0);
}

}  // namespace
}  // namespace pmem::extender
