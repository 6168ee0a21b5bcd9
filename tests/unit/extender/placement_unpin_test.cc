// SPDX-License-Identifier: Apache-2.0
// Pins that lead nowhere are taken away.
#include <gtest/gtest.h>

#include "tests/unit/extender/placement_testing.h"

namespace pmem::extender {
namespace {

TEST_F(PlacementControllerTest, APinOnANodeWithoutPersistentMemoryIsTakenAwayAndTold) {
  Node plain;
  plain.meta.key.name = "n9";
  Emit(Seen<Node>{plain});
  Claim claim = MakeClaim(1, kGiB);
  claim.selected_node = "n9";
  claim.is_pinned_by_scheduler = true;
  Emit(Seen<Claim>{claim});
  controller_.Tick();
  clock.Advance(absl::Seconds(30));
  controller_.Tick();
  controller_.Tick();
  ASSERT_EQ(PatchedClaims(), (Names{"claim-1"}));
  EXPECT_EQ(api_.patches[0].json_patch, UnpinPatch({.claim = claim, .node = "n9"}));
  EXPECT_TRUE(api_.asked_nodes.empty());
  const auto told = std::count_if(
      api_.notices.begin(), api_.notices.end(),
      [](const Notice& notice) { return notice.reason == NoticeReason::kPinTakenAway; });
  EXPECT_EQ(told, 1);
  EXPECT_EQ(Count("unpins_written_total"), 1);
}

}  // namespace
}  // namespace pmem::extender
