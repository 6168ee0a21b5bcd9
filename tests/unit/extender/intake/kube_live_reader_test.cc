// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_live_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/io/periodic_task.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"

namespace pmem::extender {
namespace {

ClientResponse ClaimNamed(const std::string& name) {
  return {.status = 200,
          .body = absl::StrCat(R"({"metadata":{"namespace":"default","name":")", name,
                               R"(","uid":"uid-)", name, R"(","resourceVersion":"7"},)",
                               R"("spec":{"resources":{"requests":{"storage":"1Gi"}}}})")};
}

ClientResponse Gone() {
  return {.status = 404, .body = R"({"kind":"Status","reason":"NotFound"})"};
}

// Answers each request on the spot.
class PromptClient final : public HttpClient {
 public:
  using Answer = std::function<absl::StatusOr<ClientResponse>(const ClientRequest&)>;

  explicit PromptClient(Answer answer) : answer_(std::move(answer)) {}
  absl::StatusOr<ClientResponse> Send(const ClientRequest& request) override {
    return answer_(request);
  }
  void SendAsync(const ClientRequest& request, Done done) override { done(answer_(request)); }
  absl::Status Stream(const ClientRequest&, const OnBlock&, const StopFlag&,
                      ClientResponse*) override {
    return absl::UnimplementedError("not in this test");
  }

 private:
  const Answer answer_;
};

class KubeLiveReaderTest : public ::testing::Test {
 protected:
  KubeLiveReaderTest()
      : token_path_(absl::StrCat(::testing::TempDir(), "kube_live_reader_token-", ::getpid())),
        client_(std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<TokenSource>("", token_path_, &clock_)) {
    std::ofstream(token_path_, std::ios::trunc) << "one";
  }
  ~KubeLiveReaderTest() override { std::remove(token_path_.c_str()); }

  // Reads on a thread of its own, as the answers come from the test's.
  void Read(const std::vector<std::string>& claims, const std::vector<std::string>& classes) {
    std::vector<ObjectKey> keys;
    for (const std::string& name : claims) keys.push_back({"default", name});
    thread_ = std::make_unique<Thread>(
        "read", [this, keys, classes] { result_ = reader_.Read(keys, classes, kTime); });
  }
  absl::StatusOr<LiveObjects> Result() {
    thread_.reset();
    return *std::move(result_);
  }

  // Of so many claims, from a server that answers so.
  absl::Status ReadFrom(const PromptClient::Answer& answer, size_t claims) {
    KubeClient client(std::make_unique<PromptClient>(answer),
                      std::make_unique<PromptClient>(answer),
                      std::make_unique<TokenSource>("", "", &clock_));
    std::vector<ObjectKey> keys;
    for (size_t i = 0; i < claims; ++i) keys.push_back({"default", absl::StrCat("c", i)});
    return KubeLiveReader(&client, &clock_).Read(keys, {}, kTime).status();
  }

  static constexpr absl::Duration kTime = LiveReader::kTimeMax;
  FakeClock clock_;
  FakeHttpServer server_;
  const std::string token_path_;
  KubeClient client_;
  KubeLiveReader reader_{&client_, &clock_};
  std::optional<absl::StatusOr<LiveObjects>> result_;
  std::unique_ptr<Thread> thread_;
};

TEST_F(KubeLiveReaderTest, AsksForAllAtOnceAndKeepsTheirOrder) {
  Read({"a", "b"}, {"gone"});
  EXPECT_EQ(server_.WaitForRequests(3).size(), 3U) << "before any is answered";
  const std::string claims = "/api/v1/namespaces/default/persistentvolumeclaims/";
  EXPECT_TRUE(server_.Answer(Gone(), "/apis/storage.k8s.io"));
  EXPECT_TRUE(server_.Answer(ClaimNamed("b"), claims + "b"));
  EXPECT_TRUE(server_.Answer(ClaimNamed("a"), claims + "a"));
  const absl::StatusOr<LiveObjects> live = Result();
  ASSERT_TRUE(live.ok()) << live.status();
  ASSERT_EQ(live->claims.size(), 2U);
  EXPECT_EQ(live->claims[0].meta.uid, "uid-a");
  EXPECT_EQ(live->claims[1].meta.uid, "uid-b");
  EXPECT_EQ(live->absent_classes, std::vector<std::string>{"gone"});
}

TEST_F(KubeLiveReaderTest, AClaimThatIsGoneIsNoErrorAndAnAnswerThatIsMissingIsOne) {
  Read({"gone", "slow"}, {});
  EXPECT_TRUE(server_.Answer(Gone()));
  EXPECT_TRUE(server_.Answer(absl::DeadlineExceededError("silence")));
  const absl::StatusOr<LiveObjects> live = Result();
  EXPECT_TRUE(absl::IsDeadlineExceeded(live.status())) << live.status();
  EXPECT_EQ(live.status().message(), "claim slow: silence");
}

TEST_F(KubeLiveReaderTest, NoMoreThanAFewRequestsAreUnderWayTogether) {
  std::vector<std::string> names;
  for (size_t i = 0; i <= KubeLiveReader::kTogetherMax; ++i) names.push_back(absl::StrCat("c", i));
  Read(names, {});
  server_.WaitForRequests(KubeLiveReader::kTogetherMax);
  EXPECT_EQ(server_.pending(), KubeLiveReader::kTogetherMax);
  for (const std::string& name : names) EXPECT_TRUE(server_.Answer(ClaimNamed(name)));
  EXPECT_EQ(Result()->claims.size(), names.size());
}

TEST_F(KubeLiveReaderTest, AllRequestsTogetherHaveTheTimeThatIsGiven) {
  constexpr size_t kTogether = KubeLiveReader::kTogetherMax;
  constexpr absl::Duration kEach = absl::Milliseconds(100);
  std::vector<absl::Duration> deadlines;
  const auto slow = [&](const ClientRequest& request) {
    deadlines.push_back(request.deadline);
    clock_.Advance(kEach);
    return Gone();
  };
  const absl::Status status = ReadFrom(slow, 2 * kTogether + 1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_EQ(status.message(), "claim c16: no time was left to ask for it");
  ASSERT_EQ(deadlines.size(), 2 * kTogether);
  EXPECT_EQ(deadlines.front(), kTime);
  EXPECT_EQ(deadlines.back(), kTime - kTogether * kEach);
}

TEST_F(KubeLiveReaderTest, OfAServerThatIsSilentNoMoreIsAsked) {
  size_t requests = 0;
  const auto silent = [&](const ClientRequest&) {
    ++requests;
    return absl::DeadlineExceededError("silence");
  };
  EXPECT_TRUE(absl::IsDeadlineExceeded(ReadFrom(silent, KubeLiveReader::kObjectsMax)));
  EXPECT_EQ(requests, KubeLiveReader::kTogetherMax);
}

TEST_F(KubeLiveReaderTest, ATokenThatIsNotThereIsNoClaimThatIsGone) {
  std::remove(token_path_.c_str());
  EXPECT_TRUE(absl::IsUnavailable(reader_.Read({{"default", "a"}}, {}, kTime).status()));
}

TEST_F(KubeLiveReaderTest, APodThatNeedsTooManyIsRefused) {
  const std::vector<ObjectKey> keys(KubeLiveReader::kObjectsMax + 1);
  EXPECT_TRUE(absl::IsOutOfRange(reader_.Read(keys, {}, kTime).status()));
  EXPECT_EQ(server_.pending(), 0U);
}

TEST_F(KubeLiveReaderTest, ATokenThatIsRefusedIsReadAnewAndTheClaimToo) {
  server_.OnSend([](const ClientRequest& request) -> absl::StatusOr<ClientResponse> {
    EXPECT_EQ(request.headers.at("Authorization"), "Bearer two");
    return ClaimNamed("a");
  });
  Read({"a"}, {});
  server_.WaitForRequests(1);
  std::ofstream(token_path_, std::ios::trunc) << "two";
  EXPECT_TRUE(server_.Answer(ClientResponse{.status = 401}));
  EXPECT_EQ(Result()->claims.size(), 1U);
}

}  // namespace
}  // namespace pmem::extender
