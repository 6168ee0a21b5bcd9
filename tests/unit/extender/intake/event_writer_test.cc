// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/event_writer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"

namespace pmem::extender {
namespace {

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

  FakeClock clock_;
  FakeHttpServer server_;
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
  EXPECT_EQ(writer_.Health().repeated, 1);
  clock_.Advance(kClaimEventRepeat);
  writer_.Post(Event("c1"));
  EXPECT_EQ(server_.WaitForRequests(4).size(), 4u);
}

TEST_F(EventWriterTest, ARefusedEventMayBeSaidAgainAtOnce) {
  AnswerWith(403);
  writer_.Start();
  writer_.Post(Event("c1"));
  server_.WaitForRequests(1);
  AnswerWith(201);
  // Until the refusal is noted the event still counts as said.
  for (size_t requests = 1; requests < 2; requests = server_.WaitForRequests(1).size()) {
    writer_.Post(Event("c1"));
  }
  EXPECT_EQ(writer_.Health().failed, 1);
}

TEST_F(EventWriterTest, AFullQueueDropsAndCounts) {
  for (size_t i = 0; i < kClaimEventQueueMax + 3; ++i) writer_.Post(Event(absl::StrCat("c", i)));
  EXPECT_EQ(writer_.Health().dropped, 3);
  writer_.Start();
  EXPECT_EQ(server_.WaitForRequests(kClaimEventQueueMax).size(), kClaimEventQueueMax);
}

TEST_F(EventWriterTest, WhatWasSaidIsRememberedWithinALimit) {
  for (size_t i = 0; i <= kClaimEventMemoryMax; ++i) writer_.Post(Event(absl::StrCat("c", i)));
  writer_.Post(Event("c1"));
  EXPECT_EQ(writer_.Health().repeated, 1);
  writer_.Post(Event("c0"));  // Forgotten, though its Event still waits.
  EXPECT_EQ(writer_.Health().repeated, 1);
}

TEST(ClaimEventJson, AMessageIsCut) {
  ClaimEvent event = Event("c1");
  event.message = std::string(kClaimEventMessageMax + 1, 'x');
  const std::string json = ClaimEventJson(event, "pmem-extender", absl::UnixEpoch());
  EXPECT_NE(json.find("\"" + std::string(kClaimEventMessageMax, 'x') + "\""), std::string::npos);
}

}  // namespace
}  // namespace pmem::extender
