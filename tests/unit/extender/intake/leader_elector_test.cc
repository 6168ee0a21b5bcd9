// SPDX-License-Identifier: Apache-2.0
#include "extender/intake/leader_elector.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/support/wait_until.h"

namespace pmem::extender {
namespace {

// The API server's one Lease, with the checks that count.
class LeaseServer {
 public:
  LeaseServer() {
    http_.OnSend([this](const ClientRequest& request) { return Answer(request); });
  }
  FakeHttpServer* http() { return &http_; }
  void CutOff(bool is_cut_off) {
    MutexLock lock(&mu_);
    is_cut_off_ = is_cut_off;
  }
  std::optional<LeaseRecord> lease() {
    MutexLock lock(&mu_);
    return lease_;
  }

 private:
  absl::StatusOr<ClientResponse> Answer(const ClientRequest& request) {
    MutexLock lock(&mu_);
    if (is_cut_off_) return absl::UnavailableError("cut off");
    if (request.method == "GET" && !lease_.has_value()) {
      return ClientResponse{.status = 404, .body = R"({"kind":"Status","reason":"NotFound"})"};
    }
    if (request.method != "GET") {
      LeaseRecord record = *ParseLease(request.body);
      const std::string expected = lease_.has_value() ? lease_->resource_version : "";
      if (record.resource_version != expected) return ClientResponse{.status = 409};
      record.resource_version = absl::StrCat(++version_);
      lease_ = record;
    }
    return ClientResponse{.status = 200, .body = LeaseJson("pmem", "extender", *lease_)};
  }

  FakeHttpServer http_;
  Mutex mu_;
  std::optional<LeaseRecord> lease_ ABSL_GUARDED_BY(mu_);
  int version_ ABSL_GUARDED_BY(mu_) = 0;
  bool is_cut_off_ ABSL_GUARDED_BY(mu_) = false;
};

// One replica; tests wait for its changes.
class Replica {
 public:
  Replica(std::string identity, LeaseServer* server)
      : client_(std::make_unique<FakeHttpClient>(server->http()),
                std::make_unique<FakeHttpClient>(server->http()),
                std::make_unique<TokenSource>("", "", &clock_)),
        elector_({.kube_namespace = "pmem",
                  .lease_name = "extender",
                  .timing = {.identity = std::move(identity),
                             .lease_duration = absl::Seconds(1),
                             .renew_deadline = absl::Milliseconds(500),
                             .retry_period = absl::Milliseconds(20)}},
                 &client_, &clock_, [this](bool is_leader) { Note(is_leader); }) {
    elector_.Start();
  }
  LeaderElector& elector() { return elector_; }
  std::vector<bool> WaitForChanges(size_t count) {
    MutexLock lock(&mu_);
    WaitUntil("it changed so often", &mu_, &changed_,
              [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return changes_.size() >= count; });
    return changes_;
  }

 private:
  void Note(bool is_leader) {
    MutexLock lock(&mu_);
    changes_.push_back(is_leader);
    changed_.SignalAll();
  }

  RealClock clock_;
  Mutex mu_;
  CondVar changed_;
  std::vector<bool> changes_ ABSL_GUARDED_BY(mu_);
  KubeClient client_;
  LeaderElector elector_;
};

TEST(LeaderElector, TheFirstLeadsAndHandsOverWhenItStops) {
  LeaseServer server;
  Replica a("a", &server);
  EXPECT_EQ(a.WaitForChanges(1), std::vector<bool>{true});
  EXPECT_TRUE(a.elector().IsLeader());
  Replica b("b", &server);
  a.elector().Stop();
  EXPECT_EQ(a.WaitForChanges(2), (std::vector<bool>{true, false}));
  EXPECT_FALSE(a.elector().IsLeader());
  EXPECT_EQ(b.WaitForChanges(1), std::vector<bool>{true});
  EXPECT_EQ(server.lease()->holder, "b");
  EXPECT_EQ(server.lease()->transitions, 1);
}

TEST(LeaderElector, ALeaderThatIsCutOffCeasesAndComesBack) {
  LeaseServer server;
  Replica a("a", &server);
  a.WaitForChanges(1);
  server.CutOff(true);
  EXPECT_EQ(a.WaitForChanges(2), (std::vector<bool>{true, false}));
  EXPECT_FALSE(a.elector().IsLeader());
  EXPECT_GE(a.elector().failures(), 1);
  server.CutOff(false);
  EXPECT_EQ(a.WaitForChanges(3), (std::vector<bool>{true, false, true}));
}

TEST(LeaderElector, ARequestOfTheLeaderNeverOutlastsItsLead) {
  LeaseServer server;
  Replica a("a", &server);
  for (const ClientRequest& request : server.http()->WaitForRequests(10)) {
    EXPECT_LE(request.deadline, absl::Milliseconds(500));
  }
}

}  // namespace
}  // namespace pmem::extender
