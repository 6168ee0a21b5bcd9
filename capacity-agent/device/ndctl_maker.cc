// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/ndctl_maker.h"

#include <fcntl.h>
#include <ndctl/libndctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include <cerrno>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/own_groups.h"
#include "capacity-agent/device/erase.h"
#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/file_descriptor.h"
#include "capacity-agent/device/ndctl_context.h"
#include "common/pure/absl_view.h"
#include "common/pure/names.h"
#include "common/pure/sizing.h"
#include "common/pure/status_macros.h"
#include "common/pure/units.h"

namespace pmem::agent {
namespace {

// Large pages: what a file system on it can map at once.
constexpr unsigned long kPageAlignmentBytes = 2 * kMiB;

// libndctl answers 0 or a negative errno.
absl::Status Check(int result, std::string_view what) {
  return result >= 0 ? absl::OkStatus() : ErrnoStatus(-result, what);
}

ndctl_region* FindRegion(ndctl_ctx* context, std::string_view name) {
  ndctl_bus* bus = nullptr;
  ndctl_bus_foreach(context, bus) {
    ndctl_region* region = nullptr;
    ndctl_region_foreach(bus, region) {
      if (ndctl_region_get_devname(region) == name) return region;
    }
  }
  return nullptr;
}

using IsIt = std::function<bool(ndctl_namespace*)>;

ndctl_namespace* FindNamespace(ndctl_region* region, const IsIt& is_it) {
  ndctl_namespace* each = nullptr;
  ndctl_namespace_foreach(region, each) {
    if (ndctl_namespace_get_size(each) != 0 && is_it(each)) return each;
  }
  return nullptr;
}

IsIt HasName(const std::string& alt_name) {
  return [alt_name](ndctl_namespace* each) {
    const char* const found = ndctl_namespace_get_alt_name(each);
    return found != nullptr && found == alt_name;
  };
}

// Of what has a label: whoever made it gave it one of its own, and nobody changes it.
std::string UuidOf(ndctl_namespace* source) {
  uuid_t uuid;
  ndctl_namespace_get_uuid(source, uuid);
  return std::string(std::begin(uuid), std::end(uuid));
}

IsIt HasUuid(const std::string& uuid) {
  return [uuid](ndctl_namespace* each) { return UuidOf(each) == uuid; };
}

// A context, the region in it and, perhaps, the volume. Valid until the namespace list changes:
// libndctl keeps its first view.
struct View {
  NdctlContext context;
  ndctl_region* region = nullptr;
  ndctl_namespace* volume = nullptr;
};

absl::StatusOr<View> Look(const std::string& region, const IsIt& is_it) {
  View view;
  PMEM_ASSIGN_OR_RETURN(view.context, NewNdctlContext());
  view.region = FindRegion(view.context.get(), region);
  if (view.region == nullptr) return absl::NotFoundError(absl::StrCat("no region ", region));
  view.volume = FindNamespace(view.region, is_it);
  return view;
}

absl::StatusOr<View> Look(const VolumePlace& place) {
  return Look(place.pool, HasName(place.name));
}

absl::StatusOr<View> LookAtVolume(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(View view, Look(place));
  if (view.volume != nullptr) return view;
  return absl::NotFoundError(absl::StrCat("no NVDIMM namespace ", place.name, " in ", place.pool));
}

// Whoever was killed before he set the size left one, random like ours. In a region without labels
// the kernel lets nobody replace it: EBUSY.
int SetUuid(ndctl_namespace* seed) {
  uuid_t uuid;
  ndctl_namespace_get_uuid(seed, uuid);
  if (uuid_is_null(uuid) == 0) return 0;
  uuid_generate(uuid);
  return ndctl_namespace_set_uuid(seed, uuid);
}

// What is half-made stays the seed, and what could not be enabled when the node booted may be it:
// to take that would rename it, and grow or shrink it where it lies.
absl::Status CheckFree(ndctl_namespace* seed, const VolumePlace& place) {
  if (ndctl_namespace_get_size(seed) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(place.pool, ": offers no new namespace while ",
                                             ndctl_namespace_get_devname(seed), " is not enabled"));
}

// Size last: with it the label is written, and from then on the room is taken under this name.
absl::Status AllocateRoom(ndctl_region* region, const VolumePlace& place, int64_t bytes) {
  ndctl_namespace* const seed = ndctl_region_get_namespace_seed(region);
  if (seed == nullptr) return absl::UnavailableError(place.pool + ": offers no new namespace");
  PMEM_RETURN_IF_ERROR(CheckFree(seed, place));
  PMEM_RETURN_IF_ERROR(Check(SetUuid(seed), place.pool + ": uuid"));
  PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_set_alt_name(seed, place.name.c_str()), "alt name"));
  const int result = ndctl_namespace_set_size(seed, static_cast<unsigned long long>(bytes));
  if (result == -ENOSPC) {
    return absl::ResourceExhaustedError(
        absl::StrCat(place.pool, ": no contiguous room for ", bytes, " bytes"));
  }
  return Check(result, absl::StrCat(place.pool, ": size ", bytes));
}

// The kernel makes no event of room that is taken until the volume is enabled, which takes minutes
// for terabytes. Meanwhile an agent would confirm a report from before.
absl::Status TellOfRoom(ndctl_region* region) {
  constexpr std::string_view kEvent = "change";
  const std::string path =
      absl::StrCat("/sys/bus/nd/devices/", ndctl_region_get_devname(region), "/uevent");
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const bool is_told = file.is_open() && write(file.get(), kEvent.data(), kEvent.size()) >= 0;
  return is_told ? absl::OkStatus() : ErrnoStatus(errno, path);
}

// "/dev/…", of a volume that is enabled and of mode fsdax; else nothing.
std::optional<std::string> FsdaxDevice(ndctl_namespace* volume) {
  ndctl_pfn* const pfn = ndctl_namespace_get_pfn(volume);
  if (pfn == nullptr || ndctl_pfn_is_enabled(pfn) == 0) return std::nullopt;
  const char* const device = ndctl_pfn_get_block_device(pfn);
  if (device == nullptr || *device == '\0') return std::nullopt;
  return absl::StrCat("/dev/", device);
}

absl::Status EnableFsdax(const View& view) {
  PMEM_RETURN_IF_ERROR(
      Check(ndctl_namespace_set_enforce_mode(view.volume, NDCTL_NS_MODE_FSDAX), "mode"));
  ndctl_pfn* const pfn = ndctl_region_get_pfn_seed(view.region);
  if (pfn == nullptr) return absl::UnavailableError("the region offers no fsdax device");
  uuid_t uuid;
  uuid_generate(uuid);
  PMEM_RETURN_IF_ERROR(Check(ndctl_pfn_set_uuid(pfn, uuid), "fsdax uuid"));
  PMEM_RETURN_IF_ERROR(Check(ndctl_pfn_set_location(pfn, NDCTL_PFN_LOC_PMEM), "fsdax location"));
  PMEM_RETURN_IF_ERROR(Check(ndctl_pfn_set_align(pfn, kPageAlignmentBytes), "fsdax alignment"));
  PMEM_RETURN_IF_ERROR(Check(ndctl_pfn_set_namespace(pfn, view.volume), "fsdax namespace"));
  absl::Status enabled = Check(ndctl_pfn_enable(pfn), "fsdax");
  if (!enabled.ok()) ndctl_pfn_set_namespace(pfn, nullptr);
  return enabled;
}

// Of a disabled one.
absl::Status SetName(const View& view, const std::string& name) {
  return Check(ndctl_namespace_set_alt_name(view.volume, name.c_str()), "alt name " + name);
}

// The last step: before it nothing of that name is seen.
absl::Status Rename(const VolumePlace& place, const std::string& name) {
  PMEM_ASSIGN_OR_RETURN(const View view, LookAtVolume(place));
  PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_disable_safe(view.volume), place.name));
  PMEM_RETURN_IF_ERROR(SetName(view, name));
  return LateStatus(Check(ndctl_namespace_enable(view.volume), name));
}

// What the kernel knows of each page of the volume lies before its block device, where the data of
// the next one may be. Of a disabled volume, which is enabled as raw until it is put away.
absl::StatusOr<Work> OpenPageMap(const View& view, const std::string& name) {
  const auto bytes = static_cast<int64_t>(ndctl_namespace_get_size(view.volume));
  PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_set_raw_mode(view.volume, 1), name + ": raw mode"));
  PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_enable(view.volume), name + ": as raw"));
  const char* const device = ndctl_namespace_get_block_device(view.volume);
  if (device == nullptr || *device == '\0') {
    return absl::UnavailableError(name + ": has no block device of mode raw");
  }
  return EraseStartLater(absl::StrCat("/dev/", device), bytes - DirectUsableBytes(bytes));
}

absl::Status PutAway(const View& view, const std::string& name) {
  absl::Status put = Check(ndctl_namespace_disable_safe(view.volume), name);
  put.Update(Check(ndctl_namespace_set_raw_mode(view.volume, 0), name + ": raw mode"));
  return put;
}

// Put away, where it was begun to be erased. Not there: OK.
absl::Status Delete(const VolumePlace& place, const std::string& uuid) {
  PMEM_ASSIGN_OR_RETURN(const View view, Look(place.pool, HasUuid(uuid)));
  if (view.volume == nullptr) return absl::OkStatus();
  if (IsVolumeName(place.name)) {
    PMEM_RETURN_IF_ERROR(PutAway(view, place.name));
  } else {
    PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_disable_safe(view.volume), place.name));
  }
  return Check(ndctl_namespace_delete(view.volume), place.name);
}

VolumePlace Unfinished(const VolumePlace& place) {
  if (place.name.starts_with(kUnfinishedPrefix)) return place;
  return {.pool = place.pool, .name = kUnfinishedPrefix + place.name};
}

}  // namespace

absl::Status NdctlMaker::Create(const VolumePlace& place, int64_t bytes, const Work& once_taken) {
  const VolumePlace unfinished = {.pool = place.pool, .name = kUnfinishedPrefix + place.name};
  PMEM_ASSIGN_OR_RETURN(const View found, Look(unfinished));
  // Nothing would tell it from ours below. Nor is it removed here: others wait meanwhile.
  if (found.volume != nullptr) {
    return absl::UnavailableError(absl::StrCat(unfinished.name, " is still in ", place.pool));
  }
  const auto make = [&]() -> absl::Status {
    PMEM_RETURN_IF_ERROR(AllocateRoom(found.region, unfinished, bytes));
    // Before the second look. A volume that nobody hears of so soon is as good: the agent reads it
    // once it is enabled, or when it reads all again.
    TellOfRoom(found.region).IgnoreError();
    PMEM_RETURN_IF_ERROR(once_taken());
    {
      PMEM_ASSIGN_OR_RETURN(const View view, LookAtVolume(unfinished));
      PMEM_RETURN_IF_ERROR(EnableFsdax(view));
    }
    PMEM_ASSIGN_OR_RETURN(const std::string device, Open(unfinished));
    PMEM_RETURN_IF_ERROR(EraseDevice(device, Erasure::kSignatures));
    return Rename(unfinished, place.name);
  };
  absl::Status made = make();
  // A half-made one blocks its whole region. What cannot be taken back now is taken back by the
  // next call.
  if (!made.ok()) Remove(unfinished).IgnoreError();
  return made;
}

absl::Status NdctlMaker::Extend(const VolumePlace& place, int64_t) {
  return absl::OutOfRangeError(place.name + ": an NVDIMM namespace does not grow");
}

absl::StatusOr<std::string> NdctlMaker::Open(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(View view, LookAtVolume(place));
  ndctl_pfn* pfn = ndctl_namespace_get_pfn(view.volume);
  if (pfn == nullptr) {
    PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_enable(view.volume), place.name));
    PMEM_ASSIGN_OR_RETURN(view, LookAtVolume(place));
    pfn = ndctl_namespace_get_pfn(view.volume);
  }
  if (pfn != nullptr && ndctl_pfn_is_enabled(pfn) == 0) {
    // A driver that was killed between disabling and removing left it so.
    PMEM_RETURN_IF_ERROR(Check(ndctl_pfn_enable(pfn), place.name));
    PMEM_ASSIGN_OR_RETURN(view, LookAtVolume(place));
  }
  if (auto device = FsdaxDevice(view.volume)) return *std::move(device);
  return absl::FailedPreconditionError(place.name + ": has no block device of mode fsdax");
}

std::optional<std::string> NdctlMaker::OpenDevice(const VolumePlace& place) {
  const absl::StatusOr<View> view = LookAtVolume(place);
  return view.ok() ? FsdaxDevice(view->volume) : std::nullopt;
}

// By the name that nobody looks for its data under: once the page map is gone it cannot be opened
// any more.
absl::StatusOr<VolumeMaker::Removal> NdctlMaker::BeginRemoval(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(const View view, Look(place));
  if (view.volume == nullptr) return Removal{.erase = nullptr, .finish = absl::OkStatus};
  const std::string uuid = UuidOf(view.volume);
  if (uuid == std::string(sizeof(uuid_t), '\0')) {
    return absl::FailedPreconditionError(place.name + ": has no uuid");
  }
  Removal removal = {.erase = nullptr, .finish = [place, uuid] { return Delete(place, uuid); }};
  if (!IsVolumeName(place.name)) return removal;
  PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_disable_safe(view.volume), place.name));
  const std::string name = Unfinished(place).name;
  if (name != place.name) PMEM_RETURN_IF_ERROR(SetName(view, name));
  absl::StatusOr<Work> work = OpenPageMap(view, name);
  if (!work.ok()) {
    PutAway(view, name).IgnoreError();
    return work.status();
  }
  removal.erase = *std::move(work);
  return removal;
}

absl::Status NdctlMaker::Remove(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(Removal removal, BeginRemoval(place));
  const absl::Status erased = removal.erase ? removal.erase() : absl::OkStatus();
  removal.erase = nullptr;  // It keeps the device.
  if (erased.ok()) return removal.finish();
  Disown(place).IgnoreError();
  return erased;
}

// It stays disabled: nobody is to use it.
absl::Status NdctlMaker::Disown(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(const View begun, Look(Unfinished(place)));
  if (begun.volume != nullptr) return PutAway(begun, place.name);
  PMEM_ASSIGN_OR_RETURN(const View view, LookAtVolume(place));
  PMEM_RETURN_IF_ERROR(Check(ndctl_namespace_disable_safe(view.volume), place.name));
  return SetName(view, kUnfinishedPrefix + place.name);
}

absl::Status NdctlMaker::Disable(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(const View view, LookAtVolume(place));
  return Check(ndctl_namespace_disable_safe(view.volume), place.name);
}

}  // namespace pmem::agent
