// SPDX-License-Identifier: Apache-2.0
// What a vgcreate leaves that was cut off. Pure.
//
// On a device whose start is zeros it writes, in this order: the head of the metadata area (byte
// 4096), the label (512), the label once more with a mark that a VolumeGroup uses it, the text of
// the metadata (4608), and where the text is, at first provisionally (bytes 4136 and 4160). Each
// change of a VolumeGroup writes another text behind the one before: one that had a volume has more
// than the first.
#pragma once

#include <cstddef>
#include <string_view>

#include "common/pure/units.h"

namespace pmem::driver {

// `start`: the first kGroupStartBytes of a device, or all of it. True when nothing is there but
// what a vgcreate of `group` wrote before it was cut off: no volume was ever made, and nobody's
// data is there. False also for what `vgremove` and `pvremove` leave, which somebody ran, for a
// label without the mark, and wherever it is not certain: vgcreate leaves it so only between two
// writes that follow each other, but `pvcreate --restorefile` leaves the mark to the `vgcfgrestore`
// of somebody who wants his volumes back.
inline constexpr size_t kGroupStartBytes = size_t{4} * kMiB;
bool IsHalfMadeGroup(std::string_view start, std::string_view group);

}  // namespace pmem::driver
