// SPDX-License-Identifier: Apache-2.0
// The verbs over HTTP: bytes in, bytes out, on a real server on loopback.
#include "extender/verb_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/io/http_client.h"
#include "common/io/log.h"
#include "common/io/periodic_task.h"
#include "tests/support/raw_socket.h"
#include "tests/unit/extender/service_testing.h"

namespace pmem::extender {
namespace {

class RecordingObserver final : public VerbObserver {
 public:
  void OnFilter(Outcome outcome, const std::vector<Reason>& reasons) override {
    MutexLock lock(&mu_);
    outcomes_.push_back(outcome);
    reasons_ = reasons;
  }
  std::vector<Outcome> outcomes() const {
    MutexLock lock(&mu_);
    return outcomes_;
  }
  std::vector<Reason> reasons() const {
    MutexLock lock(&mu_);
    return reasons_;
  }

 private:
  mutable Mutex mu_;
  std::vector<Outcome> outcomes_ ABSL_GUARDED_BY(mu_);
  std::vector<Reason> reasons_ ABSL_GUARDED_BY(mu_);
};

class VerbApiTest : public testing::Test, public ServiceFixture {
 protected:
  explicit VerbApiTest(LedgerServiceOptions options = {}) : ServiceFixture(options) {
    api_.Register(server_);
    port_ = *server_.Start("127.0.0.1:0");
    client_ =
        *HttpClient::Make(absl::StrCat("http://127.0.0.1:", port_), ClientTls(), absl::Seconds(20));
  }
  ~VerbApiTest() override {
    api_.Stop();
    server_.Stop();
  }

  ClientResponse Post(const std::string& verb, const std::string& body) {
    ClientRequest request{.method = "POST", .path_and_query = "/scheduler/" + verb};
    request.body = body;
    request.content_type = "application/json";
    const auto response = client_->Send(request);
    EXPECT_EQ(response.status(), absl::OkStatus());
    return response.value_or(ClientResponse());
  }

  // The pod as the scheduler sends it.
  static std::string PodJson(const Pod& pod) {
    std::string volumes;
    for (const PodVolume& volume : pod.volumes) {
      absl::StrAppend(&volumes, volumes.empty() ? "" : ",", R"({"name":")", volume.name,
                      R"(","persistentVolumeClaim":{"claimName":")", volume.claim_name, "\"}}");
    }
    return absl::StrCat(R"({"metadata":{"namespace":"default","name":")", pod.meta.key.name,
                        R"(","uid":")", pod.meta.uid, R"("},"spec":{"volumes":[)", volumes, "]}}");
  }

  static std::string Args(const Pod& pod, const std::string& names = R"(["n1","n2"])") {
    return absl::StrCat(R"({"Pod":)", PodJson(pod), R"(,"NodeNames":)", names, "}");
  }

  RecordingObserver observer_;
  VerbApi api_{&service, &observer_};
  HttpServer server_;
  int port_ = 0;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(VerbApiTest, FilterTellsNodesWithRoomFromThoseWithout) {
  Begin();
  const ClientResponse response = Post("filter", Args(AddPod(1, 30 * kGiB)));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            R"({"Nodes":null,"NodeNames":["n2"],"FailedNodes":{},)"
            R"("FailedAndUnresolvableNodes":{"n1":"insufficient free PMEM"},"Error":""})");
  EXPECT_EQ(observer_.outcomes(), (std::vector<Outcome>{Outcome::kFit}));
  EXPECT_EQ(observer_.reasons(), (std::vector<Reason>{Reason::kNoRoom, Reason::kFits}));
}

TEST_F(VerbApiTest, APodWithoutClaimsPassesWhateverIsBroken) {
  EXPECT_EQ(Post("filter", Args(MakePod(1, {}))).body,
            R"({"Nodes":null,"NodeNames":["n1","n2"],"FailedNodes":{},)"
            R"("FailedAndUnresolvableNodes":{},"Error":""})");
  EXPECT_EQ(observer_.outcomes(), (std::vector<Outcome>{Outcome::kUnmanaged}));
}

TEST_F(VerbApiTest, WhatCannotBeKnownIsAnErrorOf200ForFilterAnd503ForTheOthers) {
  service.SetLeading(true);
  Sync();
  const Pod pod = AddPod(1, kGiB);
  EXPECT_EQ(Post("filter", Args(pod)).body,
            R"({"Nodes":null,"NodeNames":[],"FailedNodes":{},"FailedAndUnresolvableNodes":{},)"
            R"("Error":"waiting for the agents' first reports"})");
  EXPECT_EQ(observer_.outcomes(), (std::vector<Outcome>{Outcome::kError}));
  for (const std::string verb : {"prioritize", "preempt"}) {
    const ClientResponse response =
        Post(verb, verb == "preempt" ? absl::StrCat(R"({"Pod":)", PodJson(pod),
                                                    R"(,"NodeNameToMetaVictims":{"n1":null}})")
                                     : Args(pod));
    EXPECT_EQ(response.status, 503) << verb;
    EXPECT_EQ(response.headers.at("content-type"), "application/problem+json") << verb;
  }
}

TEST_F(VerbApiTest, PrioritizeLeavesOutHostsThatScoreNothing) {
  Begin();
  EXPECT_EQ(Post("prioritize", Args(AddPod(1, 10 * kGiB))).body, R"([{"Host":"n1","Score":10}])");
}

TEST_F(VerbApiTest, PreemptDropsNodesWithoutRoomAndEchoesVictims) {
  Begin();
  const std::string victims = R"({"Pods":[{"UID":"u1"}],"NumPDBViolations":2})";
  EXPECT_EQ(Post("preempt", absl::StrCat(R"({"Pod":)", PodJson(AddPod(1, 30 * kGiB)),
                                         R"(,"NodeNameToMetaVictims":{"n1":)", victims, R"(,"n2":)",
                                         victims, "}}"))
                .body,
            absl::StrCat(R"({"NodeNameToMetaVictims":{"n2":)", victims, "}}"));
}

TEST_F(VerbApiTest, AClaimThatTheCacheLacksIsRead) {
  Begin();
  live.Hold({MakeClaim(7, 30 * kGiB)});
  const ClientResponse response = Post("filter", Args(MakePod(7, {MakeClaim(7, 30 * kGiB)})));
  EXPECT_EQ(response.body,
            R"({"Nodes":null,"NodeNames":["n2"],"FailedNodes":{},)"
            R"("FailedAndUnresolvableNodes":{"n1":"insufficient free PMEM"},"Error":""})");
  EXPECT_EQ(live.reads(), 1);
}

// More of them than the I/O pool has threads to spare.
TEST_F(VerbApiTest, CallsThatWaitForALiveReadHoldUpNobodyElse) {
  Begin();
  constexpr int kWaiting = 3;
  static_assert(kWaiting > VerbApi::kBlockingCallsHere);
  live.Hold({MakeClaim(7, 30 * kGiB)});
  live.Pause();
  std::vector<std::unique_ptr<Thread>> callers;
  for (int i = 0; i < kWaiting; ++i) {
    callers.push_back(std::make_unique<Thread>("caller", [this] {
      EXPECT_EQ(Post("filter", Args(MakePod(7, {MakeClaim(7, 30 * kGiB)}))).status, 200);
    }));
  }
  live.WaitForReads(kWaiting);
  EXPECT_EQ(Post("filter", Args(MakePod(8, {}))).status, 200);
  live.Resume();
}

// Which of them is answered; waits for it.
size_t FirstAnswered(const std::vector<std::unique_ptr<RawSocket>>& callers) {
  std::vector<pollfd> waited;
  for (const auto& caller : callers) waited.push_back({.fd = caller->fd(), .events = POLLIN});
  ::poll(waited.data(), waited.size(), 10'000);
  const auto answered = std::find_if(waited.begin(), waited.end(),
                                     [](const pollfd& one) { return one.revents != 0; });
  return static_cast<size_t>(answered - waited.begin());
}

TEST_F(VerbApiTest, OfCallsThatWaitSomeAreDecidedManyQueueAndOneMoreIsSentAway) {
  Begin();
  constexpr size_t kAtOnce = VerbApi::kBlockingCallsHere + VerbApi::kBlockingCallsMax;
  live.Hold({MakeClaim(7, kGiB)});
  live.Pause();
  const std::string body = Args(MakePod(7, {MakeClaim(7, kGiB)}));
  std::vector<std::unique_ptr<RawSocket>> callers;
  for (size_t i = 0; i < kAtOnce + VerbApi::kQueuedCallsMax + 1; ++i) {
    callers.push_back(std::make_unique<RawSocket>(port_));
    callers.back()->Send(absl::StrCat(
        "POST /scheduler/filter HTTP/1.1\r\nHost: x\r\n",
        "Content-Type: application/json\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
    // What comes once so many are being decided is queued.
    if (i + 1 == kAtOnce) live.WaitForReads(kAtOnce);
  }
  const size_t away = FirstAnswered(callers);
  EXPECT_EQ(live.reads(), static_cast<int>(kAtOnce));
  live.Resume();
  ASSERT_LT(away, callers.size());
  const std::string refusal = callers[away]->Receive();
  EXPECT_EQ(StatusOf(refusal), "503");
  EXPECT_THAT(BodyOf(refusal), testing::HasSubstr("too many calls wait"));
  callers.erase(callers.begin() + static_cast<std::ptrdiff_t>(away));
  for (const auto& caller : callers) EXPECT_EQ(StatusOf(caller->Receive()), "200");
}

// Whichever of the two is decided first.
TEST_F(VerbApiTest, OfTwoCallsForAPodTheOneThatCameLaterStands) {
  Begin();
  const Pod pod = MakePod(7, {MakeClaim(7, 15 * kGiB)});
  live.Hold({MakeClaim(7, 15 * kGiB)});
  live.Pause();
  std::vector<std::unique_ptr<Thread>> callers;
  for (const char* names : {R"(["n2"])", R"(["n1"])"}) {
    callers.push_back(std::make_unique<Thread>(
        "caller", [this, pod, names] { EXPECT_EQ(Post("filter", Args(pod, names)).status, 200); }));
    live.WaitForReads(static_cast<int>(callers.size()));
  }
  live.Resume();
  callers.clear();
  const auto held = service.Read([&](const Ledger& ledger, absl::Time) {
    return ledger.nodes().ById(ledger.holds().Find(pod.meta.uid)->node_ids.at(0))->name;
  });
  EXPECT_EQ(held, "n1");
}

TEST_F(VerbApiTest, BadBytesAreAProblemAndTheNextRequestWorks) {
  Begin();
  for (const std::string verb : {"filter", "prioritize", "preempt"}) {
    const ClientResponse bad = Post(verb, "{");
    EXPECT_EQ(bad.status, 400) << verb;
    EXPECT_NE(bad.body.find(R"("title":"Not the scheduler extender protocol","status":400)"),
              std::string::npos)
        << bad.body;
  }
  EXPECT_EQ(Post("prioritize", Args(AddPod(1, 10 * kGiB))).status, 200);
}

TEST_F(VerbApiTest, ADecisionIsOneLineForWhoDebugs) {
  Begin();
  const Pod pod = AddPod(1, 30 * kGiB);
  SetLogLevel(LogLevel::kDebug);
  testing::internal::CaptureStderr();
  Post("filter", Args(pod));
  const std::string lines = testing::internal::GetCapturedStderr();
  SetLogLevel(LogLevel::kInfo);
  EXPECT_THAT(lines, testing::HasSubstr(absl::StrCat(
                         R"("kube_namespace":"default","pod":"pod-1","uid":")", pod.meta.uid,
                         R"(","verdicts":"fits=1 no_room=1","named":1,"error":"")")));
}

class VerbApiWithSmallBodies : public testing::TestWithParam<std::string>, public ServiceFixture {};

TEST_P(VerbApiWithSmallBodies, ABodyAboveTheLimitIs413) {
  constexpr int64_t kBytesMax = 1000;
  RecordingObserver observer;
  VerbApi api(&service, &observer);
  HttpServer server;
  api.Register(server, kBytesMax);
  const std::string url = absl::StrCat("http://127.0.0.1:", *server.Start("127.0.0.1:0"));
  const auto client = *HttpClient::Make(url, ClientTls(), absl::Seconds(20));
  const auto status = [&](size_t bytes) {
    ClientRequest request{.method = "POST", .path_and_query = "/scheduler/" + GetParam()};
    request.body = std::string(bytes, ' ');
    request.content_type = "application/json";
    return client->Send(request)->status;
  };
  EXPECT_EQ(status(kBytesMax), 400);
  EXPECT_EQ(status(kBytesMax + 1), 413);
  api.Stop();
  server.Stop();
}

INSTANTIATE_TEST_SUITE_P(Verbs, VerbApiWithSmallBodies,
                         testing::Values("filter", "prioritize", "preempt"),
                         [](const auto& verb) { return verb.param; });

class VerbApiWithoutPatience : public VerbApiTest {
 protected:
  VerbApiWithoutPatience() : VerbApiTest({.hold_wait_max = absl::ZeroDuration()}) {}
};

TEST_F(VerbApiWithoutPatience, RoomThatIsOnlyHeldIsTheRetryableKindOfRefusal) {
  Begin();
  Post("filter", Args(AddPod(1, 30 * kGiB)));
  EXPECT_EQ(Post("filter", Args(AddPod(2, 30 * kGiB))).body,
            R"({"Nodes":null,"NodeNames":[],)"
            R"("FailedNodes":{"n2":"free PMEM is held for other pods for now"},)"
            R"("FailedAndUnresolvableNodes":{"n1":"insufficient free PMEM"},"Error":""})");
  EXPECT_EQ(observer_.outcomes(), (std::vector<Outcome>{Outcome::kFit, Outcome::kNoFit}));
}

class VerbApiWithOneCandidate : public VerbApiTest {
 protected:
  VerbApiWithOneCandidate() : VerbApiTest({.verbs = {.candidates_max = 1}}) {}
};

TEST_F(VerbApiWithOneCandidate, NodesThatFitAndAreNotNamedAreInNoList) {
  Begin();
  EXPECT_EQ(Post("filter", Args(AddPod(1, 10 * kGiB))).body,
            R"({"Nodes":null,"NodeNames":["n1"],"FailedNodes":{},)"
            R"("FailedAndUnresolvableNodes":{},"Error":""})");
}

}  // namespace
}  // namespace pmem::extender
