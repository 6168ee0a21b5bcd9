// SPDX-License-Identifier: Apache-2.0
// VolumeGroups that vgs does not show and that need not be gone: a region or an nvdimm namespace is
// disabled, or the first sectors of a physical volume are damaged. Pure, deterministic,
// not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "capacity-agent/core/device_state.h"
#include "capacity-agent/core/name_pattern.h"

namespace pmem::agent {

// Whether one of the VolumeGroup's physical volumes is there, or a partition of it.
bool Carries(const NvdimmNamespace& nvdimm_namespace, const VolumeGroup& group);
bool Carries(const Region& region, const VolumeGroup& group);

// Adds those that an nvdimm namespace has the name of, as it has where init made both: inactive,
// without volumes. Only what `groups` and `regions` cover. Of a namespace with a block device only
// a name that init gives counts: another may carry a file system, whatever a pattern covers.
void AddHiddenByName(const NamePatterns& groups, const NamePatterns& regions, DeviceState* devices);

// A disabled namespace that may carry a VolumeGroup of any name, for people; or "". Those that are
// called as our volumes carry none.
std::string DisabledNamespace(const DeviceState& devices, const NamePatterns& regions);

// VolumeGroups as they were seen last, and the namespaces under them.
class KnownGroups {
 public:
  // Leaves own ones (own_groups.h) of what is there, learns them, and adds what was there and is
  // not seen: inactive, while something under it in `regions` is disabled; else only until
  // everything was read after it was missed, since regions and VolumeGroups are read apart.
  // `read_at`: when the older of both was, on the steady clock: the other one may be set back.
  void AddHidden(const NamePatterns& regions, absl::Time read_at, DeviceState* devices);

 private:
  struct Known {
    VolumeGroup group;
    std::map<std::string, std::string> carriers;  // Device name -> region.
    std::optional<absl::Time> missed_at;          // Though nothing under it is disabled.
  };
  void Learn(const DeviceState& devices);
  static VolumeGroup Hidden(const Known& known, const std::string& trouble);

  std::map<std::string, Known> known_;  // By name.
};

}  // namespace pmem::agent
