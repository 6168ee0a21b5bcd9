// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/lvm_maker.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "capacity-agent/core/own_groups.h"
#include "capacity-agent/device/erase.h"
#include "common/io/files.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

constexpr int64_t kAttributeBytesMax = 4096;
constexpr absl::Duration kLvmInterruptionMax = absl::Seconds(10);
// Of LVM's own between a volume and what it lies on: a snapshot's origin that pvmove moves.
constexpr int kLayersMax = 2;

bool IsPvmove(const VolumePlace& place, absl::string_view path) {
  return absl::ConsumePrefix(&path, MapperPath(place.pool, "pvmove")) && !path.empty() &&
         std::all_of(path.begin(), path.end(), absl::ascii_isdigit);
}

// A pod that wrote a VolumeGroup of our name into its block volume has its volumes on that: what
// lies on another volume is not ours, whatever that lies on.
bool IsLayer(const VolumePlace& place, const std::string& sysfs_path) {
  const auto name = ReadFile(sysfs_path + "/dm/name", kAttributeBytesMax);
  if (!name.ok()) return false;
  const std::string path = absl::StrCat("/dev/mapper/", absl::StripAsciiWhitespace(*name));
  return path == MapperPath(place.pool, place.name) + "-real" || IsPvmove(place, path);
}

}  // namespace

LvmMaker::LvmMaker(const std::string& command, absl::Duration timeout,
                   ListGroupDevices group_devices, std::string root)
    : command_(command, std::move(group_devices)),
      timeout_(kWritingFactor * timeout),
      root_(std::move(root)) {}

absl::Status LvmMaker::Run(const std::vector<std::string>& arguments) {
  PMEM_ASSIGN_OR_RETURN(CommandOptions options, command_.Options(arguments, timeout_));
  // It keeps signals off while it has a VolumeGroup locked, and is ended before or after.
  options.interruption_max = kLvmInterruptionMax;
  return RunToSuccess(&runner_, options).status();
}

absl::Status LvmMaker::Finish(const VolumePlace& unfinished, const std::string& name) {
  PMEM_ASSIGN_OR_RETURN(const std::string device, Open(unfinished));
  PMEM_RETURN_IF_ERROR(EraseDevice(device, Erasure::kSignatures));
  return Run(LvmRenameArguments(unfinished.pool, unfinished.name, name));
}

absl::Status LvmMaker::Create(const VolumePlace& place, int64_t bytes, const Work& once_taken) {
  const VolumePlace unfinished = {.pool = place.pool, .name = kUnfinishedPrefix + place.name};
  PMEM_RETURN_IF_ERROR(Run(LvmCreateArguments(unfinished.pool, unfinished.name, bytes)));
  absl::Status finished = once_taken();
  if (finished.ok()) finished = Finish(unfinished, place.name);
  // What cannot be taken back now is taken back by the next call.
  if (!finished.ok()) Remove(unfinished).IgnoreError();
  return finished;
}

absl::Status LvmMaker::Extend(const VolumePlace& place, int64_t bytes) {
  PMEM_RETURN_IF_ERROR(Resume(place));
  return Run(LvmExtendArguments(place.pool, place.name, bytes));
}

std::string LvmMaker::SysfsPathOf(const VolumePlace& place) const {
  struct stat info = {};
  if (stat(PathOf(place).c_str(), &info) != 0) return "";
  return absl::StrCat(root_, "/sys/dev/block/", major(info.st_rdev), ":", minor(info.st_rdev));
}

bool LvmMaker::IsSuspended(const VolumePlace& place) const {
  const auto text = ReadFile(SysfsPathOf(place) + "/dm/suspended", kAttributeBytesMax);
  return text.ok() && absl::StripAsciiWhitespace(*text) == "1";
}

absl::Status LvmMaker::Resume(const VolumePlace& place) {
  if (!IsSuspended(place)) return absl::OkStatus();
  PMEM_RETURN_IF_ERROR(Run(LvmRefreshArguments(place.pool, place.name)));
  if (!IsSuspended(place)) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(PathOf(place), ": stays suspended"));
}

// The path may be a link that udev has not taken away yet, of a device whose number another volume
// has by now.
absl::Status LvmMaker::CheckName(const VolumePlace& place) const {
  const auto found = ReadFile(SysfsPathOf(place) + "/dm/name", kAttributeBytesMax);
  const std::string path = PathOf(place);
  if (!found.ok()) {
    return absl::UnavailableError(absl::StrCat(path, ": whose device it is cannot be told"));
  }
  const absl::string_view name = absl::StripAsciiWhitespace(*found);
  if (absl::EndsWith(path, absl::StrCat("/", name))) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(path, " leads to ", name, ", another volume (dmsetup mknodes puts it right)"));
}

absl::Status LvmMaker::CheckSlaves(const VolumePlace& place, const std::string& sysfs_path,
                                   const std::vector<std::string>& own, int layers_max) const {
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(sysfs_path + "/slaves", error)) {
    const std::string under = each.path().filename().string();
    const bool is_own = std::any_of(own.begin(), own.end(), [&under](const std::string& device) {
      return LiesOn(under, device);
    });
    if (is_own) continue;
    if (layers_max > 0 && IsLayer(place, each.path().string())) {
      PMEM_RETURN_IF_ERROR(CheckSlaves(place, each.path().string(), own, layers_max - 1));
    } else {
      return absl::FailedPreconditionError(
          absl::StrCat(PathOf(place), " lies on ", under, ": it is another VolumeGroup's"));
    }
  }
  return absl::OkStatus();
}

// Whoever writes a VolumeGroup of our name into a block volume may have LVM activate it first.
absl::Status LvmMaker::CheckOwn(const VolumePlace& place) const {
  PMEM_ASSIGN_OR_RETURN(const std::vector<std::string> own, command_.GroupDevices());
  return CheckSlaves(place, SysfsPathOf(place), own, kLayersMax);
}

absl::StatusOr<std::string> LvmMaker::Open(const VolumePlace& place) {
  const std::string path = PathOf(place);
  if (access(path.c_str(), F_OK) != 0) {
    PMEM_RETURN_IF_ERROR(Run(LvmActivateArguments(place.pool, place.name)));
  }
  if (access(path.c_str(), F_OK) != 0) {
    return absl::UnavailableError(absl::StrCat(path, ": not there after activation"));
  }
  PMEM_RETURN_IF_ERROR(CheckName(place));
  PMEM_RETURN_IF_ERROR(CheckOwn(place));
  PMEM_RETURN_IF_ERROR(Resume(place));
  return path;
}

std::optional<std::string> LvmMaker::OpenDevice(const VolumePlace& place) {
  const bool is_ready = CheckName(place).ok() && CheckOwn(place).ok() && !IsSuspended(place);
  return is_ready ? std::optional(PathOf(place)) : std::nullopt;
}

absl::Status LvmMaker::Remove(const VolumePlace& place) {
  return Run(LvmRemoveArguments(place.pool, place.name));
}

absl::Status LvmMaker::Disown(const VolumePlace& place) {
  return Run(LvmRenameArguments(place.pool, place.name, kUnfinishedPrefix + place.name));
}

}  // namespace pmem::agent
