// SPDX-License-Identifier: Apache-2.0
// The truth about one node's persistent memory. Knows nothing of the ledger, and shares no code
// with it: it rounds, places and packs by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/pure/capacity_report.h"
#include "tests/support/random.h"

namespace pmem::extender::simulator {

// What somebody wants on the node.
struct Want {
  std::string claim_uid;
  PoolKind kind = PoolKind::kLvm;
  int64_t bytes = 0;
};

class Devices {
 public:
  void AddGroup(const std::string& name, int64_t bytes);
  void AddRegion(const std::string& name, int64_t bytes, int64_t label_slots);

  // How the node picks among the pools and extents that fit.
  enum class Choice { kBestFit, kAny };
  // False: nothing fits (RESOURCE_EXHAUSTED). A volume that is there already is left as it is.
  bool Create(const Want& want, const std::string& name, Choice choice, absl::Time now,
              Random& random);
  bool Expand(const std::string& name, int64_t bytes);
  void Delete(const std::string& name);
  void Clear();
  bool Has(const std::string& name) const;
  bool HasVolumes() const;

  // Whether all could be made beside what is there, in the best of cases; what is half made goes
  // before. nullopt: too many to tell.
  std::optional<bool> CanHold(std::vector<Want> wants) const;
  // The same, had the volumes made after `since` not been put where they are, but where it suits
  // the others.
  std::optional<bool> CouldHold(std::vector<Want> wants, absl::Time since) const;

  // Pools of a report. The caller adds the rest.
  std::vector<PoolReport> Pools() const;

 private:
  struct Volume {
    std::string name;
    int64_t offset = 0;  // In a region.
    int64_t bytes = 0;
    absl::Time made_at;
  };
  struct Pool {
    std::string id;
    PoolKind kind = PoolKind::kLvm;
    int64_t bytes = 0;
    int64_t step = 1;
    int64_t slots = 0;
    std::vector<Volume> volumes;  // By offset.
  };
  struct Gap {
    size_t pool = 0;
    int64_t offset = 0;
    int64_t bytes = 0;
  };

  static int64_t RoundUp(int64_t bytes, int64_t step);
  static int64_t UsedBytes(const Pool& pool);
  std::vector<Gap> Gaps(const Pool& pool, size_t index) const;
  std::vector<Gap> AllGaps() const;
  Devices WithoutHalfMade() const;
  static void Insert(Pool& pool, Volume volume);

  std::vector<Pool> pools_;
};

}  // namespace pmem::extender::simulator
