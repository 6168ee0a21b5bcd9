// SPDX-License-Identifier: Apache-2.0
// The users: they create pods with claims, and everything else that people do.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/simulator/agents.h"
#include "tests/simulator/oracle.h"
#include "tests/simulator/static_volumes.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {

class Users {
 public:
  Users(Stage& stage, Oracle& oracle, Agents& agents, StaticVolumes& statics, int schedulers);
  // Enters all they will do in the agenda, for the time of the chaos.
  void Start(absl::Duration lasts);
  // A bound claim grows, if there is one to be found.
  void Expand();
  // Deletes the pods of groups that are not whole by now: they would try for ever, and keep room
  // from others meanwhile.
  void DropGroups();
  // Deletes all pods, claims and volumes made by hand.
  void CleanUp();

 private:
  struct Work {  // A pod, or several that belong together, and the claims made with them.
    std::vector<Pod> pods;
    std::vector<Claim> claims;
    bool is_group = false;
  };

  void CreateWork(int number);
  void AddPod(Work& work, int number, bool shares);
  void AddMates(Work& work, int number);
  Claim NewClaim(int number, int64_t index, bool is_immediate);
  void Create(const Work& work);
  void Delete(const Work& work, bool creates_again);
  void ShareClaim(Pod& pod);
  void Resize(const Claim& claim, int64_t bytes);
  void Unpin();
  void MakeVolume();
  void MakeStatic();
  void LoseVolume();
  // By hand on a node. False: there is no room.
  bool MakeOn(const std::string& node, const Want& want);
  void Every(absl::Duration period, absl::Time end, void (Users::*what)());
  std::string NewUid();
  std::string AnyNode();

  Stage& stage_;
  Oracle& oracle_;
  Agents& agents_;
  StaticVolumes& statics_;
  Random random_;
  const int schedulers_;
  int64_t claim_bytes_ = 0;  // Of a typical claim.
  int next_uid_ = 1;
  int next_volume_ = 1;
  std::vector<std::pair<std::string, std::string>> volumes_;  // By hand: node and name.
};

}  // namespace pmem::extender::simulator
