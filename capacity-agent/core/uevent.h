// SPDX-License-Identifier: Apache-2.0
// Which of the kernel's device events (uevents) may change what a pool holds. Pure.
#pragma once

#include <string_view>

namespace pmem::agent {

// `message`: as netlink delivers it, "add@/devices/…\0ACTION=add\0SUBSYSTEM=nd\0…". True for
// everything of the NVDIMM and DAX subsystems, and for block devices that are persistent memory or
// belong to the device mapper. A change of LVM metadata shows as "change" of the pmem device under
// it.
bool IsDeviceChange(std::string_view message);

}  // namespace pmem::agent
