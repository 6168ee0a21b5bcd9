// SPDX-License-Identifier: Apache-2.0
// Arguments for the lvm program that change volumes, and how LVM names their devices. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pmem::agent {

// A LogicalVolume of exactly `bytes`, old signatures on it wiped.
std::vector<std::string> LvmCreateArguments(std::string_view group, std::string_view name,
                                            int64_t bytes);
std::vector<std::string> LvmRenameArguments(std::string_view group, std::string_view name,
                                            std::string_view new_name);
std::vector<std::string> LvmExtendArguments(std::string_view group, std::string_view name,
                                            int64_t bytes);
std::vector<std::string> LvmActivateArguments(std::string_view group, std::string_view name);
// Its device as the metadata has it, whatever state a killed command left it in.
std::vector<std::string> LvmRefreshArguments(std::string_view group, std::string_view name);
std::vector<std::string> LvmRemoveArguments(std::string_view group, std::string_view name);
// A VolumeGroup on one device, of no host. Its extents begin where large pages do. `is_half_made`:
// also where LVM believes that one is there whose metadata is missing.
std::vector<std::string> LvmCreateGroupArguments(std::string_view group, const std::string& device,
                                                 bool is_half_made);

// "/dev/mapper/pmemvgregion0-disk--1": dashes within a name are doubled.
std::string MapperPath(std::string_view group, std::string_view name);

}  // namespace pmem::agent
