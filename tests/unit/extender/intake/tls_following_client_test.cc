// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/tls_following_client.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_http_client.h"

namespace pmem::extender {
namespace {

// Servers by the authority with which they are believed; each answers with it. The file holds
// `ca_`.
class TlsFollowingClientTest : public testing::Test {
 protected:
  TlsFollowingClientTest() {
    for (const std::string ca : {"old", "new"}) {
      servers_[ca].OnSend([ca](const ClientRequest&) -> absl::StatusOr<ClientResponse> {
        return ClientResponse{.status = 200, .body = ca};
      });
    }
    client_ = *TlsFollowingClient::Make(
        {.ca_pem = "old"}, [this] { return Load(); }, Factory(), &clock_);
  }

  absl::StatusOr<ClientTls> Load() {
    ++loads_;
    if (ca_.empty()) return absl::NotFoundError("ca.crt");
    return ClientTls{.ca_pem = ca_};
  }

  TlsFollowingClient::Factory Factory() {
    return [this](const ClientTls& tls) -> absl::StatusOr<std::unique_ptr<HttpClient>> {
      if (tls.ca_pem == "nonsense") return absl::InvalidArgumentError("not PEM");
      return std::make_unique<FakeHttpClient>(&servers_[tls.ca_pem]);
    };
  }

  std::string Ask() {
    const auto response = client_->Send({});
    return response.ok() ? response->body : std::string(response.status().message());
  }

  FakeClock clock_;
  std::map<std::string, FakeHttpServer> servers_;
  std::string ca_ = "old";
  int loads_ = 0;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(TlsFollowingClientTest, AChangedFileIsFollowedWithinThePeriod) {
  ca_ = "new";
  clock_.Advance(kTlsReadPeriod - absl::Milliseconds(1));
  EXPECT_EQ(Ask(), "old");
  EXPECT_EQ(loads_, 0);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Ask(), "new");
  EXPECT_EQ(Ask(), "new");
  EXPECT_EQ(loads_, 1);
}

TEST_F(TlsFollowingClientTest, AFailedCallMakesItLookSooner) {
  servers_["old"].OnSend([](const ClientRequest&) -> absl::StatusOr<ClientResponse> {
    return absl::UnavailableError("certificate verify failed");
  });
  ca_ = "new";
  clock_.Advance(kTlsReadSpacing);
  EXPECT_EQ(Ask(), "certificate verify failed");
  EXPECT_EQ(Ask(), "new");
}

TEST_F(TlsFollowingClientTest, AFailedCallThatNobodyBlocksForDoesToo) {
  absl::Status status;
  client_->SendAsync({}, [&](const absl::StatusOr<ClientResponse>& r) { status = r.status(); });
  ca_ = "new";
  clock_.Advance(kTlsReadSpacing);
  EXPECT_TRUE(servers_["old"].Answer(absl::UnavailableError("certificate verify failed")));
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(Ask(), "new");
}

TEST_F(TlsFollowingClientTest, FailuresDoNotReadTheFileOverAndOver) {
  servers_["old"].OnSend([](const ClientRequest&) -> absl::StatusOr<ClientResponse> {
    return absl::UnavailableError("connection refused");
  });
  for (int i = 0; i < 10; ++i) Ask();
  EXPECT_EQ(loads_, 0);
  clock_.Advance(kTlsReadSpacing);
  for (int i = 0; i < 10; ++i) Ask();
  EXPECT_EQ(loads_, 1);
}

TEST_F(TlsFollowingClientTest, WhatCannotBeReadOrUsedChangesNothing) {
  for (const std::string ca : {"", "nonsense", "old"}) {
    ca_ = ca;
    clock_.Advance(kTlsReadPeriod);
    EXPECT_EQ(Ask(), "old") << ca;
  }
  EXPECT_EQ(loads_, 3);
}

TEST_F(TlsFollowingClientTest, StreamsFollowToo) {
  ca_ = "new";
  clock_.Advance(kTlsReadPeriod);
  servers_["new"].AddStream({.lines = {"line"}});
  std::string seen;
  ClientResponse refusal;
  const StopFlag stop;
  const auto on_block = [&seen](std::string_view block) {
    seen = block;
    return absl::OkStatus();
  };
  EXPECT_EQ(client_->Stream({}, on_block, stop, &refusal), absl::OkStatus());
  EXPECT_EQ(seen, "line\n");
}

TEST_F(TlsFollowingClientTest, ABadFirstConfigurationIsRefused) {
  EXPECT_EQ(TlsFollowingClient::Make(
                {.ca_pem = "nonsense"}, [this] { return Load(); }, Factory(), &clock_)
                .status(),
            absl::InvalidArgumentError("not PEM"));
}

}  // namespace
}  // namespace pmem::extender
