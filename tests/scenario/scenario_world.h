// SPDX-License-Identifier: Apache-2.0
// The ledger with devices, API objects and a clock around it, driven by commands. The devices and
// the objects are as simple as they can be: what is interesting is what the ledger says.
//
//   node NAME [lvm=SIZE] [direct=SIZE[+SIZE...]]  a node, its agent, its first report; the parts of
//                                                 direct are free extents with something between
//   claim NAME SIZE [class=NAME] [wait=no]        a claim without a node; wait=no: Immediate
//   pod NAME CLAIM...                             a pending pod that uses them
//   filter POD [NODE...]                          one answer of the verb; what passes is held
//   prioritize POD [NODE...]
//   nominate POD [NODE]                           status.nominatedNodeName; none: taken back
//   pin CLAIM NODE, unpin CLAIM                   the selected-node annotation
//   create CLAIM                                  its volume, on the devices of its node
//   destroy CLAIM                                 the same away
//   bind CLAIM                                    its PersistentVolume, bound
//   expand CLAIM SIZE, grow CLAIM                 asked for; done on the devices
//   delete CLAIM|POD                              gone from the API server
//   report NODE, confirm NODE                     what its agent says: all there is; "as before"
//   reboot NODE                                   the next report is of another boot
//   pass DURATION                                 time, in steps of a second
//   takeover                                      from now on decisions are ours
//   room [NODE...]                                what the ledger thinks, in MiB
//   holds                                         who holds what where
//
// Each answers with lines of text, "ok" when there is nothing to say, and "error: ..." for a
// command that makes no sense. After each the ledger's invariants are checked.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "extender/core/ledger.h"

namespace pmem::extender {

class ScenarioWorld {
 public:
  ScenarioWorld();

  // The command's answer, each line ended.
  std::string Do(std::string_view command);

 private:
  using Words = std::vector<std::string>;
  using Answer = absl::StatusOr<std::string>;
  struct Extent {
    int64_t offset_bytes = 0;
    int64_t bytes = 0;
  };
  struct Volume {
    bool is_direct = false;
    int64_t bytes = 0;
  };
  struct Devices {
    int64_t lvm_bytes = 0;
    std::vector<Extent> extents;  // Of direct memory, free.
    std::map<std::string, Volume> volumes;
    int64_t generation = 0;
    int boot = 1;
  };

  Answer Run(const Words& words);
  Answer AddNode(const Words& words);
  Answer AddClaim(const Words& words);
  Answer AddPod(const Words& words);
  Answer FilterPod(const Words& words);
  Answer PrioritizePod(const Words& words);
  Answer Nominate(const Words& words);
  Answer Pin(const Words& words);
  Answer Unpin(const Words& words);
  Answer Create(const Words& words);
  Answer Destroy(const Words& words);
  Answer Bind(const Words& words);
  Answer Expand(const Words& words);
  Answer Grow(const Words& words);
  Answer Delete(const Words& words);
  Answer Report(const Words& words);
  Answer Confirm(const Words& words);
  Answer Reboot(const Words& words);
  Answer Pass(const Words& words);
  Answer Takeover(const Words& words);
  Answer ShowRoom(const Words& words);
  Answer ShowHolds(const Words& words);

  void Apply(const Event& event);
  Answer Show(Claim& claim);
  Claim* FindClaim(const std::string& name);
  std::vector<std::string> NodesOf(const Words& words, size_t from) const;
  std::string NameOfClaim(std::string_view uid) const;
  std::string NameOfOwner(std::string_view owner) const;

  absl::Time now_ = absl::FromUnixSeconds(0);
  Ledger ledger_{LedgerOptions{}};
  std::map<std::string, Devices> devices_;
  std::map<std::string, Claim> claims_;
  std::map<std::string, Pod> pods_;
  int objects_ = 0;  // For UIDs and resourceVersions.
};

}  // namespace pmem::extender
