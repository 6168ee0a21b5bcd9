// SPDX-License-Identifier: Apache-2.0
// PersistentVolumes that people made for volumes which are there already: who gets which, and what
// becomes of them. As in Kubernetes: a scheduler gives the smallest one that will do to the
// smallest claim first, per node; the PV controller binds what a scheduler chose, and claims that
// bind immediately by itself. They are never deleted with their claim (Retain), and people give
// some to others then.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simulator/oracle.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {

bool IsStatic(const std::string& volume_name);

class StaticVolumes {
 public:
  StaticVolumes(Stage& stage, Oracle& oracle);

  // For a volume that is on the node.
  void Make(const std::string& node, const std::string& handle, const Want& want,
            bool is_immediate);
  // By claim UID, those of `claims` that get one on the node; empty node: on any. Not those in
  // `assumed`.
  using Matches = std::map<std::string, PersistentVolume>;
  Matches Match(std::vector<Claim> claims, const std::string& node,
                const std::set<std::string>& assumed) const;
  // False: somebody else was faster. The claim is bound to it soon.
  bool Take(const PersistentVolume& volume, const Claim& claim);
  // Its claim is gone.
  void Release(const std::string& name);
  void DeleteAll();

 private:
  void Bind(const std::string& name);
  // Somebody takes its claimRef away: the next one may have it.
  void Free(const std::string& name);
  // It changed, which no ledger knows whose watch has not told of it.
  void NoteChanged(const std::string& name);

  Stage& stage_;
  Oracle& oracle_;
  Random random_;
  int next_ = 1;
};

}  // namespace pmem::extender::simulator
