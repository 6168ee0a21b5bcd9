// SPDX-License-Identifier: Apache-2.0
#include "extender/extender_metrics.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "extender/intake/agent_poller.h"
#include "extender/intake/cluster_watches.h"
#include "extender/intake/event_writer.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/unit/extender/service_testing.h"

namespace pmem::extender {
namespace {

// One of each part, over one fake server; the watches' clock is the fixture's.
class IntakeMetricsTest : public ::testing::Test {
 protected:
  IntakeMetricsTest()
      : client_(std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<FakeHttpClient>(&server_),
                std::make_unique<TokenSource>("", "", &fixture_.clock)),
        watches_(&client_, &fixture_.service, &fixture_.clock),
        capacity_sink_(&fixture_.service),
        capacity_watch_({.kind = "capacities"}, &client_,
                        std::make_unique<TypedKind<Node>>(&capacity_sink_), &fixture_.clock),
        poller_({}, &fixture_.service, &fixture_.clock,
                [](const std::string&) { return absl::InvalidArgumentError("no URL"); }),
        discovery_(AgentDiscovery::Make({.kube_namespace = "pmem"}, std::nullopt, &client_,
                                        &poller_, &fixture_.clock)),
        events_("pmem-extender", &client_, &fixture_.clock),
        metrics_(&fixture_.service) {
    metrics_.AddIntake({&watches_, &capacity_watch_, discovery_.get(), &poller_, &events_});
  }
  ~IntakeMetricsTest() override {
    watches_.Stop();
    discovery_->Stop();
  }

  // Whether `line` is one of the exposition.
  bool Shows(std::string_view line) {
    return absl::StrContains(metrics_.registry().Text(),
                             absl::StrCat("\n", std::string(line), "\n"));
  }

  ServiceFixture fixture_;
  FakeHttpServer server_;
  KubeClient client_;
  ClusterWatches watches_;
  EventObjectSink<Node> capacity_sink_;
  WatchLoop capacity_watch_;
  AgentPoller poller_;
  std::unique_ptr<AgentDiscovery> discovery_;
  EventWriter events_;
  ExtenderMetrics metrics_;
};

TEST_F(IntakeMetricsTest, AWatchThatIsNotStartedIsNotSilent) {
  EXPECT_FALSE(absl::StrContains(metrics_.registry().Text(), "kind=\"nodes\""));
}

TEST_F(IntakeMetricsTest, AServerThatSaysNothingShowsAsSilenceOfEveryWatchThatRuns) {
  watches_.Start();
  discovery_->Start();
  fixture_.clock.Advance(absl::Seconds(90));
  for (const ObjectKind object_kind : kObjectKinds) {
    const std::string kind(ObjectKindName(object_kind));
    EXPECT_TRUE(Shows(absl::StrCat("pmem_extender_watch_silence_seconds{kind=\"", kind, "\"} 90")));
    EXPECT_TRUE(Shows(absl::StrCat("pmem_extender_watch_failures_total{kind=\"", kind, "\"} 0")));
  }
  EXPECT_FALSE(absl::StrContains(metrics_.registry().Text(), "capacities"));
}

TEST_F(IntakeMetricsTest, AnAgentThatCannotBeAskedIsCounted) {
  poller_.OnAgents(
      {{.node = "n1", .url = "nonsense"}, {.node = "n2", .problem = "pod is pending"}});
  poller_.Tick();
  EXPECT_TRUE(Shows("# TYPE pmem_extender_agent_poll_failures_total counter"));
  EXPECT_TRUE(Shows("pmem_extender_agent_poll_failures_total 2"));
}

// It is to have persistent memory, by its label or its claims: nobody says any more how much.
TEST_F(IntakeMetricsTest, ANodeThatLacksItsAgentIsNotLostSightOf) {
  fixture_.Begin();
  const auto count_is = [this](const char* state, int count) {
    return Shows(absl::StrCat("pmem_extender_nodes{state=\"", state, "\"} ", count));
  };
  EXPECT_TRUE(count_is("fresh", 2) && count_is("no_agent", 0));
  Node labelled = ServiceFixture::MakeNode("n3");
  labelled.labels["pmem.csi.alibabacloud.com/type"] = "direct";
  fixture_.Emit(Seen<Node>{labelled});
  Node switched_off = ServiceFixture::MakeNode("n4");
  switched_off.labels = {{"pmem.csi.alibabacloud.com", "lvm"},
                         {"pmem.csi.alibabacloud.com/type", "none"}};
  fixture_.Emit(Seen<Node>{switched_off});
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n2";
  fixture_.Emit(Seen<Claim>{claim});
  Claim lost = MakeClaim(2, kGiB);
  lost.selected_node = "nowhere";
  fixture_.Emit(Seen<Claim>{lost});
  EXPECT_TRUE(count_is("fresh", 2) && count_is("no_agent", 1));
  fixture_.Emit(AgentsListed{{}});
  EXPECT_TRUE(count_is("fresh", 0) && count_is("no_agent", 2)) << "n1 has neither";
}

TEST_F(IntakeMetricsTest, WhatANodeHasLeftIsShownByKindAndOnlyWhileItIsKnown) {
  fixture_.Begin();
  Claim claim = MakeClaim(1, 8 * kGiB);
  claim.selected_node = "n1";
  fixture_.Emit(Seen<Claim>{claim});
  const auto shows = [this](const char* what, int64_t bytes) {
    return absl::StrContains(
        metrics_.registry().Text(),
        absl::StrCat("\npmem_extender_", what, "{kind=\"lvm\",node=\"n1\"} ", bytes, "\n"));
  };
  EXPECT_TRUE(shows("promised_bytes", 8 * kGiB));
  EXPECT_TRUE(shows("free_bytes", 12 * kGiB));
  EXPECT_TRUE(shows("max_volume_bytes", 12 * kGiB));
  EXPECT_FALSE(absl::StrContains(metrics_.registry().Text(), "kind=\"direct\""));
  PoolReport unknown = MakeLvmPool(20 * kGiB);
  unknown.state = PoolState::kUnknown;
  fixture_.Emit(MakeReport("n1", 2, {unknown}));
  EXPECT_TRUE(shows("promised_bytes", 8 * kGiB));
  for (const char* const what : {"free_bytes", "max_volume_bytes"}) {
    const std::string of_n1 = absl::StrCat(what, "{kind=\"lvm\",node=\"n1\"}");
    EXPECT_FALSE(absl::StrContains(metrics_.registry().Text(), of_n1)) << what;
  }
  fixture_.Emit(MakeReport("n1", 3, {MakeLvmPool(20 * kGiB)}));
  EXPECT_TRUE(shows("free_bytes", 12 * kGiB));
  fixture_.clock.Advance(absl::Minutes(2));
  EXPECT_TRUE(shows("promised_bytes", 8 * kGiB));
  EXPECT_FALSE(absl::StrContains(metrics_.registry().Text(), "pmem_extender_free_bytes{"));
}

TEST_F(IntakeMetricsTest, EveryRefusalOfAVerbIsCounted) {
  for (const int code : {400, 405, 408, 413, 500, 503}) {
    metrics_.OnExchange({.route = "/scheduler/filter", .status = code});
    EXPECT_TRUE(Shows(absl::StrCat("pmem_extender_verb_refusals_total{code=\"", code, "\"} 1")));
  }
}

TEST_F(IntakeMetricsTest, EventsAreCountedByWhatBecameOfThem) {
  const auto post = [this](int i) {
    events_.Post({.claim_uid = absl::StrCat("c", i), .reason = "PinCannotWork"});
  };
  for (int i = 0; i <= static_cast<int>(kClaimEventQueueMax); ++i) post(i);
  EXPECT_TRUE(Shows("pmem_extender_claim_events_total{result=\"dropped\"} 1"));
  EXPECT_TRUE(Shows("pmem_extender_claim_events_total{result=\"refused\"} 0"));
  EXPECT_TRUE(Shows("pmem_extender_claim_events_total{result=\"written\"} 0"));
}

}  // namespace
}  // namespace pmem::extender
