// SPDX-License-Identifier: Apache-2.0
// A ledger service over fakes, synced and leading, for the tests of the shell around it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "extender/ledger_service.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_live_reader.h"
#include "tests/support/builders.h"

namespace pmem::extender {

// Nodes n1 (20 GiB of LVM) and n2 (40 GiB) with agents; the product's classes and an Immediate one,
// "now". Nothing else.
class ServiceFixture {
 public:
  explicit ServiceFixture(LedgerServiceOptions options = {}) : service(options, &live, &clock) {}

  void Emit(Event event) { service.Emit(std::move(event)); }

  void Sync() {
    StorageClass now = MakeClass("now", false);
    now.parameters = {{"pmemType", "lvm"}};
    const ClusterLists lists = {.nodes = {MakeNode("n1"), MakeNode("n2")},
                                .classes = {MakeClass("pmem-lvm"), MakeClass("pmem-direct"), now},
                                .agents = {"n1", "n2"}};
    for (const Event& event : ListsOf(lists)) Emit(event);
  }

  void Report(int64_t generation = 1) {
    Emit(MakeReport("n1", generation, {MakeLvmPool(20 * kGiB)}));
    Emit(MakeReport("n2", generation, {MakeLvmPool(40 * kGiB)}));
  }

  // Decides from now on, holds of a leader before us waited out.
  void Begin() {
    service.SetLeading(true);
    Sync();
    Report();
  }

  static Node MakeNode(const std::string& name) {
    Node node;
    node.meta.key.name = name;
    node.allocatable_cpu_milli = 4000;
    node.allocatable_memory_bytes = 16 * kGiB;
    return node;
  }

  // A pod with one WaitForFirstConsumer claim of the size, both seen, the claim readable live.
  Pod AddPod(int number, int64_t bytes) {
    const Claim claim = MakeClaim(number, bytes);
    Emit(Seen<Claim>{claim});
    live.Add(claim);
    Pod pod = MakePod(number, {claim});
    Emit(Seen<Pod>{pod});
    return pod;
  }

  std::optional<FilterAnswer> Filter(
      const Pod& pod, LedgerService::Patience patience = LedgerService::Patience::kBlocks) {
    return service.Filter(pod, kBoth, patience);
  }

  static constexpr std::string_view kBoth[] = {"n1", "n2"};
  FakeClock clock;
  FakeLiveReader live;
  LedgerService service;
};

}  // namespace pmem::extender
