// SPDX-License-Identifier: Apache-2.0
// Which VolumeGroups may be ours, whatever they are called: those on NVDIMM namespaces that are no
// volumes. LVM looks at all block devices of the node, also at what a pod has written into its
// block volume, and at the loop device over it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "capacity-agent/core/device_state.h"

namespace pmem::agent {

// Whether a namespace of that alt name is a volume, made or half-made: what is on it is its pod's.
bool IsVolumeName(std::string_view alt_name);

// Whether physical volume "pmem0" or its partition "pmem0p1" lies on block device "pmem0".
bool LiesOn(std::string_view physical_volume, std::string_view block_device);

// Leaves those of which every physical volume that is there lies on such a namespace, in whatever
// region. One without is simulated, or hidden.
void KeepOwnGroups(DeviceState* devices);
// Whether there is a namespace that one could lie on.
bool MayCarryGroups(const DeviceState& devices);

// Arguments for each lvm command: it sees these block devices and their partitions alone. The
// commands name VolumeGroups, and somebody else's may have the same name. Nor does it keep what was
// before each change in /etc/lvm/archive: several files a volume, for 30 days, all of which every
// change looks through, and to restore one would bring back volumes that are deleted. What is now
// (/etc/lvm/backup), for vgcfgrestore, is kept as the node's lvm.conf has it.
std::vector<std::string> LvmConfigArguments(absl::Span<const std::string> block_devices);

}  // namespace pmem::agent
