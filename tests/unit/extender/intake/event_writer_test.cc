// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/event_writer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"

namespace pmem::extender {
namespace {

constexpr std::string_view kUidKey = R"("uid":")";

ClaimEvent Event(std::string uid, std::string reason = "PinCannotWork") {
  return {.claim = {.kube_namespace = "x", .name = "data"},
          .claim_uid = std::move(uid),
          .reason = std::move(reason),
          .message = "node n9 does not exist"};
}

class EventWriterTest : public ::testing::Test {
 protected:
  EventWriterTest()
      : client_(std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<TokenSource>("", "", &clock_)),
        writer_("pmem-extender", &client_, &clock_) {
    AnswerWith(201);
  }
  void AnswerWith(int status) {
    server_.OnSend([status](const ClientRequest&) -> absl::StatusOr<ClientResponse> {
      return ClientResponse{.status = status, .body = "{}"};
    });
  }
  // Until the answer was taken: one thread writes them one after the other.
  void PostAndWait(ClaimEvent event) {
    writer_.Post(std::move(event));
    const std::string marker = absl::StrCat("marker-", ++markers_);
    writer_.Post(Event(marker));
    for (size_t count = 1; !Asked().contains(marker);) {
      count = server_.WaitForRequests(count).size() + 1;
    }
  }
  // How often each claim's uid was in a request, whatever was answered.
  std::map<std::string, int> Asked() {
    std::map<std::string, int> asked;
    for (const ClientRequest& request : server_.WaitForRequests(0)) {
      const size_t begin = request.body.find(kUidKey) + kUidKey.size();
      ++asked[request.body.substr(begin, request.body.find('"', begin) - begin)];
    }
    return asked;
  }

  FakeClock clock_;
  FakeHttpServer server_;
  int markers_ = 0;
  KubeClient client_;
  EventWriter writer_;
};

TEST_F(EventWriterTest, AnEventIsWrittenIntoTheClaimsKubeNamespace) {
  writer_.Start();
  writer_.Post(Event("c1"));
  const ClientRequest request = server_.WaitForRequests(1)[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path_and_query, "/api/v1/namespaces/x/events");
  EXPECT_EQ(request.body,
            R"({"apiVersion":"v1","kind":"Event",)"
            R"("metadata":{"generateName":"data.","namespace":"x"},)"
            R"("involvedObject":{"apiVersion":"v1","kind":"PersistentVolumeClaim","namespace":"x",)"
            R"("name":"data","uid":"c1"},"type":"Warning","reason":"PinCannotWork",)"
            R"("message":"node n9 does not exist","source":{"component":"pmem-extender"},)"
            R"("reportingComponent":"pmem-extender","reportingInstance":"pmem-extender",)"
            R"("firstTimestamp":"1970-01-12T13:46:40Z","lastTimestamp":"1970-01-12T13:46:40Z",)"
            R"("count":1})");
}

TEST_F(EventWriterTest, TheSameReasonOnTheSameClaimIsSaidAgainOnlyAfterAWhile) {
  writer_.Start();
  writer_.Post(Event("c1"));
  writer_.Post(Event("c1"));
  writer_.Post(Event("c1", "Placed"));
  writer_.Post(Event("c2"));
  EXPECT_EQ(server_.WaitForRequests(3).size(), 3u);
  clock_.Advance(kClaimEventRepeat);
  writer_.Post(Event("c1"));
  EXPECT_EQ(server_.WaitForRequests(4).size(), 4u);
}

TEST_F(EventWriterTest, ARefusedEventIsWrittenAgainAfterAPauseOnlyAndAsTheServerAsks) {
  server_.OnSend([](const ClientRequest&) -> absl::StatusOr<ClientResponse> {
    return ClientResponse{.status = 429, .headers = {{"retry-after", "25"}}};
  });
  writer_.Start();
  PostAndWait(Event("c1"));
  clock_.Advance(absl::Seconds(24));
  PostAndWait(Event("c1"));
  EXPECT_EQ(Asked()["c1"], 1);
  clock_.Advance(absl::Seconds(1));
  PostAndWait(Event("c1"));
  EXPECT_EQ(Asked()["c1"], 2);
  EXPECT_GE(writer_.counts().refused, 2);
}

// As the placement controller does, which says everything anew with each of its ticks.
TEST_F(EventWriterTest, WhatAFullQueueDropsIsWrittenLaterAndNothingTwice) {
  constexpr size_t kDropped = kClaimEventQueueMax / 2;
  constexpr size_t kClaims = kClaimEventQueueMax + kDropped;
  const auto post_all = [this] {
    for (size_t i = 0; i < kClaims; ++i) writer_.Post(Event(absl::StrCat("c", i)));
  };
  // Often enough to forget everything, if what is dropped were remembered.
  constexpr size_t kRounds = kClaimEventMemoryMax / kDropped + 1;
  for (size_t i = 0; i < kRounds; ++i) post_all();
  EXPECT_EQ(writer_.counts().dropped, static_cast<int64_t>(kRounds * kDropped));
  writer_.Start();
  server_.WaitForRequests(kClaimEventQueueMax);
  post_all();
  PostAndWait(Event("last"));
  std::map<std::string, int> asked = Asked();
  for (size_t i = 0; i < kClaims; ++i) EXPECT_EQ(asked[absl::StrCat("c", i)], 1) << i;
}

TEST(ClaimEventJson, AMessageIsCut) {
  ClaimEvent event = Event("c1");
  event.message = std::string(kClaimEventMessageMax + 1, 'x');
  const std::string json = ClaimEventJson(event, "pmem-extender", absl::UnixEpoch());
  EXPECT_NE(json.find("\"" + std::string(kClaimEventMessageMax, 'x') + "\""), std::string::npos);
}

}  // namespace
}  // namespace pmem::extender
