// SPDX-License-Identifier: Apache-2.0
#include "extender/status_api.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/io/http_client.h"
#include "tests/unit/extender/service_testing.h"

namespace pmem::extender {
namespace {

class StatusApiTest : public testing::Test, public ServiceFixture {
 protected:
  StatusApiTest() {
    api_.Register(server_);
    const std::string url = absl::StrCat("http://127.0.0.1:", *server_.Start("127.0.0.1:0"));
    client_ = *HttpClient::Make(url, ClientTls(), absl::Seconds(20));
  }
  ~StatusApiTest() override { server_.Stop(); }

  // "<status> <body>"
  std::string Get(const std::string& path) {
    const auto response = client_->Send({.path_and_query = path});
    EXPECT_EQ(response.status(), absl::OkStatus());
    return response.ok() ? absl::StrCat(response->status, " ", response->body) : "";
  }

  Metrics metrics_{"pmem_extender", "1.2.3"};
  StatusApi api_{&service, &metrics_, &clock};
  HttpServer server_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(StatusApiTest, ReadyzSaysWhatIsMissingUntilNothingIs) {
  EXPECT_EQ(Get("/readyz").substr(0, 45), R"(503 {"ready":false,"synced":false,"leading":f)");
  service.SetLeading(true);
  Sync();
  EXPECT_EQ(Get("/readyz"),
            R"(503 {"ready":false,"synced":true,"leading":true,"unsynced":[],"awaited":[],)"
            R"("agents_silent":["n1","n2"]})");
  Report();
  EXPECT_EQ(
      Get("/readyz"),
      R"(200 {"ready":true,"synced":true,"leading":true,"unsynced":[],"awaited":[],"agents_silent":[]})");
}

TEST_F(StatusApiTest, AFollowerInStepIsReady) {
  Sync();
  Report();
  EXPECT_EQ(
      Get("/readyz"),
      R"(200 {"ready":false,"synced":true,"leading":false,"unsynced":[],"awaited":[],"agents_silent":[]})");
}

TEST_F(StatusApiTest, LivezFailsWhenTheTimerIsStuckAndRecoversWithIt) {
  EXPECT_EQ(Get("/livez"), "200 ok\n");
  clock.Advance(StatusApi::kTickAgeMax + absl::Seconds(1));
  EXPECT_EQ(Get("/livez"), R"(503 {"type":"about:blank","title":"Stuck","status":503,)"
                           R"("detail":"the timer last ran 31s ago"})");
  api_.OnTick();
  EXPECT_EQ(Get("/livez"), "200 ok\n");
}

TEST_F(StatusApiTest, MetricsAreTheTextOfTheRegistry) {
  metrics_.AddCounter("things_total", "Things").Increment(3);
  const std::string text = Get("/metrics");
  EXPECT_NE(text.find("\npmem_extender_things_total 3\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace pmem::extender
