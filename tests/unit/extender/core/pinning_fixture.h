// SPDX-License-Identifier: Apache-2.0
// Where claims are pinned: a ledger of three nodes, and what the plan of the moment says.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "extender/core/pinning.h"
#include "tests/support/builders.h"

namespace pmem::extender {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Nodes n1 (tightest) to n3 with LVM pools of 20, 40 and 60 GiB, cpu for two pods each, and an
// Immediate class "now" beside the product's. Claims are old enough to be placed at once.
class PinningTest : public testing::Test {
 protected:
  PinningTest() {
    const ClusterLists lists = {.nodes = {MakeNode("n1"), MakeNode("n2"), MakeNode("n3")},
                                .classes = {MakeClass("pmem-lvm"), MakeImmediate()},
                                .agents = {"n1", "n2", "n3"}};
    for (const Event& event : ListsOf(lists)) Apply(event);
    for (int i = 1; i <= 3; ++i) {
      Apply(MakeReport("n" + std::to_string(i), 1, {MakeLvmPool(20 * i * kGiB)}));
    }
  }

  static Node MakeNode(const std::string& name) {
    Node node;
    node.meta.key.name = name;
    node.labels = {{"kubernetes.io/hostname", name}};
    node.allocatable_cpu_milli = 2000;
    node.allocatable_memory_bytes = 8 * kGiB;
    return node;
  }

  static StorageClass MakeImmediate() {
    StorageClass object = MakeClass("now", false);
    object.parameters = {{"pmemType", "lvm"}};
    return object;
  }

  // An Immediate claim that the PV controller has given to our driver.
  static Claim Immediate(int number, int64_t bytes = 10 * kGiB) {
    Claim claim = MakeClaim(number, bytes, "now");
    claim.meta.resource_version = std::to_string(number * 100);
    claim.storage_provisioner = std::string(kDriverName);
    claim.has_annotations = true;
    return claim;
  }

  void Apply(const Event& event) {
    ledger_.Apply(event, now_);
    ledger_.Expire(now_);
  }

  Claim Add(const Claim& claim) {
    Apply(Seen<Claim>{claim});
    return claim;
  }

  Pod AddPod(Pod pod) {
    Apply(Seen<Pod>{pod});
    return pod;
  }

  void Pass(absl::Duration duration) {
    now_ += duration;
    ledger_.Expire(now_);
    for (int i = 1; i <= 3; ++i) Apply(AgentConfirmed{"n" + std::to_string(i)});
  }

  PinningPlan Plan() {
    PinningPlan plan = PlanPins(ledger_, {}, placed_, uses_, memory_, now_);
    EXPECT_EQ(ledger_.CheckInvariants(now_), absl::OkStatus());
    return plan;
  }

  // The plan once what it has to know of pods with a node is known, and claims have settled.
  PinningPlan SettledPlan() {
    Plan();
    Pass(absl::Seconds(2));
    placed_["default"].read_at = now_;
    return Plan();
  }

  // (claim, node) of every pin.
  static Pairs Pins(const PinningPlan& plan) {
    Pairs pins;
    for (const Pin& pin : plan.pins) pins.emplace_back(pin.claim.meta.key.name, pin.node);
    return pins;
  }

  static std::vector<NoticeReason> Notices(const PinningPlan& plan) {
    std::vector<NoticeReason> reasons;
    for (const Notice& notice : plan.notices) reasons.push_back(notice.reason);
    return reasons;
  }

  // What the watch shows after a pin of ours was written.
  Claim ShowPinned(Claim claim, const std::string& node) {
    memory_.NoteWrite(claim, node, PinMemory::Written::kYes, now_);
    claim.selected_node = node;
    claim.is_pinned_by_us = true;
    claim.meta.resource_version += "1";
    return Add(claim);
  }

  Claim ShowUnpinned(Claim claim) {
    claim.selected_node.clear();
    claim.is_pinned_by_us = false;
    claim.meta.resource_version += "2";
    return Add(claim);
  }

  absl::Time now_ = absl::FromUnixSeconds(1000);
  Ledger ledger_{LedgerOptions{}};
  PlacedPods placed_;
  NodeUses uses_;
  PinMemory memory_;
};

}  // namespace pmem::extender
