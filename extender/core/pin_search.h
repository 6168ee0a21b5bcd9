// SPDX-License-Identifier: Apache-2.0
// Where a claim that we place ourselves could go: the best of the nodes that can hold it, by the
// ledger's judging, and that the pods which use it may run on; or why there is none. Pure,
// deterministic.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/pure/reasons.h"
#include "extender/core/ledger.h"
#include "extender/core/node_match.h"
#include "extender/core/pin_memory.h"
#include "extender/core/pinning.h"

namespace pmem::extender {

// How many nodes were left out, by reason. The reasons are a closed list, and their texts constant.
class NodeRefusals {
 public:
  // What neither the ledger nor the rules for pods say.
  enum class Other : uint8_t {
    kNoNode,         // Its agent answers, and there is no Node object.
    kOtherTopology,  // Its provisioner would refuse the claim for ever, and the room stay taken.
    kOtherNode,      // A pod of the claim runs elsewhere.
    kOtherVolume,    // A volume of another driver is elsewhere, and a pod of the claim uses it.
    kRefusedLately,  // Its provisioner took our pin away.
    kUnread,         // It would do, if what else runs there leaves enough cpu and memory.
  };

  void Add(Reason reason, int nodes = 1) { counts_[static_cast<size_t>(reason)] += nodes; }
  void Add(NodeMismatch mismatch) { ++counts_[kMismatchesAt + static_cast<size_t>(mismatch)]; }
  void Add(Other other, int nodes = 1) { counts_[kOthersAt + static_cast<size_t>(other)] += nodes; }
  // Nodes that are left out whatever is held: the ledger remembers that for the shape.
  int firm() const;
  // Nodes that are left out because of what else runs there.
  int busy() const { return Count(NodeMismatch::kCpu) + Count(NodeMismatch::kMemory); }

  // "0/3 nodes: 2 insufficient free PMEM, 1 no PMEM agent on the node": the most frequent first,
  // then as in the enums.
  std::string Text() const;
  // The most frequent reason alone: of one node, say.
  std::string_view FirstText() const;

 private:
  static constexpr size_t kMismatchesAt = kReasons.size();
  static constexpr size_t kOthersAt =
      kMismatchesAt + static_cast<size_t>(NodeMismatch::kMemory) + 1;
  static constexpr size_t kEnd = kOthersAt + static_cast<size_t>(Other::kUnread) + 1;
  static std::string_view TextAt(size_t at);
  int Count(NodeMismatch mismatch) const {
    return counts_[kMismatchesAt + static_cast<size_t>(mismatch)];
  }
  std::vector<size_t> InOrder() const;

  std::array<int, kEnd> counts_{};
};

struct FoundNode {
  std::string node;  // Empty: none.
  // Not empty: what else runs on these has to be read before any is taken; the best is the first.
  std::vector<std::string> unread;
  int judged = 0;                // Nodes.
  std::vector<QuickItem> shape;  // What the ledger remembers it under; empty: it does not.
  NodeRefusals refusals;
};

class NodeSearch {
 public:
  // All must outlive the object.
  NodeSearch(const Ledger& ledger, const PinningOptions& options, const NodeUses& uses,
             const PinMemory& memory, absl::Time now)
      : ledger_(ledger), options_(options), uses_(uses), memory_(memory), now_(now) {}

  // `owner`: whose hold does not count.
  FoundNode Find(const std::vector<const Pod*>& pods, const PodDemand& demand,
                 std::string_view owner) const;

 private:
  using Pods = std::vector<const Pod*>;
  struct Candidates;
  FoundNode FindPreset(const Pods& pods, const PodDemand& demand, std::string_view owner) const;
  FoundNode FindBest(const Pods& pods, const PodDemand& demand, std::string_view owner) const;
  // The best of the candidates, or those whose pods have to be read before.
  void Choose(const Candidates& candidates, const Pods& pods, FoundNode& found) const;
  void Judge(const NodeState& node, const Question& question, const Pods& pods,
             Candidates& candidates, NodeRefusals& refusals) const;
  // Whether the classes of all claims allow the node: also of claims that the scheduler places, as
  // these have to follow the others.
  bool IsInTopologies(const std::string& node, const PodDemand& demand) const;
  // Whether all other volumes of the pods reach the node.
  bool ReachesOthers(const std::string& node, const PodDemand& demand) const;
  bool IsRefused(const std::string& node, const PodDemand& demand) const;
  // Whether the pods may run on the node; if not, it is noted why.
  bool IsAllowed(const std::string& name, const Pods& pods, NodeRefusals& refusals) const;
  std::vector<std::string> Unread(const Candidates& candidates, const std::vector<int>& scores,
                                  const Pods& pods, size_t count_max) const;
  bool IsUseKnown(const std::string& node, const Pods& pods) const;
  NodeUse UseOn(const std::string& node, const Pod& pod) const;

  const Ledger& ledger_;
  const PinningOptions& options_;
  const NodeUses& uses_;
  const PinMemory& memory_;
  const absl::Time now_;
};

}  // namespace pmem::extender
