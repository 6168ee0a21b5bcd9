// SPDX-License-Identifier: Apache-2.0
// What a volume is called on the devices, from the name that a CreateVolume call gives it. That
// name is its CSI volume id too, so that nothing has to be remembered. Pure, thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace pmem::driver {

// A name that LVM and an NVDIMM label (63 bytes) both take, the prefix of an unfinished one before
// it included.
inline constexpr int kVolumeIdBytesMax = 59;
// Of a name that we are asked for; as the CSI specification has it.
inline constexpr int kVolumeNameBytesMax = 128;

// True for ids that VolumeIdOf gives: "disk-" and then letters, digits, '.', '_', '+', '-'. What
// has any other name on a device is not ours, and is never touched.
bool IsVolumeId(std::string_view id);

// `name` itself when it is such an id, as external-provisioner's "disk-<claim uid>" is; else
// "disk-" and 32 hexadecimal digits that stand for the name.
std::string VolumeIdOf(std::string_view name);

}  // namespace pmem::driver
