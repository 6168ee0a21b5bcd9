// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/http_api.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "capacity-agent/agent_metrics.h"
#include "tests/fakes/fake_clock.h"

namespace pmem::agent {
namespace {

CapacityReport Report(int64_t generation) {
  return {.node = "n1",
          .boot_id = "b0",
          .generation = generation,
          .observed_at = absl::FromUnixSeconds(0),
          .pools = {{.id = "direct/region1",
                     .kind = PoolKind::kDirect,
                     .total_bytes = 400,
                     .allocatable_bytes = 400,
                     .available_bytes = 200,
                     .volume_bytes_max = 150,
                     .state = PoolState::kOk,
                     .free_extents = {{0, 50}, {100, 150}}}}};
}

class HttpApiTest : public testing::Test {
 protected:
  using Query = std::map<std::string, std::string>;

  // The answer, if there is one yet.
  std::optional<HttpResponse> Get(Query query, const std::string& if_none_match = "") {
    answers_.clear();
    api_.Capacity({.method = "GET",
                   .path = "/v1/capacity",
                   .query = std::move(query),
                   .if_none_match = if_none_match},
                  [this](HttpResponse response) { answers_.push_back(std::move(response)); });
    return Answer();
  }
  std::optional<HttpResponse> Answer() const {
    EXPECT_LE(answers_.size(), 1u);
    if (answers_.empty()) return std::nullopt;
    return answers_[0];
  }
  int Status(Query query, const std::string& if_none_match = "") {
    const auto answer = Get(std::move(query), if_none_match);
    return answer ? answer->status : 0;
  }
  // Of a poll that comes while a change is being read: it is answered once that is done.
  int StatusOnceTheChangeIsRead(const Query& query, const std::string& if_none_match) {
    store_.NoteChange();
    EXPECT_FALSE(Get(query, if_none_match));
    store_.ExpireWaiters(clock_.SteadyNow());
    EXPECT_FALSE(Answer());
    store_.Publish(Report(7), store_.changes_noted());
    return Answer() ? Answer()->status : 0;
  }

  FakeClock clock_;
  ReportStore store_;
  Metrics metrics_{"pmem_agent", "0"};
  HttpApi api_{&store_, &metrics_, &clock_};
  std::vector<HttpResponse> answers_;
};

TEST_F(HttpApiTest, WithoutAReportItSaysWhatIsMissing) {
  store_.SetHealth({.sources = {{"ndctl", true, ""}, {"lvm", false, "lvm: not found"}}});
  const auto answer = Get({});
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->headers.at("Retry-After"), "1");
  EXPECT_NE(answer->body.find("lvm: lvm: not found"), std::string::npos) << answer->body;
  EXPECT_EQ(answer->body.find("ndctl"), std::string::npos) << answer->body;
  EXPECT_EQ(api_.Readyz().status, 503);
}

TEST_F(HttpApiTest, TheReportIsAnsweredWithItsTag) {
  store_.Publish(Report(7));
  const auto answer = Get({});
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->body, SerialiseCapacityReport(Report(7)));
  EXPECT_EQ(answer->headers.at("ETag"), "\"b0+7\"");
  EXPECT_EQ(api_.Readyz().status, 200);
}

TEST_F(HttpApiTest, WhatTheReaderHasIsNotSentAgain) {
  store_.Publish(Report(7));
  EXPECT_EQ(Status({{"generation", "7"}}), 304);
  EXPECT_EQ(Status({{"generation", "7"}, {"wait", "0s"}}), 304);
  EXPECT_EQ(Status({}, "\"b0+7\""), 304);
  EXPECT_EQ(Status({{"wait", "30s"}}, "\"b0+7\""), 304);
  EXPECT_EQ(Status({{"generation", "6"}, {"wait", "30s"}}), 200);
  EXPECT_EQ(Status({{"wait", "30s"}}), 200);
  EXPECT_EQ(Status({}, "\"b1+7\""), 200);
  const auto answer = Get({{"generation", "7"}});
  EXPECT_EQ(answer->body, "");
  EXPECT_EQ(answer->headers.at("ETag"), "\"b0+7\"");
}

TEST_F(HttpApiTest, ALongPollEndsWithTheNextReport) {
  store_.Publish(Report(7));
  EXPECT_FALSE(Get({{"generation", "7"}, {"wait", "30s"}}));
  store_.Publish(Report(8));
  ASSERT_TRUE(Answer());
  EXPECT_EQ(Answer()->status, 200);
  EXPECT_EQ(Answer()->body, SerialiseCapacityReport(Report(8)));
}

TEST_F(HttpApiTest, ALongPollWithoutNewsEndsAfterItsWait) {
  store_.Publish(Report(7));
  EXPECT_FALSE(Get({{"generation", "7"}, {"wait", "1m30s"}}));
  clock_.Advance(kWaitMax - absl::Milliseconds(1));
  store_.ExpireWaiters(clock_.SteadyNow());
  EXPECT_FALSE(Answer());
  clock_.Advance(absl::Milliseconds(1));
  store_.ExpireWaiters(clock_.SteadyNow());
  ASSERT_TRUE(Answer());
  EXPECT_EQ(Answer()->status, 304);
}

// A debt of the extender's ends with an answer that is no news.
TEST_F(HttpApiTest, NobodyIsToldThatNothingChangedWhileAChangeIsBeingRead) {
  store_.Publish(Report(7));
  const std::vector<std::pair<Query, std::string>> unchanged = {
      {{}, ""}, {{}, "\"b0+7\""}, {{{"generation", "7"}}, ""}};
  for (const auto& [query, etag] : unchanged) {
    EXPECT_EQ(StatusOnceTheChangeIsRead(query, etag), query.empty() && etag.empty() ? 200 : 304);
  }
  EXPECT_FALSE(Get({{"generation", "7"}, {"wait", "30s"}}));
  store_.NoteChange();
  clock_.Advance(absl::Seconds(30));
  store_.ExpireWaiters(clock_.SteadyNow());
  EXPECT_FALSE(Answer());
  store_.Publish(Report(7), store_.changes_noted());
  EXPECT_EQ(Answer()->status, 304);
}

// Nor with news of LVM while a change of the regions is being read.
TEST_F(HttpApiTest, NewsIsNotToldWhileAnotherChangeIsBeingRead) {
  store_.Publish(Report(7));
  const std::vector<std::pair<Query, std::string>> polls = {
      {{{"generation", "6"}}, ""},
      {{{"generation", "6"}, {"wait", "30s"}}, ""},
      {{{"generation", "6"}}, "\"b0+7\""},
      {{}, ""}};
  for (const auto& [query, etag] : polls) {
    EXPECT_EQ(StatusOnceTheChangeIsRead(query, etag), etag.empty() ? 200 : 304);
  }
  EXPECT_FALSE(Get({{"generation", "7"}, {"wait", "30s"}}));
  store_.NoteChange();
  store_.Publish(Report(8), store_.changes_noted() - 1);
  EXPECT_FALSE(Answer());
  store_.Publish(Report(9), store_.changes_noted());
  ASSERT_TRUE(Answer());
  EXPECT_EQ(Answer()->body, SerialiseCapacityReport(Report(9)));
}

TEST_F(HttpApiTest, WhoWasHeldForTooLongIsToldToComeBack) {
  store_.Publish(Report(7));
  store_.NoteChange();
  EXPECT_FALSE(Get({{"generation", "7"}}));
  clock_.Advance(kHoldMax);
  store_.ExpireWaiters(clock_.SteadyNow());
  ASSERT_TRUE(Answer());
  EXPECT_EQ(Answer()->status, 503);
  EXPECT_EQ(Answer()->headers.at("Retry-After"), "1");
}

TEST_F(HttpApiTest, TheEndOfTheAgentEndsALongPoll) {
  store_.Publish(Report(7));
  EXPECT_FALSE(Get({{"generation", "7"}, {"wait", "30s"}}));
  store_.Close();
  EXPECT_EQ(Answer()->status, 304);
}

// Else whoever reaches the agent could keep its node from new volumes.
TEST_F(HttpApiTest, OneTooManyDoesNotWait) {
  store_.Publish(Report(7));
  for (int64_t i = 0; i < kWaitersMax; ++i) Get({{"generation", "7"}, {"wait", "30s"}});
  EXPECT_EQ(Status({{"generation", "7"}, {"wait", "30s"}}), 304);
  EXPECT_EQ(Status({{"generation", "6"}, {"wait", "30s"}}), 200);
  EXPECT_EQ(Status({}), 200);
}

TEST_F(HttpApiTest, OneTooManyIsSentAwayWhileAChangeIsBeingRead) {
  store_.Publish(Report(7));
  for (int64_t i = 0; i < kWaitersMax; ++i) Get({{"generation", "7"}, {"wait", "30s"}});
  store_.NoteChange();
  const auto answer = Get({{"generation", "7"}, {"wait", "30s"}});
  EXPECT_EQ(answer->status, 503);
  EXPECT_NE(answer->body.find("1024 readers wait"), std::string::npos) << answer->body;
}

TEST_F(HttpApiTest, BadParametersAreNamed) {
  store_.Publish(Report(7));
  for (const char* generation : {"", "x", "-1", "1.5", "99999999999999999999"}) {
    SCOPED_TRACE(generation);
    const auto answer = Get({{"generation", generation}});
    EXPECT_EQ(answer->status, 400);
    EXPECT_EQ(answer->content_type, "application/problem+json");
  }
  for (const char* wait : {"", "30", "-1s", "inf", "soon", "1s!"}) {
    SCOPED_TRACE(wait);
    EXPECT_EQ(Status({{"generation", "7"}, {"wait", wait}}), 400);
  }
  EXPECT_EQ(Status({{"other", "x"}}), 200);
}

TEST_F(HttpApiTest, LivezFailsWhenNoTickBeginsForLong) {
  store_.SetHealth({.tick_started = clock_.SteadyNow()});
  clock_.Advance(kTickAgeMax);
  EXPECT_EQ(api_.Livez().status, 200);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(api_.Livez().status, 503);
}

TEST(NoneMatch, NamesATagInAListWeakOrNot) {
  EXPECT_TRUE(NoneMatchNames("\"a\"", "\"a\""));
  EXPECT_TRUE(NoneMatchNames("\"b\", W/\"a\"", "\"a\""));
  EXPECT_TRUE(NoneMatchNames(" * ", "\"a\""));
  EXPECT_FALSE(NoneMatchNames("", "\"a\""));
  EXPECT_FALSE(NoneMatchNames("a", "\"a\""));
  EXPECT_FALSE(NoneMatchNames("\"ab\"", "\"a\""));
}

TEST_F(HttpApiTest, PoolsAreShownAsMetrics) {
  AddPoolMetrics(&store_, &metrics_);
  EXPECT_EQ(metrics_.Text().find("pmem_agent_pool_total_bytes{"), std::string::npos);
  store_.Publish(Report(7));
  const std::string text = metrics_.Text();
  const std::string labels = R"({kind="direct",node="n1",pool="direct/region1"} )";
  for (const std::string& line :
       {"pool_total_bytes" + labels + "400", "pool_available_bytes" + labels + "200",
        "pool_max_volume_bytes" + labels + "150", "pool_free_extents" + labels + "2",
        "pool_fragmentation_ratio" + labels + "0.25", std::string("report_generation 7"),
        std::string(R"(pool_state{node="n1",pool="direct/region1",state="ok"} 1)")}) {
    EXPECT_NE(text.find("pmem_agent_" + line + "\n"), std::string::npos) << line << "\n" << text;
  }
  EXPECT_EQ(text.find("pool_label_slots_free{"), std::string::npos) << "unknown is not zero";
}

TEST_F(HttpApiTest, ScansAreCountedBySourceAndResult) {
  ScanMetrics scans({"lvm"}, &metrics_);
  scans.Observe({.source = "lvm", .is_ok = true, .duration = absl::Milliseconds(3)});
  scans.Observe({.source = "lvm", .is_ok = false});
  scans.Observe({.source = "lvm", .is_ok = false});
  const std::string text = metrics_.Text();
  EXPECT_NE(text.find(R"(scans_total{result="error",source="lvm"} 2)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"(scans_total{result="ok",source="lvm"} 1)"), std::string::npos) << text;
}

}  // namespace
}  // namespace pmem::agent
