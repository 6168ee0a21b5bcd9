// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/leader_label.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"

namespace pmem::extender {
namespace {

using Texts = std::vector<std::string>;
constexpr const char* kOwnPath = "PATCH /api/v1/namespaces/pmem/pods/own";
constexpr const char* kOn =
    R"({"metadata":{"labels":{"pmem.csi.alibabacloud.com/role":"leader"}}})";
constexpr const char* kOff = R"({"metadata":{"labels":{"pmem.csi.alibabacloud.com/role":null}}})";

std::string PodJson(const std::string& name) {
  return absl::StrCat(R"({"metadata":{"name":")", name, R"(","uid":"uid-)", name, "\"}}");
}

// An API server that lists the pods that the test says show the label.
class LeaderLabelTest : public testing::Test {
 protected:
  LeaderLabelTest() {
    http_.OnSend([this](const ClientRequest& request) -> absl::StatusOr<ClientResponse> {
      requests_.push_back(
          absl::StrCat(request.method, " ", request.path_and_query, " ", request.body));
      if (!failure_.ok()) return failure_;
      std::string items;
      for (const std::string& pod : shown_) {
        absl::StrAppend(&items, items.empty() ? "" : ",", PodJson(pod));
      }
      const std::string list =
          absl::StrCat(R"({"metadata":{"resourceVersion":"1"},"items":[)", items, "]}");
      return ClientResponse{.status = request.method == "GET" ? 200 : patch_status_,
                            .body = request.method == "GET" ? list : PodJson("own")};
    });
  }

  // The requests of one round.
  Texts Tick() {
    requests_.clear();
    label_.Tick();
    return requests_;
  }

  FakeHttpServer http_;
  FakeClock clock_;
  KubeClient client_{std::make_unique<FakeHttpClient>(&http_),
                     std::make_unique<FakeHttpClient>(&http_),
                     std::make_unique<TokenSource>("", "", &clock_)};
  LeaderLabel label_{
      {.kube_namespace = "pmem", .pod_name = "own"}, &client_, &clock_, [this] { return leads_; }};
  bool leads_ = true;
  int patch_status_ = 200;
  absl::Status failure_;
  Texts shown_ = {"own"};
  Texts requests_;
  const std::string list_ =
      "GET /api/v1/namespaces/pmem/pods?resourceVersion=0&labelSelector="
      "app.kubernetes.io%2Fname%3Dpmem-extender%2Cpmem.csi.alibabacloud.com%2Frole%3Dleader ";
};

TEST_F(LeaderLabelTest, ALeaderShowsItOnceAndLooksNowAndThen) {
  EXPECT_EQ(Tick(), (Texts{absl::StrCat(kOwnPath, " ", kOn), list_}));
  EXPECT_EQ(Tick(), Texts{});
  clock_.Advance(LeaderLabel::kLookPause);
  EXPECT_EQ(Tick(), Texts{list_});
}

TEST_F(LeaderLabelTest, AFollowerTakesOffWhatAnEarlierLifeMayHaveLeft) {
  leads_ = false;
  EXPECT_EQ(Tick(), Texts{absl::StrCat(kOwnPath, " ", kOff)});
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Tick(), Texts{});
}

TEST_F(LeaderLabelTest, TheLeaderTakesItOffAPodThatCannot) {
  shown_ = {"frozen", "own"};
  const Texts requests = Tick();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[2],
            "PATCH /api/v1/namespaces/pmem/pods/frozen "
            R"([{"op":"test","path":"/metadata/uid","value":"uid-frozen"},)"
            R"({"op":"test","path":"/metadata/labels/pmem.csi.alibabacloud.com~1role","value":)"
            R"("leader"},{"op":"remove","path":)"
            R"("/metadata/labels/pmem.csi.alibabacloud.com~1role"}])");
}

TEST_F(LeaderLabelTest, AFollowerTouchesNoOtherPod) {
  leads_ = false;
  shown_ = {"other"};
  EXPECT_EQ(Tick().size(), 1U);
}

TEST_F(LeaderLabelTest, WhatSomebodyTookOffIsPutOnAgain) {
  Tick();
  shown_ = {};
  clock_.Advance(LeaderLabel::kLookPause);
  EXPECT_EQ(Tick(), Texts{list_});
  EXPECT_EQ(Tick(), Texts{absl::StrCat(kOwnPath, " ", kOn)});
}

TEST_F(LeaderLabelTest, AnApiServerThatFailsIsLeftAloneForAWhile) {
  failure_ = absl::UnavailableError("away");
  EXPECT_EQ(Tick().size(), 1U);
  EXPECT_EQ(Tick(), Texts{});
  clock_.Advance(LeaderLabel::kFailurePause);
  EXPECT_EQ(Tick().size(), 1U);
}

TEST_F(LeaderLabelTest, ALostRaceForAnotherPodsLabelIsNoFailure) {
  Tick();
  shown_ = {"frozen", "own"};
  patch_status_ = 422;
  clock_.Advance(LeaderLabel::kLookPause);
  EXPECT_EQ(Tick().size(), 2U);
  EXPECT_EQ(Tick(), Texts{});
}

// A policy may forbid it, say.
TEST_F(LeaderLabelTest, APodThatKeepsItDoesNotKeepUsFromPuttingOnOurs) {
  Tick();
  shown_ = {"stuck"};
  patch_status_ = 403;
  clock_.Advance(LeaderLabel::kLookPause);
  EXPECT_EQ(Tick().size(), 2U);
  clock_.Advance(LeaderLabel::kFailurePause);
  EXPECT_EQ(Tick().front(), absl::StrCat(kOwnPath, " ", kOn));
}

TEST_F(LeaderLabelTest, ALabelThatCouldNotBeTakenOffIsTriedAgainAfterTheFailurePause) {
  Tick();
  shown_ = {"frozen", "own"};
  patch_status_ = 500;
  clock_.Advance(LeaderLabel::kLookPause);
  EXPECT_EQ(Tick().size(), 2U);
  EXPECT_EQ(Tick(), Texts{});
  patch_status_ = 200;
  clock_.Advance(LeaderLabel::kFailurePause);
  EXPECT_EQ(Tick().size(), 2U);
}

TEST_F(LeaderLabelTest, ItSleepsUntilItsNextLookOrTheEndOfAPause) {
  EXPECT_EQ(label_.Tick(), LeaderLabel::kLookPause);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(label_.Tick(), LeaderLabel::kLookPause - absl::Seconds(1));
  shown_ = {};
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(label_.Tick(), LeaderLabel::kPeriod) << "ours is not there";
  leads_ = false;
  failure_ = absl::UnavailableError("away");
  label_.Tick();
  EXPECT_EQ(label_.Tick(), LeaderLabel::kFailurePause);
}

TEST_F(LeaderLabelTest, AChangeIsShownAtOnceThoughItSleeps) {
  label_.Start();
  http_.WaitForRequests(2);
  leads_ = false;
  label_.Wake();
  EXPECT_EQ(http_.WaitForRequests(3).back().body, kOff);
  label_.Stop();
}

TEST_F(LeaderLabelTest, StopTakesItOffWhenWeLeadNoMore) {
  Tick();
  requests_.clear();
  leads_ = false;
  label_.Stop();
  EXPECT_EQ(requests_, Texts{absl::StrCat(kOwnPath, " ", kOff)});
  label_.Stop();
  EXPECT_EQ(requests_.size(), 1U);
}

}  // namespace
}  // namespace pmem::extender
