// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/lvm_maker.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/device/erase.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {

LvmMaker::LvmMaker(const std::string& command, absl::Duration timeout,
                   absl::Duration allocation_max, ListGroupDevices group_devices)
    : command_(command, std::move(group_devices)),
      timeout_(timeout),
      allocation_timeout_(std::min(timeout, allocation_max)) {}

absl::Status LvmMaker::Run(const std::vector<std::string>& arguments, absl::Duration timeout) {
  PMEM_ASSIGN_OR_RETURN(const CommandOptions options, command_.Options(arguments, timeout));
  return RunToSuccess(&runner_, options).status();
}

absl::Status LvmMaker::Finish(const VolumePlace& unfinished, const std::string& name) {
  PMEM_ASSIGN_OR_RETURN(const std::string device, Open(unfinished));
  PMEM_RETURN_IF_ERROR(EraseDevice(device, Erasure::kSignatures));
  return Run(LvmRenameArguments(unfinished.pool, unfinished.name, name));
}

absl::Status LvmMaker::Create(const VolumePlace& place, int64_t bytes) {
  const VolumePlace unfinished = {.pool = place.pool, .name = kUnfinishedPrefix + place.name};
  PMEM_RETURN_IF_ERROR(
      Run(LvmCreateArguments(unfinished.pool, unfinished.name, bytes), allocation_timeout_));
  absl::Status finished = Finish(unfinished, place.name);
  // What cannot be taken back now is taken back by the next call.
  if (!finished.ok()) Remove(unfinished).IgnoreError();
  return finished;
}

absl::Status LvmMaker::Extend(const VolumePlace& place, int64_t bytes) {
  return Run(LvmExtendArguments(place.pool, place.name, bytes));
}

absl::StatusOr<std::string> LvmMaker::Open(const VolumePlace& place) {
  std::string path = MapperPath(place.pool, place.name);
  if (access(path.c_str(), F_OK) == 0) return path;
  PMEM_RETURN_IF_ERROR(Run(LvmActivateArguments(place.pool, place.name)));
  if (access(path.c_str(), F_OK) == 0) return path;
  return absl::UnavailableError(absl::StrCat(path, ": not there after activation"));
}

absl::Status LvmMaker::Remove(const VolumePlace& place) {
  return Run(LvmRemoveArguments(place.pool, place.name));
}

absl::Status LvmMaker::Disown(const VolumePlace& place) {
  return Run(LvmRenameArguments(place.pool, place.name, kUnfinishedPrefix + place.name));
}

}  // namespace pmem::agent
