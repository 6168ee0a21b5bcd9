// SPDX-License-Identifier: Apache-2.0
#include "extender/core/simulation.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace pmem::extender {
namespace {

using Shares = std::vector<Simulation::Share>;

Room LvmRoom(int64_t bytes) {
  return {.pools = {{.id = "lvm/g",
                     .kind = PoolKind::kLvm,
                     .alignment_bytes = kTestAlignLvm,
                     .volume_bytes_max = bytes,
                     .slots_free = kSlotsUnlimited}},
          .bins = {{.pool = 0, .free_bytes = bytes}}};
}

std::vector<Item> LvmItems(std::vector<int64_t> sizes) {
  std::vector<Item> items;
  for (const int64_t size : sizes) {
    items.push_back({"item-" + std::to_string(items.size()), PoolKind::kLvm, size});
  }
  return items;
}

std::vector<NodeRoom> Rooms() {
  return {{"a", LvmRoom(20 * kGiB)}, {"b", LvmRoom(40 * kGiB)}, {"c", LvmRoom(5 * kGiB)}};
}

struct SimulationCase {
  const char* name;
  std::vector<int64_t> sizes;
  int replicas = 1;
  Strategy strategy = Strategy::kBinpack;
  Simulation expected;
  friend void PrintTo(const SimulationCase& c, std::ostream* os) { *os << c.name; }
};

class Simulations : public testing::TestWithParam<SimulationCase> {};

TEST_P(Simulations, PlaceReplicaByReplica) {
  const SimulationCase& c = GetParam();
  EXPECT_EQ(Simulate(Rooms(), LvmItems(c.sizes), c.replicas, c.strategy), c.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Simulations,
    testing::Values(SimulationCase{.name = "BinpackFillsTheTightest",
                                   .sizes = {10 * kGiB},
                                   .replicas = 3,
                                   .expected = {3, {{"a", 2}, {"b", 1}}}},
                    SimulationCase{.name = "SpreadTakesTheEmptiest",
                                   .sizes = {10 * kGiB},
                                   .replicas = 3,
                                   .strategy = Strategy::kSpread,
                                   .expected = {3, {{"a", 1}, {"b", 2}}}},
                    SimulationCase{.name = "AsManyAsFit",
                                   .sizes = {10 * kGiB},
                                   .replicas = 100,
                                   .expected = {6, {{"a", 2}, {"b", 4}}}},
                    SimulationCase{.name = "AllItemsOfAReplicaOnOneNode",
                                   .sizes = {15 * kGiB, 10 * kGiB},
                                   .replicas = 2,
                                   .expected = {1, {{"b", 1}}}},
                    SimulationCase{.name = "NothingFits", .sizes = {100 * kGiB}, .replicas = 2},
                    SimulationCase{.name = "SizesAreRoundedUp",
                                   .sizes = {20 * kGiB - 1},
                                   .replicas = 10,
                                   .expected = {3, {{"a", 1}, {"b", 2}}}}),
    [](const auto& row) { return row.param.name; });

// What is not known is not full.
TEST(AddRooms, SaysWhichNodesItLeavesOutAndTakesPromisesOutOfTheOthers) {
  const absl::Time now = absl::FromUnixSeconds(1000);
  Ledger ledger{LedgerOptions{}};
  Node cordoned, labelled;
  cordoned.meta.key.name = "cordoned";
  cordoned.is_unschedulable = true;
  labelled.meta.key.name = "labelled";
  labelled.labels["pmem.csi.alibabacloud.com/type"] = "lvm";
  ledger.Apply(Relisted<Node>{{cordoned, labelled}}, now);
  ledger.Apply(Relisted<StorageClass>{{MakeClass("pmem-lvm")}}, now);
  ledger.Apply(AgentsListed{{"cordoned", "fresh", "silent", "stale"}}, now);
  const absl::Time later = now + ledger.options().agent_silence_max + absl::Seconds(1);
  ledger.Apply(MakeReport("stale", 1, {MakeLvmPool(20 * kGiB)}), now);
  for (const char* name : {"cordoned", "fresh"}) {
    ledger.Apply(MakeReport(name, 1, {MakeLvmPool(20 * kGiB)}), later);
  }
  Claim claim = MakeClaim(1, 8 * kGiB);
  claim.selected_node = "fresh";
  ledger.Apply(Seen<Claim>{claim}, later);
  ClusterRoom room;
  EXPECT_EQ(AddRooms(ledger, later, {.after = "", .limit = 2}, room), "fresh");
  EXPECT_EQ(AddRooms(ledger, later, {.after = "fresh", .limit = 100}, room), "");
  EXPECT_EQ(room.left_out, (std::vector<LeftOutNode>{{"cordoned", "cordoned"},
                                                     {"labelled", "no_agent"},
                                                     {"silent", "no_report"},
                                                     {"stale", "stale"}}));
  ASSERT_EQ(room.rooms.size(), 1U);
  EXPECT_EQ(room.rooms[0].node, "fresh");
  EXPECT_EQ(Simulate(room.rooms, LvmItems({kGiB}), 100, Strategy::kBinpack),
            (Simulation{12, {{"fresh", 12}}}));
}

}  // namespace
}  // namespace pmem::extender
