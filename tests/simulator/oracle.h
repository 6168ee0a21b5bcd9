// SPDX-License-Identifier: Apache-2.0
// The judge. Knows the API server's objects and the devices as they are, and nothing of the ledger
// but what it answered.
//
// Over-committed: a claim was given a node (by an answer of ours) on which what was given and not
// made yet cannot all be made. Excused is what nobody could know when the answer was given:
// somebody took room on the node by hand, or the node itself chose a pool that spoils a packing
// which was there. Each such act is an Interference; an answer carries those that its ledger had
// not heard of.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "extender/core/ledger.h"
#include "tests/simulator/stage.h"
#include "tests/simulator/tally.h"

namespace pmem::extender::simulator {

// What an answer was based on.
struct Decision {
  size_t known_end = 0;                        // Interferences from here on came later.
  std::set<size_t> unknown;                    // Earlier ones that the ledger had not heard of.
  std::map<std::string, absl::Time> observed;  // When each node's devices were read for it.
  absl::Time at = absl::InfinitePast();
};

class Oracle {
 public:
  explicit Oracle(Stage& stage) : stage_(stage) {}

  // Something took room on the node that no ledger could know of; `is_known`: this one does now.
  using IsKnown = std::function<bool(const Ledger&)>;
  void Interfere(const std::string& node, IsKnown is_known);
  // The ledger answers now.
  Decision Decide(const Ledger& ledger) const;

  // The API server took selected-node of the claim.
  void Accepted(const Claim& claim, const Decision& decision);
  void PinnedByHand(const Claim& claim);
  // A volume has its room on the node, and its claim was still pinned there: whatever becomes of
  // that, it will be finished.
  void Made(const Want& want, const std::string& node);
  void CreationFailed(const Want& want, const std::string& node);
  // Volumes that are there, for claims that are not there (or not pinned there) any more.
  struct Creation {
    Want want;
    absl::Time since;
  };
  std::vector<Creation> Orphans(const std::string& node) const;

  // Whether the pod could be placed on the node now. nullopt: cannot tell.
  std::optional<bool> Fits(const Pod& pod, const std::string& node) const {
    return FitAll({&pod}, node);
  }
  // The same for pods that must go there together.
  std::optional<bool> FitAll(const std::vector<const Pod*>& pods, const std::string& node) const;
  // The pod, and those that it shares claims with, directly or through others, that have no node
  // yet.
  std::vector<const Pod*> CrowdOf(const Pod& pod) const;
  // Nodes that the pod's claims leave it; all when none has a node.
  std::set<std::string> NodesLeft(const Pod& pod) const;

  // Something is wrong with the world.
  void Fail(const std::string& what);
  const std::string& failure() const { return failure_; }  // The first one.
  Tally& tally() { return tally_; }

 private:
  struct Interference {
    std::string node;
    IsKnown is_known;
  };
  static PoolKind KindOfClaim(const Claim& claim);
  std::set<std::string> TakenBy(const Pod& pod) const;  // Nodes that its claims have.
  std::vector<Want> PendingOn(const std::string& node) const;
  void AddReserved(const std::string& node, const std::set<std::string>& except_pods,
                   std::vector<Want>& wants) const;
  // False: one of its claims does not exist.
  bool AddNeeds(const Pod& pod, const std::string& node, std::vector<Want>& wants) const;
  bool ShareOpenClaim(const Pod& pod, const Pod& other) const;
  bool HasExpansion(const std::string& node) const;  // Asked for, not done.
  bool IsExcused(const std::string& claim_uid, const std::string& node) const;
  // All that was promised there could be made, had the node chosen otherwise since the answer.
  bool IsByDevice(const std::string& claim_uid, const std::string& node,
                  const std::vector<Want>& wants) const;

  Stage& stage_;
  std::vector<Interference> interferences_;
  // The last one by claim UID and node: a creation may outlast the claim's pin there.
  std::map<std::pair<std::string, std::string>, Decision> decisions_;
  std::set<std::pair<std::string, std::string>> by_hand_;         // Claim UID and node.
  std::map<std::pair<std::string, std::string>, Creation> made_;  // By claim UID and node.
  std::string failure_;
  Tally tally_;
};

// Where a claim's volume is or will be, by the objects alone. Empty: nowhere.
std::string TrueNode(const Kube& kube, const Claim& claim);
std::string VolumeName(const std::string& claim_uid);
// The device's name of the volume that it has: its own, or one that was made by hand.
std::string TrueVolume(const Kube& kube, const Claim& claim);

}  // namespace pmem::extender::simulator
