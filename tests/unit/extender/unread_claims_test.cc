// SPDX-License-Identifier: Apache-2.0
// What is answered when the API server does not say what a pod's claims are. After an error
// kube-scheduler goes on without an extender that is ignorable.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/io/files.h"
#include "tests/support/source_path.h"
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

// One that takes 3 s for each answer; and one that has no time left for the second, for the class
// of a claim that only it tells of.
TEST_F(UnreadClaims, OfASlowApiServerAreToldInTime) {
  const Pod pod = AddPod(7, kGiB);
  const Claim untold = MakeClaim(8, kGiB, "new-class");
  live.Add(untold);
  const Pod half_told = AddPodOf(9, {MakeClaim(7, kGiB), untold});
  const auto is_refused_in_time = [this](const Pod& asked, absl::Duration read, int reads) {
    live.Take(read, &clock);
    const absl::Time begin = clock.SteadyNow();
    const int reads_before = live.reads();
    EXPECT_EQ(Filter(asked)->reasons, (Reasons{Reason::kUnread, Reason::kUnread}));
    EXPECT_EQ(clock.SteadyNow() - begin, LiveReader::kTimeMax);
    EXPECT_EQ(live.reads() - reads_before, reads);
  };
  is_refused_in_time(pod, absl::Seconds(3), 1);
  is_refused_in_time(half_told, absl::Seconds(1), 2);
}

// httpTimeout of both configurations that are shipped.
TEST_F(UnreadClaims, AreToldBeforeTheSchedulerStopsWaiting) {
  for (const char* path : {"manifests/scheduler/kube_scheduler_config.yaml",
                           "manifests/components/second-scheduler/scheduler_config.yaml"}) {
    const auto text = ReadFile(SourcePath(path), int64_t{1} << 20);
    ASSERT_TRUE(text.ok()) << text.status();
    const std::vector<std::string> parts = absl::StrSplit(*text, " httpTimeout: ");
    ASSERT_EQ(parts.size(), 2U) << path;
    absl::Duration timeout;
    ASSERT_TRUE(absl::ParseDuration(parts[1].substr(0, parts[1].find('\n')), &timeout)) << path;
    EXPECT_LT(LiveReader::kTimeMax + service.options().hold_wait_max, timeout) << path;
  }
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
  const Pod pod = AddPod(1, kGiB);
  const Pod half_known = AddHalfKnownPod();
  EXPECT_EQ(Preempt(pod)->is_kept, (Bools{true, true}));
  live.Fail(absl::UnavailableError("refused"));
  for (const Pod& asked : {pod, half_known}) {
    EXPECT_EQ(Preempt(asked)->error, "");
    EXPECT_EQ(Preempt(asked)->is_kept, (Bools{false, false}));
  }
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
