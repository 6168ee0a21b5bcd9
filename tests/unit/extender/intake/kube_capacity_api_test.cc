// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_capacity_api.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"

namespace pmem::extender {
namespace {

class KubeCapacityApiTest : public ::testing::Test {
 protected:
  KubeCapacityApiTest()
      : token_path_(absl::StrCat(::testing::TempDir(), "kube_capacity_api_token-", ::getpid())),
        client_(std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<TokenSource>("", token_path_, &clock_)) {
    std::ofstream(token_path_, std::ios::trunc) << "one";
  }
  ~KubeCapacityApiTest() override { std::remove(token_path_.c_str()); }

  absl::StatusCode WriteAnswered(const absl::StatusOr<ClientResponse>& answer) {
    server_.OnSend([answer](const ClientRequest&) { return answer; });
    return Write();
  }
  absl::StatusCode Write() {
    return api_.Write({.kind = CapacityChange::Kind::kReplace, .name = "a"}).status().code();
  }

  FakeClock clock_;
  FakeHttpServer server_;
  const std::string token_path_;
  KubeClient client_;
  KubeCapacityApi api_{&client_, "pmem-system"};
};

TEST_F(KubeCapacityApiTest, WhatIsRefusedIsToldFromAServerThatIsNotItself) {
  const auto answered = [this](int code) {
    return WriteAnswered(
        ClientResponse{.status = code, .body = R"({"kind":"Status","reason":"Why"})"});
  };
  EXPECT_EQ(answered(403), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(answered(404), absl::StatusCode::kNotFound);
  EXPECT_EQ(answered(409), absl::StatusCode::kAborted);
  EXPECT_EQ(answered(422), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(answered(429), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(answered(500), absl::StatusCode::kUnavailable);
}

TEST_F(KubeCapacityApiTest, WithoutAnAnswerTheServerIsUnavailable) {
  EXPECT_EQ(WriteAnswered(absl::DeadlineExceededError("silent")), absl::StatusCode::kUnavailable);
  EXPECT_EQ(WriteAnswered(absl::InvalidArgumentError("no HTTP")), absl::StatusCode::kUnavailable);
}

TEST_F(KubeCapacityApiTest, ATokenThatIsNotThereIsNoObjectThatIsGone) {
  std::remove(token_path_.c_str());
  EXPECT_EQ(Write(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::IsUnavailable(api_.Get("a").status()));
}

}  // namespace
}  // namespace pmem::extender
