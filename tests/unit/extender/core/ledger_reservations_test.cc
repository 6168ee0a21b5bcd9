// SPDX-License-Identifier: Apache-2.0
// More than kExactItemsMax claims of one node: whether they fit together nobody knows for sure.
#include <string>
#include <utility>

#include "extender/core/node_numbers.h"
#include "extender/core/simulation.h"
#include "extender/core/views.h"
#include "tests/unit/extender/core/ledger_fixture.h"

namespace pmem::extender {
namespace {

// VolumeGroups of 102 and 104 GiB that 40 30 30 2 and 40 30 30 2 2 fill to the last byte, which
// best fit does not find.
class LedgerReservationsTest : public LedgerTest {
 protected:
  LedgerReservationsTest() {
    Start(1, kGiB);
    Apply(
        MakeReport("n1", 2, {MakeLvmPool(102 * kGiB, {}, "a"), MakeLvmPool(104 * kGiB, {}, "b")}));
  }

  // A pod with claims of so many GiB; the first is pinned by hand, and its volume not there yet.
  Pod AddHalf(int number, const std::vector<int64_t>& sizes) {
    std::vector<Claim> claims;
    for (const int64_t size : sizes) claims.push_back(MakeClaim(++claims_, size * kGiB));
    const Pod pod = AddPod(number, claims);
    Pin(claims.front(), "n1");
    return pod;
  }

  NodeNumbers NumbersFor(const Pod& pod) {
    const PodDemand demand = ledger_.Demand(pod, nullptr);
    return NumbersOf(ledger_, *ledger_.nodes().Find("n1"), PoolKind::kLvm, demand.items,
                     pod.meta.uid);
  }
  // What /v1/simulate says of so many GiB.
  int64_t PlacedOf(int64_t size) {
    ClusterRoom room;
    EXPECT_EQ(AddRooms(ledger_, now_, {}, room), "");
    const std::vector<Item> items = {{"simulated", PoolKind::kLvm, size * kGiB}};
    return Simulate(std::move(room.rooms), items, 1, Strategy::kBinpack).placed;
  }

  int claims_ = 0;
};

TEST_F(LedgerReservationsTest, OneThatWasOnlyNotFoundToFitIsKept) {
  for (const int64_t size : {40, 30, 30, 30, 2, 2, 2}) Pin(MakeClaim(++claims_, size * kGiB), "n1");
  const Pod half = AddHalf(1, {40, 30});
  const Pod other = AddPod(2, {MakeClaim(99, 20 * kGiB)});
  EXPECT_EQ(FilterPod(other), Names{});
  EXPECT_EQ(reasons_, std::vector{Reason::kNoRoom});
  const NodeNumbers numbers = NumbersFor(other);
  EXPECT_EQ(numbers.promised_bytes, 206 * kGiB) << "else nothing says what it is refused for";
  EXPECT_EQ(numbers.free_bytes, 0);
  EXPECT_EQ(numbers.held_bytes, 0) << "no time ends it";
  EXPECT_FALSE(numbers.is_overbooked) << "nobody knows";
  EXPECT_EQ(FirmNumbersOf(*ledger_.nodes().Find("n1"), PoolKind::kLvm).free_bytes, 0)
      << "as the metrics and the summary have it";
  EXPECT_EQ(NumbersFor(half).promised_bytes, 176 * kGiB) << "without its own";
  const auto told = ExplainJson(ledger_, now_, other.meta.key, {});
  ASSERT_TRUE(told.has_value());
  EXPECT_NE(told->find(R"("free_bytes":0)"), std::string::npos) << *told;
  EXPECT_EQ(PlacedOf(20), 0);
}

TEST_F(LedgerReservationsTest, OneThatCannotFitIsNot) {
  for (const int64_t size : {40, 30, 30, 30, 2, 2, 2}) Pin(MakeClaim(++claims_, size * kGiB), "n1");
  AddHalf(1, {40, 31});
  EXPECT_EQ(PlacedOf(20), 1);
  const Pod other = AddPod(2, {MakeClaim(99, 20 * kGiB)});
  EXPECT_EQ(NumbersFor(other).promised_bytes, 176 * kGiB);
  EXPECT_EQ(FilterPod(other), Names{"n1"});
}

// Each alone is found to fit.
TEST_F(LedgerReservationsTest, ThoseThatAreNotFoundToFitTogetherDoNotKeepEachOtherOut) {
  const Pod first = AddHalf(1, {40, 30, 30, 2});
  const Pod second = AddHalf(2, {40, 30, 30, 2, 2});
  EXPECT_EQ(FilterPod(AddPod(3, {MakeClaim(99, 20 * kGiB)})), Names{});
  EXPECT_EQ(FilterPod(second), Names{});
  EXPECT_EQ(FilterPod(first), Names{"n1"});
}

}  // namespace
}  // namespace pmem::extender
