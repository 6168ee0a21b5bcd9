// SPDX-License-Identifier: Apache-2.0
#include "capacity-agent/device/simulated_maker.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "absl/strings/str_cat.h"
#include "capacity-agent/core/simulated_edit.h"
#include "capacity-agent/core/simulated_parse.h"
#include "capacity-agent/device/errno_status.h"
#include "capacity-agent/device/file_descriptor.h"
#include "capacity-agent/device/loop_device.h"
#include "common/io/files.h"
#include "common/pure/names.h"
#include "common/pure/status_macros.h"

namespace pmem::agent {
namespace {

absl::StatusOr<FileDescriptor> Lock(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open()) return ErrnoStatus(errno, path);
  while (flock(file.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, path);
  }
  return file;
}

// Makes the file, or brings it to its size; what is beyond it reads as zeros.
absl::Status SizeFile(const std::string& path, int64_t bytes) {
  const FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.is_open() || ftruncate(file.get(), bytes) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace

absl::Status SimulatedMaker::Rewrite(const Edit& edit) {
  PMEM_ASSIGN_OR_RETURN(const FileDescriptor lock, Lock(path_ + ".lock"));
  PMEM_ASSIGN_OR_RETURN(const std::string before, ReadFile(path_, kSimulatedFileBytesMax));
  PMEM_ASSIGN_OR_RETURN(const std::string after, edit(before));
  return ReplaceFile(path_, after);
}

absl::StatusOr<int64_t> SimulatedMaker::BytesOf(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(const std::string text, ReadFile(path_, kSimulatedFileBytesMax));
  PMEM_ASSIGN_OR_RETURN(const DeviceState devices, ParseSimulatedDevices(text));
  for (const VolumeGroup& group : devices.volume_groups) {
    for (const VolumeReport& volume : group.volumes) {
      if (group.name == place.pool && volume.name == place.name) return volume.bytes;
    }
  }
  for (const Region& region : devices.regions) {
    for (const NvdimmNamespace& each : region.nvdimm_namespaces) {
      if (region.name == place.pool && each.alt_name == place.name) return each.bytes;
    }
  }
  return absl::NotFoundError(absl::StrCat(path_, ": no volume ", place.name, " in ", place.pool));
}

absl::StatusOr<std::string> SimulatedMaker::ImagePath(const VolumePlace& place) {
  const std::string directory = path_ + ".volumes";
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(errno, directory);
  // The kernel tells loop devices by the real path of their file.
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(directory.c_str(), nullptr),
                                                         &std::free);
  if (real == nullptr) return ErrnoStatus(errno, directory);
  return absl::StrCat(real.get(), "/", place.pool, ".", place.name);
}

absl::Status SimulatedMaker::Create(const VolumePlace& place, int64_t bytes,
                                    const Work& once_taken) {
  PMEM_ASSIGN_OR_RETURN(const std::string image, ImagePath(place));
  // Of a volume of that name that was taken out of the file by hand.
  PMEM_RETURN_IF_ERROR(DetachLoopDevice(image));
  if (unlink(image.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, image);
  const VolumePlace unfinished = {.pool = place.pool, .name = kUnfinishedPrefix + place.name};
  PMEM_RETURN_IF_ERROR(Rewrite([&unfinished, bytes](std::string_view json) {
    return AddSimulatedVolume(json, unfinished.pool, unfinished.name, bytes);
  }));
  absl::Status made = once_taken();
  if (made.ok()) {
    made = Rewrite([&](std::string_view json) -> absl::StatusOr<std::string> {
      PMEM_ASSIGN_OR_RETURN(const std::string without,
                            RemoveSimulatedVolume(json, unfinished.pool, unfinished.name));
      return AddSimulatedVolume(without, place.pool, place.name, bytes);
    });
  }
  if (!made.ok()) Remove(unfinished).IgnoreError();
  return made;
}

absl::Status SimulatedMaker::Extend(const VolumePlace& place, int64_t bytes) {
  return Rewrite([&place, bytes](std::string_view json) {
    return ResizeSimulatedVolume(json, place.pool, place.name, bytes);
  });
}

absl::StatusOr<std::string> SimulatedMaker::Open(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(const int64_t bytes, BytesOf(place));
  PMEM_ASSIGN_OR_RETURN(const std::string image, ImagePath(place));
  PMEM_RETURN_IF_ERROR(SizeFile(image, bytes));
  return AttachLoopDevice(image);
}

absl::Status SimulatedMaker::Close(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(const std::string image, ImagePath(place));
  return DetachLoopDevice(image);
}

absl::StatusOr<bool> SimulatedMaker::MayHoldData(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(const std::string image, ImagePath(place));
  return access(image.c_str(), F_OK) == 0;
}

absl::Status SimulatedMaker::Remove(const VolumePlace& place) {
  PMEM_ASSIGN_OR_RETURN(const std::string image, ImagePath(place));
  PMEM_RETURN_IF_ERROR(DetachLoopDevice(image));
  if (unlink(image.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, image);
  return Rewrite([&place](std::string_view json) {
    return RemoveSimulatedVolume(json, place.pool, place.name);
  });
}

}  // namespace pmem::agent
