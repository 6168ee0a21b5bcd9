// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_client.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"

namespace pmem::extender {
namespace {

void Write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::trunc) << text;
}

class KubeClientTest : public ::testing::Test {
 protected:
  KubeClientTest()
      : token_path_(::testing::TempDir() + "kube_client_token-" + std::to_string(::getpid())) {
    Write(token_path_, "one\n");
    auto tokens = std::make_unique<TokenSource>("", token_path_, &clock_);
    client_ =
        std::make_unique<KubeClient>(std::make_unique<FakeHttpClient>(&server_),
                                     std::make_unique<FakeHttpClient>(&server_), std::move(tokens));
    // Only the bearer of "two" is let in.
    server_.OnSend([](const ClientRequest& request) -> absl::StatusOr<ClientResponse> {
      const bool is_known = request.headers.at("Authorization") == "Bearer two";
      return ClientResponse{.status = is_known ? 200 : 401, .body = "{}"};
    });
  }
  ~KubeClientTest() override { std::remove(token_path_.c_str()); }

  std::vector<std::string> Bearers(size_t count) {
    std::vector<std::string> result;
    for (const ClientRequest& request : server_.WaitForRequests(count)) {
      result.push_back(request.headers.at("Authorization"));
    }
    return result;
  }

  FakeClock clock_;
  FakeHttpServer server_;
  const std::string token_path_;
  std::unique_ptr<KubeClient> client_;
};

TEST_F(KubeClientTest, TheTokenFileIsReadAgainAfterAWhileOnly) {
  EXPECT_EQ(client_->Get("/x")->code, 401);
  Write(token_path_, "two");
  server_.OnSend([](const ClientRequest&) -> absl::StatusOr<ClientResponse> {
    return ClientResponse{.status = 200};
  });
  client_->Get("/x").IgnoreError();
  clock_.Advance(kTokenReadPeriod - absl::Seconds(1));
  client_->Get("/x").IgnoreError();
  clock_.Advance(absl::Seconds(1));
  client_->Get("/x").IgnoreError();
  const std::string one = "Bearer one";  // The first call asks twice: it was refused.
  EXPECT_EQ(Bearers(5), (std::vector<std::string>{one, one, one, one, "Bearer two"}));
}

TEST_F(KubeClientTest, AFileThatIsTooLongForATokenIsNotSent) {
  Write(token_path_, std::string(kTokenBytesMax + 1, 'x'));
  EXPECT_FALSE(client_->Get("/x").ok());
  Write(token_path_, std::string(kTokenBytesMax, 'x'));
  EXPECT_EQ(client_->Get("/x")->code, 401);
}

TEST_F(KubeClientTest, A401ReadsTheTokenAtOnceAndAsksOnceMore) {
  EXPECT_EQ(client_->Get("/x")->code, 401) << "still the old token: no endless retry";
  Write(token_path_, "two");
  EXPECT_EQ(client_->Get("/x")->code, 200);
  EXPECT_EQ(Bearers(4),
            (std::vector<std::string>{"Bearer one", "Bearer one", "Bearer one", "Bearer two"}));
}

// A pin must have been written by its deadline or never: a second attempt would have its own.
TEST_F(KubeClientTest, APatchIsSentOnceAndTheNextOneHasTheNewToken) {
  client_->Get("/x").IgnoreError();  // Has read the first token.
  Write(token_path_, "two");
  EXPECT_EQ(client_->Patch("/x", "[]", kJsonPatch)->code, 401);
  EXPECT_EQ(client_->Patch("/x", "[]", kJsonPatch)->code, 200);
  const std::string one = "Bearer one";
  EXPECT_EQ(Bearers(4), (std::vector<std::string>{one, one, one, "Bearer two"}));
}

TEST_F(KubeClientTest, AWatchIsAskedForOnceMoreAfterA401Too) {
  client_->Get("/x").IgnoreError();
  Write(token_path_, "two");
  FakeStream refused;
  refused.refusal.status = 401;
  server_.AddStream(refused);
  server_.AddStream({.lines = {"line"}});
  std::vector<std::string> lines;
  const StopFlag stop;
  ApiFailure refusal;
  const absl::Status status = client_->Watch(
      "/x?watch=true",
      [&lines](std::string_view line) {
        lines.emplace_back(line);
        return absl::OkStatus();
      },
      stop, &refusal);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(refusal, ApiFailure());
  EXPECT_EQ(lines, std::vector<std::string>{"line"});
}

TEST_F(KubeClientTest, AWatchThatEndsWithinALineIsUnavailable) {
  server_.AddStream({.lines = {"whole", "half"}, .is_cut = true});
  std::vector<std::string> lines;
  const StopFlag stop;
  ApiFailure refusal;
  const auto on_line = [&lines](std::string_view line) {
    lines.emplace_back(line);
    return absl::OkStatus();
  };
  EXPECT_TRUE(absl::IsUnavailable(client_->Watch("/x", on_line, stop, &refusal)));
  EXPECT_EQ(lines, std::vector<std::string>{"whole"});
}

TEST_F(KubeClientTest, AListIsReadItemByItem) {
  server_.AddStream({.lines = {R"({"metadata":{},)", R"("items":[{"a":1},)", R"({"b":2}]})"}});
  server_.AddStream(
      {.refusal = {.status = 403, .body = R"({"kind":"Status","reason":"Forbidden"})"}});
  server_.AddStream({.lines = {R"({"items":[{"a":1})"}});
  std::vector<std::string> items;
  const StopFlag stop;
  std::string frame;
  ApiFailure refusal;
  const auto read = [&] {
    return client_->ReadList(
        "/x",
        [&items](std::string_view item) {
          items.emplace_back(item);
          return absl::OkStatus();
        },
        stop, &frame, &refusal);
  };
  EXPECT_EQ(read(), absl::OkStatus());
  EXPECT_EQ(items, (std::vector<std::string>{R"({"a":1})", R"({"b":2})"}));
  EXPECT_EQ(frame, "{\"metadata\":{},\n\"items\":[]}");
  EXPECT_EQ(refusal, ApiFailure());
  EXPECT_EQ(read(), absl::OkStatus());
  EXPECT_EQ(refusal.reason, "Forbidden");
  EXPECT_TRUE(absl::IsInvalidArgument(read())) << "it was cut short";
}

TEST_F(KubeClientTest, ATokenThatCannotBeReadAnyMoreGoesOnBeingUsed) {
  client_->Get("/x").IgnoreError();
  std::remove(token_path_.c_str());
  clock_.Advance(kTokenReadPeriod);
  EXPECT_EQ(client_->Get("/x")->code, 401);
  EXPECT_EQ(Bearers(3).back(), "Bearer one");
}

TEST_F(KubeClientTest, ATokenThatNeverCouldBeReadIsAnError) {
  std::remove(token_path_.c_str());
  EXPECT_EQ(client_->Get("/x").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(KubeClientTest, ARefusalIsAnAnswerWithTheServersWords) {
  server_.OnSend([](const ClientRequest& request) -> absl::StatusOr<ClientResponse> {
    EXPECT_EQ(request.method, "PATCH");
    EXPECT_EQ(request.content_type, kJsonPatch);
    return ClientResponse{
        .status = 422,
        .body = R"({"kind":"Status","code":422,"reason":"Invalid","message":"no"})",
        .headers = {{"retry-after", "3"}}};
  });
  const absl::StatusOr<ApiAnswer> answer = client_->Patch("/x", "[]", kJsonPatch);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(answer->is_ok());
  EXPECT_EQ(
      answer->failure,
      (ApiFailure{
          .code = 422, .reason = "Invalid", .message = "no", .retry_after = absl::Seconds(3)}));
  EXPECT_EQ(answer->ToStatus(),
            absl::FailedPreconditionError("the API server answered 422 Invalid: no"));
}

TEST_F(KubeClientTest, EveryVerbSendsItsMethodAndBody) {
  server_.OnSend([](const ClientRequest& request) -> absl::StatusOr<ClientResponse> {
    return ClientResponse{.status = 200, .body = request.method + " " + request.body};
  });
  EXPECT_EQ(client_->Get("/x")->body, "GET ");
  EXPECT_EQ(client_->Create("/x", "a")->body, "POST a");
  EXPECT_EQ(client_->Put("/x", "b")->body, "PUT b");
  EXPECT_EQ(client_->Delete("/x")->body, "DELETE ");
}

TEST(ApiAnswer, EveryRefusalHasItsCode) {
  const auto code = [](int http_status) {
    return ApiAnswer{.code = http_status, .failure = {.reason = "Why"}}.ToStatus().code();
  };
  EXPECT_EQ(code(201), absl::StatusCode::kOk);
  EXPECT_EQ(code(400), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(403), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(404), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(409), absl::StatusCode::kAborted);
  EXPECT_EQ(code(410), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(418), absl::StatusCode::kUnknown);
  EXPECT_EQ(code(429), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(503), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ApiAnswer{.code = 404}.ToStatus().code(), absl::StatusCode::kUnknown)
      << "a proxy's page";
}

TEST(ApiPath, PartsAreEncoded) {
  EXPECT_EQ(ApiPath(kNodesResource), "/api/v1/nodes");
  EXPECT_EQ(ApiPath(kNodesResource, "", "n1"), "/api/v1/nodes/n1");
  EXPECT_EQ(ApiPath(kClaimsResource, "x", "data-0"),
            "/api/v1/namespaces/x/persistentvolumeclaims/data-0");
  EXPECT_EQ(ApiPath(kStorageClassesResource, "", "a/b?c%"),
            "/apis/storage.k8s.io/v1/storageclasses/a%2Fb%3Fc%25");
}

}  // namespace
}  // namespace pmem::extender
