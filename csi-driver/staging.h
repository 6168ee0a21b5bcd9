// SPDX-License-Identifier: Apache-2.0
// Volumes made usable for pods of this node: staged (formatted and mounted once), published (bound
// to a pod's path), and back.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "csi-driver/core/volume_use.h"
#include "csi-driver/host.h"
#include "csi-driver/volumes.h"

namespace pmem::driver {

// Thread-safe; one call at a time for each volume, the others get Aborted. Idempotent: what is done
// already is left as it is. Errors beside those of Volumes and Host: NotFound for volumes and paths
// that are not there, AlreadyExists for a path where something else is mounted, FailedPrecondition
// for a file system that is not the one asked for, and for data that is no file system: only a
// volume that nobody can have data on is formatted.
class Staging {
 public:
  Staging(Volumes* volumes, Host* host) : volumes_(volumes), host_(host) {}

  absl::Status Stage(const std::string& id, const std::string& staging_path, const VolumeUse& use);
  absl::Status Unstage(const std::string& id, const std::string& staging_path);
  // What is staged read-only (mount option ro) is published read-only, whatever is asked for. A
  // mount that was left writable is finished: made read-only. FailedPrecondition when it is not
  // this volume that is staged at `staging_path`.
  absl::Status Publish(const std::string& id, const std::string& staging_path,
                       const std::string& target_path, const VolumeUse& use);
  absl::Status Unpublish(const std::string& id, const std::string& target_path);

  // The kubelet asks for each volume each minute: the devices are not read for it.
  absl::StatusOr<Usage> UsageAt(const std::string& path);
  // Volume and file system. The volume's new size.
  absl::StatusOr<int64_t> Expand(const std::string& id, const std::string& path,
                                 const SizeRange& range);

 private:
  absl::Status StageFileSystem(const std::string& device, const std::string& staging_path,
                               const VolumeUse& use);
  absl::Status CheckNoData(const std::string& device);
  absl::Status PrepareFileSystem(const std::string& device, const VolumeUse& use);
  absl::StatusOr<bool> StagedReadOnly(const std::string& device, const std::string& staging_path);
  absl::StatusOr<bool> IsMountedAt(const std::string& device, const std::string& target_path,
                                   const Mount& mount, bool is_block);
  absl::StatusOr<bool> IsPublished(const std::string& device, const std::string& target_path,
                                   bool is_block, bool is_read_only);
  absl::Status PublishBlock(const std::string& device, const std::string& target_path);
  absl::Status PublishFileSystem(const std::string& device, const std::string& staging_path,
                                 const std::string& target_path, bool is_read_only);

  Volumes* const volumes_;
  Host* const host_;
};

}  // namespace pmem::driver
