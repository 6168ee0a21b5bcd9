// SPDX-License-Identifier: Apache-2.0
#include "csi-driver/staging.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/pure/status_macros.h"
#include "csi-driver/core/format.h"

namespace pmem::driver {
namespace {

bool IsAboutDax(const std::string& option) {
  return option == "dax" || absl::StartsWith(option, "dax=");
}

}  // namespace

absl::Status Staging::CheckNoData(const std::string& device) {
  PMEM_ASSIGN_OR_RETURN(const std::string data, host_->DataOnVolume(device));
  if (data.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      device, " has no finished file system that blkid knows, but is not empty (", data,
      "): it is left as it is. Its superblock may be damaged (e2fsck -b 32768, xfs_repair), or it "
      "was a block volume; if nobody needs the data, delete the claim"));
}

absl::Status Staging::PrepareFileSystem(const std::string& device, const VolumeUse& use) {
  const std::string& wanted = use.file_system;
  PMEM_ASSIGN_OR_RETURN(const std::string found, host_->FileSystemOn(device));
  if (found == wanted) return host_->FinishFormat(device);
  // An unfinished one of ours, which has the mark, is made anew: there was never anything on it.
  // Others leave one, too (xfs_copy, xfs_mdrestore). A mkfs.xfs that is still at work, because the
  // driver before this one was killed, has the device for itself, and fails this one.
  if (!found.empty() && found != kUnfinishedXfs) {
    return absl::FailedPreconditionError(
        absl::StrCat(device, " carries ", found, ", not ", wanted, ": it is left as it is"));
  }
  PMEM_RETURN_IF_ERROR(CheckNoData(device));
  return host_->Format(device, wanted);
}

absl::Status Staging::StageFileSystem(const std::string& device, const std::string& staging_path,
                                      const VolumeUse& use) {
  PMEM_ASSIGN_OR_RETURN(const auto mount, host_->MountAt(staging_path));
  if (mount) {
    PMEM_ASSIGN_OR_RETURN(const std::string number, host_->DeviceNumber(device));
    if (mount->device_number == number && mount->type == use.file_system) return absl::OkStatus();
    return absl::AlreadyExistsError(absl::StrCat(staging_path, ": ", mount->type, " of device ",
                                                 mount->device_number, " is mounted there"));
  }
  PMEM_RETURN_IF_ERROR(PrepareFileSystem(device, use));
  PMEM_RETURN_IF_ERROR(host_->MakeDirectory(staging_path));
  MountRequest request = {.source = device,
                          .target = staging_path,
                          .type = use.file_system,
                          .options = use.mount_options};
  // A class may say dax=never or dax=inode: ours would come last, and win.
  const bool has_own = std::any_of(request.options.begin(), request.options.end(), IsAboutDax);
  if (!has_own && host_->CanDax(device)) request.options.emplace_back("dax");
  return host_->MountOn(request);
}

absl::Status Staging::Stage(const std::string& id, const std::string& staging_path,
                            const VolumeUse& use) {
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, volumes_->TakeTurn(id));
  PMEM_ASSIGN_OR_RETURN(const Volume volume, volumes_->Find(id));
  PMEM_ASSIGN_OR_RETURN(const std::string device, volumes_->Open(volume));
  if (use.is_block) return absl::OkStatus();
  return StageFileSystem(device, staging_path, use);
}

absl::Status Staging::Unstage(const std::string& id, const std::string& staging_path) {
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, volumes_->TakeTurn(id));
  PMEM_ASSIGN_OR_RETURN(const auto mount, host_->MountAt(staging_path));
  // A command that was killed while it grew the volume may have left it so: to unmount it would
  // hang for ever, with the volume's turn.
  if (mount && host_->IsSuspended(mount->device_number)) {
    PMEM_ASSIGN_OR_RETURN(const Volume suspended, volumes_->Find(id));
    PMEM_RETURN_IF_ERROR(volumes_->Open(suspended).status());
  }
  PMEM_RETURN_IF_ERROR(host_->Unmount(staging_path));
  const auto volume = volumes_->Find(id);
  // Unmounted is what was asked for; a volume that is gone holds nothing.
  if (absl::IsNotFound(volume.status())) return absl::OkStatus();
  if (!volume.ok()) return volume.status();
  return volumes_->Close(*volume);
}

absl::StatusOr<bool> Staging::StagedReadOnly(const std::string& device,
                                             const std::string& staging_path) {
  PMEM_ASSIGN_OR_RETURN(const auto mount, host_->MountAt(staging_path));
  if (!mount) {
    return absl::FailedPreconditionError(
        absl::StrCat(device, " is not staged: nothing is mounted at ", staging_path));
  }
  PMEM_ASSIGN_OR_RETURN(const std::string number, host_->DeviceNumber(device));
  if (mount->device_number == number) return mount->is_read_only;
  return absl::FailedPreconditionError(absl::StrCat(
      device, " is not staged: device ", mount->device_number, " is mounted at ", staging_path));
}

absl::StatusOr<bool> Staging::IsMountedAt(const std::string& device, const std::string& target_path,
                                          const Mount& mount, bool is_block) {
  PMEM_ASSIGN_OR_RETURN(const std::string number, host_->DeviceNumber(device));
  if (!is_block) return mount.device_number == number;
  // A device node that is bound to a path: the node's number tells, not that of its file system.
  const auto node_number = host_->DeviceNumber(target_path);
  return node_number.ok() && *node_number == number;
}

// `is_read_only` is what the mount at the target is to be in the end.
absl::StatusOr<bool> Staging::IsPublished(const std::string& device, const std::string& target_path,
                                          bool is_block, bool is_read_only) {
  PMEM_ASSIGN_OR_RETURN(const auto mount, host_->MountAt(target_path));
  if (!mount) return false;
  PMEM_ASSIGN_OR_RETURN(const bool is_ours, IsMountedAt(device, target_path, *mount, is_block));
  if (!is_ours) {
    return absl::AlreadyExistsError(absl::StrCat(target_path, ": something else is mounted there"));
  }
  if (is_block || mount->is_read_only == is_read_only) return true;
  if (!is_read_only) {
    return absl::AlreadyExistsError(absl::StrCat(target_path, ": is mounted there read-only"));
  }
  // A driver before this one did not come to it. Whoever writes there makes it fail.
  PMEM_RETURN_IF_ERROR(host_->MakeReadOnly(target_path));
  return true;
}

absl::Status Staging::PublishBlock(const std::string& device, const std::string& target_path) {
  PMEM_ASSIGN_OR_RETURN(const bool is_published, IsPublished(device, target_path, true, false));
  if (is_published) return absl::OkStatus();
  PMEM_RETURN_IF_ERROR(host_->MakeFile(target_path));
  return host_->MountOn({.source = device, .target = target_path});
}

absl::Status Staging::PublishFileSystem(const std::string& device, const std::string& staging_path,
                                        const std::string& target_path, bool is_read_only) {
  PMEM_ASSIGN_OR_RETURN(const bool staged_read_only, StagedReadOnly(device, staging_path));
  PMEM_ASSIGN_OR_RETURN(const bool is_published,
                        IsPublished(device, target_path, false, is_read_only || staged_read_only));
  if (is_published) return absl::OkStatus();
  PMEM_RETURN_IF_ERROR(host_->MakeDirectory(target_path));
  return host_->MountOn(
      {.source = staging_path, .target = target_path, .is_read_only = is_read_only});
}

absl::Status Staging::Publish(const std::string& id, const std::string& staging_path,
                              const std::string& target_path, const VolumeUse& use) {
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, volumes_->TakeTurn(id));
  PMEM_ASSIGN_OR_RETURN(const Volume volume, volumes_->Find(id));
  PMEM_ASSIGN_OR_RETURN(const std::string device, volumes_->Open(volume));
  if (use.is_block) return PublishBlock(device, target_path);
  return PublishFileSystem(device, staging_path, target_path, use.is_read_only);
}

absl::Status Staging::Unpublish(const std::string& id, const std::string& target_path) {
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, volumes_->TakeTurn(id));
  PMEM_RETURN_IF_ERROR(host_->Unmount(target_path));
  return host_->RemovePath(target_path);
}

absl::StatusOr<Usage> Staging::UsageAt(const std::string& path) {
  PMEM_ASSIGN_OR_RETURN(const auto mount, host_->MountAt(path));
  if (!mount) return absl::NotFoundError(absl::StrCat(path, ": nothing is mounted there"));
  return host_->UsageAt(path);
}

absl::StatusOr<int64_t> Staging::Expand(const std::string& id, const std::string& path,
                                        const SizeRange& range) {
  PMEM_ASSIGN_OR_RETURN(const Turns::Turn turn, volumes_->TakeTurn(id));
  PMEM_ASSIGN_OR_RETURN(const Volume before, volumes_->Find(id));
  PMEM_ASSIGN_OR_RETURN(const auto mount, host_->MountAt(path));
  if (!mount) return absl::NotFoundError(absl::StrCat(path, ": nothing is mounted there"));
  PMEM_ASSIGN_OR_RETURN(std::string device, volumes_->Open(before));
  PMEM_ASSIGN_OR_RETURN(const Usage usage, host_->UsageAt(path));
  PMEM_ASSIGN_OR_RETURN(const bool is_ours, IsMountedAt(device, path, *mount, usage.is_block));
  if (!is_ours) return absl::NotFoundError(absl::StrCat(path, ": ", id, " is not mounted there"));
  PMEM_ASSIGN_OR_RETURN(const Volume volume, volumes_->Extend(id, range));
  // Brings the device to the volume's size, where that is not done yet.
  PMEM_ASSIGN_OR_RETURN(device, volumes_->Open(volume));
  if (usage.is_block || volume.kind == PoolKind::kDirect) return volume.bytes;
  // Also when the volume has its size already: an earlier call may have ended in between.
  PMEM_RETURN_IF_ERROR(host_->Grow(device, path, mount->type));
  return volume.bytes;
}

}  // namespace pmem::driver
