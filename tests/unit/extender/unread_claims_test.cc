// SPDX-License-Identifier: Apache-2.0
// What is answered when the API server does not say what a pod's claims are. After an error
// kube-scheduler goes on without an extender that is ignorable.
#include <gtest/gtest.h>

#include "tests/unit/extender/placement_testing.h"

namespace pmem::extender {
namespace {

using Patience = LedgerService::Patience;
using Reasons = std::vector<Reason>;
using Bools = std::vector<bool>;

class UnreadClaims : public PlacementControllerTest {
 protected:
  std::optional<PreemptAnswer> Preempt(const Pod& pod) {
    return service.Preempt(pod, kBoth, Patience::kBlocks);
  }

  // Beside a claim that is known a class that is not: it is read for each verb.
  Pod AddHalfKnownPod() {
    const Claim known = MakeClaim(7, kGiB);
    const Claim other = MakeClaim(8, kGiB, "new-class");
    Emit(Seen<Claim>{known});
    Emit(Seen<Claim>{other});
    return AddPodOf(7, {known, other});
  }

  const std::string unread_ =
      "the API server does not say what the pod's claims are: see the extender's log";
};

TEST_F(UnreadClaims, OfAPodThatNeedsPersistentMemoryRefuseEveryNodeForNow) {
  const Pod pod = AddPod(7, kGiB);
  for (const auto& failure : {absl::UnavailableError("refused"), absl::DeadlineExceededError("5s"),
                              absl::ResourceExhaustedError("429"), absl::InternalError("500")}) {
    live.Fail(failure);
    const auto answer = Filter(pod);
    EXPECT_EQ(answer->error, "");
    EXPECT_EQ(answer->reasons, (Reasons{Reason::kUnread, Reason::kUnread}));
    EXPECT_EQ(answer->is_named, (Bools{false, false}));
    EXPECT_EQ(answer->named_count, 0U);
  }
  EXPECT_TRUE(IsForNow(Reason::kUnread));
}

TEST_F(UnreadClaims, OfSuchAPodAreReadAgainOnceTheSchedulerIsWokenUp) {
  const Pod pod = AddPod(7, kGiB);
  live.Fail(absl::UnavailableError("refused"));
  Filter(pod);
  controller_.Tick();
  clock.Advance(PlacementController::kWakeDelay);
  controller_.Tick();
  EXPECT_EQ(api_.wake_ups, 1);
  live.Fail(absl::OkStatus());
  EXPECT_EQ(Filter(pod)->named_count, 2U);
  clock.Advance(PlacementController::kWakePauseMax);
  controller_.Tick();
  EXPECT_EQ(api_.wake_ups, 1);
}

TEST_F(UnreadClaims, OfAPodThatMayNeedNoneAreAnError) {
  live.Fail(absl::UnavailableError("refused"));
  const Pod pod = MakePod(7, {MakeClaim(7, kGiB)});
  EXPECT_EQ(Filter(pod)->error, unread_);
  EXPECT_EQ(Preempt(pod)->error, unread_);
}

TEST_F(UnreadClaims, AreAnErrorOfAReplicaThatDoesNotDecide) {
  const Pod pod = AddHalfKnownPod();
  live.Fail(absl::UnavailableError("refused"));
  EXPECT_EQ(Filter(pod)->error, "");
  service.SetLeading(false);
  EXPECT_EQ(Filter(pod)->error, unread_);
  EXPECT_EQ(Preempt(pod)->error, unread_);
  service.SetLeading(true);
  service.SetLeaderCheck([] { return false; });
  EXPECT_EQ(Filter(pod)->error, unread_);
  EXPECT_EQ(Preempt(pod)->error, unread_);
}

TEST_F(UnreadClaims, MakeNoRoomByPreemption) {
  const Pod pod = AddHalfKnownPod();
  live.Fail(absl::UnavailableError("refused"));
  EXPECT_EQ(Preempt(pod)->error, "");
  EXPECT_EQ(Preempt(pod)->is_kept, (Bools{false, false}));
}

TEST_F(UnreadClaims, ThatAreTooManyRefuseEveryNodeForGood) {
  const Pod pod = AddPod(7, kGiB);
  live.Fail(absl::OutOfRangeError("pod needs 65 objects read live, at most 64"));
  EXPECT_EQ(Filter(pod)->reasons, (Reasons{Reason::kTooManyClaims, Reason::kTooManyClaims}));
  EXPECT_FALSE(IsForNow(Reason::kTooManyClaims));
  controller_.Tick();
  clock.Advance(PlacementController::kWakePauseMax);
  controller_.Tick();
  EXPECT_EQ(api_.wake_ups, 0) << "asking again changes nothing";
  EXPECT_EQ(Filter(MakePod(9, {MakeClaim(9, kGiB)}))->error,
            "the pod has more PMEM claims, with their classes, than are read for one decision: 64");
}

}  // namespace
}  // namespace pmem::extender
