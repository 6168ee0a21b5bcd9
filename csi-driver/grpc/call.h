// SPDX-License-Identifier: Apache-2.0
// What every call of every service does: its fields checked, its end turned into gRPC's terms and
// told in the log. Not thread-safe: each call has its own.
#pragma once

#include <grpcpp/support/status.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "csi-driver/core/volume_use.h"

namespace csi::v1 {
class VolumeCapability;
}

namespace pmem::driver {

// As in the CSI specification.
inline constexpr int kFieldBytesMax = 128;
inline constexpr int kPathBytesMax = 4096;

// The same code and message: both libraries count codes alike. Never RESOURCE_EXHAUSTED but for a
// full pool, because that sends a claim to another node.
grpc::Status ToGrpc(const absl::Status& status);

// One call's begin and end; Ended() logs failures always, successes that changed something too.
class Call {
 public:
  Call(std::string_view method, const std::string& object);
  grpc::Status Ended(const absl::Status& status) const;
  grpc::Status EndedQuietly(const absl::Status& status) const;  // Success is not worth a line.

 private:
  void LogFailure(const absl::Status& status, absl::Duration took) const;

  const std::string_view method_;
  const std::string object_;
  const absl::Time began_;
};

// InvalidArgument for an empty field, or one that is too long.
absl::Status CheckField(std::string_view name, const std::string& value,
                        int bytes_max = kFieldBytesMax);
// Also for a path that is not absolute.
absl::Status CheckPath(std::string_view name, const std::string& value);

// Checked by CheckUse. InvalidArgument also for one that asks for neither a mount nor a block
// device. A mount that names no file system gets `file_system`.
absl::StatusOr<VolumeUse> DecodeUse(const ::csi::v1::VolumeCapability& capability,
                                    const std::string& file_system);

}  // namespace pmem::driver
