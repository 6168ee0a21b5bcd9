// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/watch_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

std::string Bookmark(std::string_view version) {
  return absl::StrCat(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":")",
                      std::string(version), R"("}}})");
}

// A list of that version of nodes with these names.
FakeStream List(std::string_view version, const Texts& names,
                std::string_view continue_token = {}) {
  const std::string items = absl::StrJoin(names, ",", [](std::string* out, std::string_view name) {
    absl::StrAppend(out, R"({"metadata":{"name":")", std::string(name), R"("}})");
  });
  return {.lines = {absl::StrCat(R"({"metadata":{"resourceVersion":")", std::string(version),
                                 R"(","continue":")", std::string(continue_token),
                                 R"("},"items":[)", items, "]}")}};
}

std::string ErrorLine(int code, std::string_view reason) {
  return absl::StrCat(R"({"type":"ERROR","object":{"kind":"Status","code":)", code,
                      R"(,"reason":")", std::string(reason), R"("}})");
}

constexpr double kLittle = 0.01;

class WatchLoopTest : public ::testing::Test {
 protected:
  WatchLoopTest()
      : client_(std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<TokenSource>("secret", "", &clock_)),
        sink_(&events_),
        loop_({.kind = "nodes",
               .resource = kNodesResource,
               .field_selector = "spec.nodeName=",
               .patience = kLittle},
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

TEST_F(WatchLoopTest, PublishesAListAndWatchesFromItsVersion) {
  server_.AddStream(List("4", {"b", "a"}));
  server_.AddStream(
      {.lines = {Line("ADDED", "c", "5"), Line("DELETED", "a", "6")}, .stays_open = true});
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(3), (Texts{"relisted a b", "seen c", "gone a"}));
  EXPECT_EQ(server_.WaitForRequests(1)[0].path_and_query,
            "/api/v1/nodes?fieldSelector=spec.nodeName%3D");
  EXPECT_EQ(server_.WaitForRequests(1)[0].headers.at("Authorization"), "Bearer secret");
  EXPECT_TRUE(Asks(1, {"/api/v1/nodes?watch=true&allowWatchBookmarks=true", "&resourceVersion=4",
                       "&fieldSelector=spec.nodeName%3D"}));
  server_.CloseStream();
  EXPECT_TRUE(Asks(2, {"watch=true", "&resourceVersion=6"}));
  EXPECT_EQ(loop_.Health().relists, 1);
}

TEST_F(WatchLoopTest, AListThatComesInPartsIsOneSet) {
  server_.AddStream(List("20", {"b"}, "more+"));
  server_.AddStream({.lines = {R"({"metadata":{"resourceVersion":"20"},"items":[{"metadata":{}},)"
                               R"({"metadata":{"name":"a"}}]})"}});
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(1), (Texts{"relisted a b"}));
  EXPECT_TRUE(Asks(1, {"&continue=more%2B"}));
  EXPECT_TRUE(Asks(2, {"watch=true", "&resourceVersion=20"}));
  EXPECT_EQ(loop_.Health().decode_errors, 1);
}

TEST_F(WatchLoopTest, AListThatDoesNotEndIsGivenUpAndBegunAnew) {
  for (const bool is_same_token : {true, false}) {
    SCOPED_TRACE(is_same_token);
    FakeHttpServer server;
    const size_t parts = is_same_token ? 2 : size_t{kListPartsMax};
    for (size_t i = 0; i < parts; ++i) {
      server.AddStream(List("20", {}, is_same_token ? "same" : absl::StrCat("after ", i)));
    }
    KubeClient client(std::make_unique<FakeHttpClient>(&server),
                      std::make_unique<FakeHttpClient>(&server),
                      std::make_unique<TokenSource>("secret", "", &clock_));
    WatchLoop loop({.kind = "nodes", .resource = kNodesResource, .patience = kLittle}, &client,
                   std::make_unique<TypedKind<Node>>(&sink_), &clock_);
    loop.Start();
    const std::vector<ClientRequest> requests = server.WaitForRequests(parts + 1);
    ASSERT_GT(requests.size(), parts);
    EXPECT_TRUE(absl::StrContains(requests[parts - 1].path_and_query, "?continue="));
    EXPECT_EQ(requests[parts].path_and_query, "/api/v1/nodes");
  }
}

TEST_F(WatchLoopTest, AListThatIsCutShortIsVoidAndTheNextOneIsWhole) {
  server_.AddStream({.lines = {R"({"metadata":{"resourceVersion":"4"},"items":[)"
                               R"({"metadata":{"name":"b"}})"}});
  server_.AddStream({.lines = {R"({"items":[{"metadata":{"name":"c"}})"},
                     .end = absl::UnavailableError("reset")});
  server_.AddStream(List("5", {"a"}));
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(1), (Texts{"relisted a"}));
  EXPECT_EQ(loop_.Health().failures, 2);
}

TEST_F(WatchLoopTest, ARelistBreaksTheStreamOffAndTellsOfTheListsRound) {
  std::vector<int64_t> rounds;  // Written by the loop's thread, before the next event is seen.
  WatchLoop loop({.kind = "nodes",
                  .resource = kNodesResource,
                  .on_listed = [&rounds](int64_t round) { rounds.push_back(round); }},
                 &client_, std::make_unique<TypedKind<Node>>(&sink_), &clock_);
  server_.AddStream(List("2", {"a"}));
  server_.AddStream({.lines = {Line("ADDED", "b", "3")}, .stays_open = true});
  loop.Start();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted a", "seen b"}));
  server_.AddStream(List("4", {"b"}));
  server_.AddStream({.lines = {Line("ADDED", "c", "5")}, .stays_open = true});
  loop.Relist(7);
  EXPECT_EQ(events_.WaitFor(4), (Texts{"relisted a", "seen b", "relisted b", "seen c"}));
  EXPECT_EQ(server_.WaitForRequests(3)[2].path_and_query, "/api/v1/nodes");
  EXPECT_EQ(rounds, (std::vector<int64_t>{0, 7}));
  EXPECT_EQ(loop.Health().failures, 0);
}

TEST_F(WatchLoopTest, AListOfAServerThatWasSetBackIsToldOfToo) {
  std::vector<int64_t> rounds;  // Written by the loop's thread, before the next event is seen.
  WatchLoop loop({.kind = "nodes",
                  .resource = kNodesResource,
                  .on_listed = [&rounds](int64_t round) { rounds.push_back(round); }},
                 &client_, std::make_unique<TypedKind<Node>>(&sink_), &clock_);
  server_.AddStream(List("11", {"a"}));
  server_.AddStream({.lines = {Line("ADDED", "b", "12")}, .stays_open = true});
  loop.Start();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted a", "seen b"}));
  server_.AddStream(List("10", {"c"}));
  server_.AddStream({.lines = {Line("ADDED", "d", "11")}, .stays_open = true});
  loop.Relist(7);
  EXPECT_EQ(events_.WaitFor(4), (Texts{"relisted a", "seen b", "relisted c", "seen d"}));
  EXPECT_EQ(rounds, (std::vector<int64_t>{0, 7}));
  EXPECT_EQ(loop.Health().relists, 2);
}

TEST_F(WatchLoopTest, ARelistThatIsWantedBeforeTheStartIsTheFirstList) {
  std::vector<int64_t> rounds;
  WatchLoop loop({.kind = "nodes",
                  .resource = kNodesResource,
                  .on_listed = [&rounds](int64_t round) { rounds.push_back(round); }},
                 &client_, std::make_unique<TypedKind<Node>>(&sink_), &clock_);
  server_.AddStream(List("2", {}));
  server_.AddStream({.lines = {Line("ADDED", "a", "3")}, .stays_open = true});
  loop.Relist(1);
  loop.Start();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted", "seen a"}));
  EXPECT_EQ(rounds, (std::vector<int64_t>{1}));
}

TEST_F(WatchLoopTest, GoneAsEventAndAsStatusCollectsAnewWhileTheOldSetStands) {
  server_.AddStream(List("2", {"a"}));
  server_.AddStream({.lines = {ErrorLine(410, "Expired")}});
  server_.AddStream({.lines = {R"({"items":[{"metadata":{"name":"b"}})"}, .stays_open = true});
  loop_.Start();
  EXPECT_TRUE(Asks(2, {"/api/v1/nodes?fieldSelector"}));
  EXPECT_EQ(events_.WaitFor(1), (Texts{"relisted a"}));
  server_.CloseStream(absl::UnavailableError("reset"));  // Before its end: "b" is void.
  server_.AddStream(List("6", {"c"}));
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted a", "relisted c"}));
  server_.AddStream({.refusal = {.status = 410, .body = ""}});
  server_.AddStream(List("9", {}));
  EXPECT_EQ(events_.WaitFor(3), (Texts{"relisted a", "relisted c", "relisted"}));
}

TEST_F(WatchLoopTest, ABrokenStreamGoesOnFromTheLastBookmark) {
  server_.AddStream(List("2", {}));
  server_.AddStream({.lines = {Bookmark("30")}, .end = absl::UnavailableError("reset")});
  loop_.Start();
  EXPECT_TRUE(Asks(2, {"&resourceVersion=30"}));
  EXPECT_EQ(loop_.Health().failures, 1);
}

TEST_F(WatchLoopTest, ALineThatIsNoEventBreaksTheStreamAndTheNextOneIsGood) {
  server_.AddStream(List("2", {}));
  server_.AddStream({.lines = {"<html>"}});
  server_.AddStream({.lines = {Line("ADDED", "a", "3")}, .stays_open = true});
  loop_.Start();
  EXPECT_EQ(events_.WaitFor(2), (Texts{"relisted", "seen a"}));
}

TEST_F(WatchLoopTest, ABadObjectIsCountedAndItsNeighboursArrive) {
  server_.AddStream(List("2", {}));
  server_.AddStream(
      {.lines = {R"({"type":"ADDED","object":{"metadata":{"name":"bad","resourceVersion":"3"},)"
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
