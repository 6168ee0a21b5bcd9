// SPDX-License-Identifier: Apache-2.0
// The label area of an NVDIMM, as the UEFI specification lays it out: two index blocks, then slots
// for labels. Pure, thread-safe.
#pragma once

#include <string_view>

namespace pmem::agent {

// Whether it is known that no NVDIMM namespace has its label there: the area is all zeros, or it
// was initialized, perhaps not to the end, and no slot was ever written. Both may be initialized
// (again) without a loss. False for whatever else, also for an index block that is torn.
bool HoldsNoLabel(std::string_view area);

}  // namespace pmem::agent
