// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/kube_placement_api.h"

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

class KubePlacementApiTest : public ::testing::Test {
 protected:
  KubePlacementApiTest()
      : token_path_(absl::StrCat(::testing::TempDir(), "kube_placement_api_token-", ::getpid())),
        client_(std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<TokenSource>("", token_path_, &clock_)) {
    std::ofstream(token_path_, std::ios::trunc) << "one";
  }
  ~KubePlacementApiTest() override { std::remove(token_path_.c_str()); }

  absl::StatusOr<bool> HasNode(const absl::StatusOr<ClientResponse>& answer) {
    server_.OnSend([answer](const ClientRequest&) { return answer; });
    return api_.HasNode("n1", absl::Seconds(10));
  }

  FakeClock clock_;
  FakeHttpServer server_;
  const std::string token_path_;
  KubeClient client_;
  KubePlacementApi api_{&client_, nullptr, "pmem-system"};
};

// Only the API server's own word is one.
TEST_F(KubePlacementApiTest, ANodeIsGoneWhenTheApiServerSaysSo) {
  EXPECT_TRUE(*HasNode(ClientResponse{.status = 200, .body = "{}"}));
  EXPECT_FALSE(*HasNode(ClientResponse{.status = 404}));
  EXPECT_FALSE(HasNode(ClientResponse{.status = 503}).ok());
  EXPECT_FALSE(HasNode(absl::DeadlineExceededError("silent")).ok());
}

}  // namespace
}  // namespace pmem::extender
