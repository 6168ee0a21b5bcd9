// SPDX-License-Identifier: Apache-2.0
// What looks like evidence of an attempt, and is of another one.
#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

constexpr absl::Duration kBlink = absl::Milliseconds(1);

class LedgerEvidenceTest : public LedgerTest {
 protected:
  LedgerEvidenceTest() { Start(3, 10 * kGiB); }

  Pod Show(Pod pod, const std::string& version, const std::string& nominated) {
    pod.meta.resource_version = version;
    pod.nominated_node_name = nominated;
    Apply(Seen<Pod>{pod});
    return pod;
  }

  bool IsHeldAfterTheGraceTime(const Pod& pod) {
    Pass(LedgerOptions{}.hold_grace + kBlink);
    return ledger_.holds().Find(pod.meta.uid) != nullptr;
  }
};

// kube-scheduler puts a pod back into its queue before it takes the nomination away.
TEST_F(LedgerEvidenceTest, ANominationOfAnEarlierAttemptThatIsClearedLateShortensNothing) {
  const Pod pod = Show(AddPod(1, {MakeClaim(1, 6 * kGiB)}), "11", "n2");
  FilterPod(pod);
  Show(pod, "12", "n2");  // Something else of it has changed.
  Show(pod, "13", "");
  EXPECT_TRUE(IsHeldAfterTheGraceTime(pod));
}

TEST_F(LedgerEvidenceTest, NorDoesOneThatTheWatchHadNotToldOf) {
  Pod pod = Show(AddPod(1, {MakeClaim(1, 6 * kGiB)}), "10", "n1");
  pod.meta.resource_version = "11";
  pod.nominated_node_name = "n2";
  FilterPod(pod);
  Show(pod, "12", "");
  EXPECT_TRUE(IsHeldAfterTheGraceTime(pod));
}

TEST_F(LedgerEvidenceTest, ANominationOfThisAttemptThatIsClearedShortensItsHold) {
  const Pod pod = Show(AddPod(1, {MakeClaim(1, 6 * kGiB)}), "11", "n2");
  FilterPod(pod);
  Show(pod, "12", "n3");
  Show(pod, "13", "");
  EXPECT_FALSE(IsHeldAfterTheGraceTime(pod));
}

// By hand, while the scheduler may be writing the pod's other claim to one of the others.
TEST_F(LedgerEvidenceTest, APinWhereTheAnswerDidNotLeadNarrowsNothing) {
  const Claim pinned = MakeClaim(1, kGiB);
  const Pod pod = AddPod(1, {pinned, MakeClaim(2, 6 * kGiB)});
  ledger_.HoldOn(pod, ledger_.Demand(pod, nullptr), {"n1", "n2"}, {}, now_);
  Pin(pinned, "n3");
  EXPECT_EQ(FilterPod(AddPod(2, {MakeClaim(3, 6 * kGiB)})), Names{});
  EXPECT_EQ(reasons_, (std::vector{Reason::kHeld, Reason::kHeld, Reason::kNoRoom}));
}

TEST_F(LedgerEvidenceTest, OfMorePinsByHandThanAreKeptTheOldestAreForgotten) {
  for (size_t i = 0; i <= Ledger::kHandPinsMax; ++i) {
    Claim claim = MakeClaim(static_cast<int>(i), kMiB);
    claim.selected_node = "n1";
    ledger_.Apply(Seen<Claim>{claim}, now_);
  }
  const std::vector<Claim> pins = ledger_.TakeHandPins();
  EXPECT_EQ(pins.size(), Ledger::kHandPinsMax);
  EXPECT_EQ(pins.front().meta.uid, Uid(1));
}

}  // namespace
}  // namespace pmem::extender
