// SPDX-License-Identifier: Apache-2.0
#include "extender/ledger_service.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/fakes/fake_clock.h"
#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

using Patience = LedgerService::Patience;

class NoLiveReader final : public LiveReader {
 public:
  absl::StatusOr<LiveObjects> Read(const std::vector<ObjectKey>&,
                                   const std::vector<std::string>&) override {
    return absl::UnavailableError("not in this test");
  }
};

// Synced, with node n1 and a pod that fits there. It was told that it leads; whether it still does
// is asked of the test, question by question.
class LeadingTest : public testing::Test {
 protected:
  LeadingTest() {
    service_.SetLeaderCheck([this] { return asked_++ < leads_for_; });
    service_.Emit(Relisted<Node>{});
    service_.Emit(Relisted<PersistentVolume>{});
    service_.Emit(Relisted<StorageClass>{{MakeClass("pmem-lvm")}});
    service_.Emit(Relisted<Claim>{{MakeClaim(1, kGiB)}});
    service_.Emit(Relisted<Pod>{{pod_}});
    service_.Emit(AgentsListed{{"n1"}});
    service_.Emit(MakeReport("n1", 1, {MakeLvmPool(4 * kGiB)}));
    service_.SetLeading(true);
  }

  // Leads for the next `questions` questions only.
  void LeadFor(int questions) {
    asked_ = 0;
    leads_for_ = questions;
  }

  const std::vector<std::string_view> nodes_ = {"n1"};
  const Pod pod_ = MakePod(1, {MakeClaim(1, kGiB)});
  FakeClock clock_;
  NoLiveReader live_;
  LedgerService service_{{}, &live_, &clock_};
  int asked_ = 0;
  int leads_for_ = 1000;
};

TEST_F(LeadingTest, ALeaderDecidesAndMayWrite) {
  const auto answer = service_.Filter(pod_, nodes_, Patience::kNone);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, "");
  EXPECT_EQ(answer->is_answered, std::vector<bool>{true});
  EXPECT_TRUE(service_.MayWrite());
  EXPECT_TRUE(service_.GetReadiness().is_ready);
}

TEST_F(LeadingTest, WhoWasStoppedBeforeADecisionRefuses) {
  LeadFor(0);
  EXPECT_EQ(service_.Filter(pod_, nodes_, Patience::kNone)->error, "not the leader");
  EXPECT_EQ(service_.Prioritize(pod_, nodes_, Patience::kNone)->error, "not the leader");
  EXPECT_EQ(service_.Preempt(pod_, nodes_, Patience::kNone)->error, "not the leader");
  EXPECT_FALSE(service_.MayWrite());
  EXPECT_FALSE(service_.GetReadiness().is_ready);
  EXPECT_FALSE(service_.GetReadiness().is_leading);
}

TEST_F(LeadingTest, WhoWasStoppedInTheMiddleOfADecisionRefuses) {
  LeadFor(1);
  const auto answer = service_.Filter(pod_, nodes_, Patience::kNone);
  EXPECT_EQ(answer->error, "not the leader");
  EXPECT_TRUE(answer->is_answered.empty());
}

TEST_F(LeadingTest, AFollowerIsInStepAndLetsPodsWithoutPmemPass) {
  service_.SetLeading(false);
  LeadFor(0);
  EXPECT_TRUE(service_.GetReadiness().is_synced);
  EXPECT_EQ(service_.Filter(pod_, nodes_, Patience::kNone)->error, "not the leader");
  const auto plain = service_.Filter(MakePod(2, {}), nodes_, Patience::kNone);
  EXPECT_EQ(plain->error, "");
  EXPECT_FALSE(plain->is_pmem);
}

TEST_F(LeadingTest, AFollowerThatIsInStepDecidesAtOnceWhenItLeads) {
  service_.SetLeading(false);
  EXPECT_FALSE(service_.MayWrite());
  service_.SetLeading(true);
  EXPECT_TRUE(service_.MayWrite());
  EXPECT_EQ(service_.Filter(pod_, nodes_, Patience::kNone)->error, "");
}

}  // namespace
}  // namespace pmem::extender
